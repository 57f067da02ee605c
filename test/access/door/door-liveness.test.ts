import fc from 'fast-check';
import { step } from '../../../src/access/door/door';
import { CLOSED_DOOR, type Decision, type DoorEvent, type DoorSettings } from '../../../src/access/door-types';
import type { Liveness } from '../../../src/events';

const SETTINGS: DoorSettings = {
  mode: 'verify',
  verifyDistance: 1.1,
  identifyDistance: 1.0,
  frameDistance: 1.3,
  margin: 0.1,
  votes: 3,
  voteWindowMs: 1000,
  voteSpacingMs: 10,
  deadlineMs: 3000,
  approachMs: 2000,
  cooldownMs: 2000,
  absentMs: 500,
  latencyMs: 0,
  liveness: { mode: 'require', frames: 3, motion: 'watch' },
};
const verdict = (state: Liveness['state'], frames = 3, motion: Liveness['motion'] = 'still'): Liveness => ({
  state,
  score: 0,
  frames,
  motion,
});
const LIVE = verdict('live');
const FAKE = verdict('fake');
const UNDECIDED = verdict('undecided', 1);
const ABSENT = verdict('absent', 0);

const swipe: DoorEvent = { type: 'swipe', at: 10, reader: 'r', standing: { kind: 'active', member: 'ann' } };
const ANN = { member: 'ann', distance: 0.5, frameDistance: 0.5 };
/** Frames 100 ms apart after the swipe, of one track. */
const faces = (verdicts: readonly (Liveness | undefined)[], track = 1, from = 100): DoorEvent[] =>
  verdicts.map((liveness, i) => ({
    type: 'face',
    at: from + 100 * i,
    track,
    evidence: { kind: 'encoded', nearest: [ANN], claimed: ANN },
    ...(liveness === undefined ? {} : { liveness }),
  }));
const LATE: DoorEvent = { type: 'tick', at: 9000 };

function play(events: readonly DoorEvent[], settings: Partial<DoorSettings> = {}): Decision[] {
  let state = { ...CLOSED_DOOR, cameraLive: true };
  return events.flatMap((event) => {
    const next = step(state, event, { ...SETTINGS, ...settings });
    state = next.state;
    return next.decisions;
  });
}
const reasons = (events: readonly DoorEvent[], settings: Partial<DoorSettings> = {}): string[] =>
  play(events, settings).map(({ reason }) => reason);

describe('required', () => {
  test.each<[string, DoorEvent[], string[]]>([
    ['a live face opens', [swipe, ...faces([LIVE, LIVE, LIVE])], ['match']],
    ['the verdict may come after the votes', [swipe, ...faces([UNDECIDED, UNDECIDED, UNDECIDED, LIVE])], ['match']],
    ['a fake one does not', [swipe, ...faces([FAKE, FAKE, FAKE, FAKE]), LATE], ['fake-face']],
    ['nor one that is not decided', [swipe, ...faces(Array(8).fill(UNDECIDED)), LATE], ['liveness-unknown']],
    ['absent is not live', [swipe, ...faces(Array(8).fill(ABSENT)), LATE], ['liveness-unknown']],
    ['nothing said is absent', [swipe, ...faces(Array(8).fill(undefined)), LATE], ['liveness-unknown']],
    [
      'live on two frames is too little',
      [swipe, ...faces(Array(8).fill(verdict('live', 2))), LATE],
      ['liveness-unknown'],
    ],
    ['a fake frame takes the votes away', [swipe, ...faces([LIVE, LIVE, FAKE, LIVE, LIVE]), LATE], ['fake-face']],
    ['after which they are gathered anew', [swipe, ...faces([LIVE, FAKE, LIVE, LIVE, LIVE])], ['match']],
    [
      'another track does not inherit them',
      [swipe, ...faces([LIVE, LIVE], 1), ...faces([LIVE, LIVE], 2, 300), LATE],
      ['deadline'],
    ],
  ])('%s', (_, events, expected) => expect(reasons(events)).toEqual(expected));

  test('without a card too', () => {
    const identify = { mode: 'identify' } as const;
    expect(reasons(faces([LIVE, LIVE, LIVE]), identify)).toEqual(['match']);
    expect(reasons(faces(Array(25).fill(FAKE)), identify)).toEqual(['fake-face']);
    expect(reasons(faces(Array(25).fill(ABSENT)), identify)).toEqual(['liveness-unknown']);
  });

  test('of one that does not match, nothing is said but that', () => {
    const stranger = faces([LIVE, LIVE, LIVE, LIVE]).map((event) => ({
      ...event,
      evidence: { kind: 'encoded' as const, nearest: [], claimed: { ...ANN, distance: 1.5 } },
    })) as DoorEvent[];
    expect(reasons([swipe, ...stranger, LATE])).toEqual(['mismatch']);
  });

  test('a turned head can be asked for', () => {
    const settings = { liveness: { mode: 'require', frames: 3, motion: 'require' } } as const;
    expect(reasons([swipe, ...faces(Array(8).fill(LIVE)), LATE], settings)).toEqual(['liveness-unknown']);
    const turned = [LIVE, LIVE, LIVE, verdict('live', 3, 'depth')];
    expect(reasons([swipe, ...faces(turned)], settings)).toEqual(['match']);
  });

  test('a card alone needs no face, so nothing to be live', () => {
    expect(reasons([swipe], { mode: 'card' })).toEqual(['card']);
  });
});

test('advised, decisions say what was found and are what they were', () => {
  const advise = { liveness: { mode: 'advise', frames: 3, motion: 'watch' } } as const;
  expect(play([swipe, ...faces([FAKE, FAKE, FAKE])], advise)).toMatchObject([{ reason: 'match', liveness: 'fake' }]);
  expect(play([swipe, ...faces([FAKE]), LATE], advise)).toMatchObject([{ reason: 'deadline', liveness: 'fake' }]);
});

test('off, nothing is said of it', () => {
  const off = { liveness: { mode: 'off', frames: 3, motion: 'watch' } } as const;
  const [decision] = play([swipe, ...faces([FAKE, FAKE, FAKE])], off);
  expect(decision).toMatchObject({ reason: 'match' });
  expect(decision).not.toHaveProperty('liveness');
});

test('whatever the order of events, a grant by face comes at a frame that is live on enough frames, none fake among its votes', () => {
  const liveness = fc.option(
    fc.record({
      state: fc.constantFrom<Liveness['state']>('live', 'live', 'live', 'live', 'fake', 'undecided', 'absent'),
      score: fc.constant(null),
      frames: fc.integer({ min: 1, max: 5 }),
      motion: fc.constantFrom<Liveness['motion']>('still', 'depth', 'flat'),
    }),
    { nil: undefined },
  );
  const frame = fc.record({ track: fc.integer({ min: 1, max: 2 }), liveness });
  const happening = fc.oneof(
    { weight: 8, arbitrary: frame.map((one) => ({ kind: 'frame' as const, ...one })) },
    { weight: 1, arbitrary: fc.constant({ kind: 'swipe' as const }) },
  );
  const history = fc.array(fc.tuple(fc.integer({ min: 0, max: 300 }), happening), { maxLength: 50 });
  const modes = fc.constantFrom<DoorSettings['mode']>('verify', 'identify', 'either');
  const asked = fc.record({
    mode: fc.constant('require' as const),
    frames: fc.integer({ min: 1, max: 3 }),
    motion: fc.constantFrom('watch' as const, 'require' as const),
  });
  let grants = 0;
  fc.assert(
    fc.property(history, modes, asked, (steps, mode, liveness) => {
      const settings: DoorSettings = { ...SETTINGS, mode, liveness };
      let state = { ...CLOSED_DOOR, cameraLive: true };
      let at = 0;
      const shown: { at: number; track: number; liveness: Liveness | undefined }[] = [];
      for (const [delta, what] of steps) {
        at += delta;
        let event: DoorEvent;
        if (what.kind === 'swipe') event = { ...swipe, at };
        else {
          [event] = faces([what.liveness], what.track, at) as [DoorEvent];
          shown.push({ at, track: what.track, liveness: what.liveness });
        }
        const next = step(state, event, settings);
        state = next.state;
        for (const decision of next.decisions) {
          if (decision.outcome !== 'granted') continue;
          grants++;
          const last = shown.at(-1)!;
          expect(last.at).toBe(decision.at);
          expect(last.liveness?.state).toBe('live');
          expect(last.liveness!.frames).toBeGreaterThanOrEqual(liveness.frames);
          if (liveness.motion === 'require') expect(last.liveness!.motion).toBe('depth');
          // The frames since the last fake one of this track must have been enough on their own.
          const own = shown.filter(({ track }) => track === last.track);
          const fake = own.map((one) => one.liveness?.state).lastIndexOf('fake');
          expect(new Set(own.slice(fake + 1).map((one) => one.at)).size).toBeGreaterThanOrEqual(settings.votes);
        }
      }
    }),
    { numRuns: 400 },
  );
  expect(grants).toBeGreaterThan(0);
});
