import fc from 'fast-check';
import { step } from '../../../src/access/door/door';
import {
  CLOSED_DOOR,
  type Decision,
  type DoorEvent,
  type DoorSettings,
  type DoorState,
  type FaceEvidence,
  type Gate,
  type Nearness,
  OPEN_GATE,
} from '../../../src/access/door-types';

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
  liveness: { mode: 'off', frames: 3, motion: 'watch' },
};
const IDENTIFY: DoorSettings = { ...SETTINGS, mode: 'identify' };
const EITHER: DoorSettings = { ...SETTINGS, mode: 'either' };

const near = (member: string, distance: number, frameDistance = distance): Nearness => ({
  member,
  distance,
  frameDistance,
});
const claimed = (member: string, distance: number, frameDistance = distance): FaceEvidence => ({
  kind: 'encoded',
  nearest: [],
  claimed: near(member, distance, frameDistance),
});
const found = (...nearest: Nearness[]): FaceEvidence => ({ kind: 'encoded', nearest, claimed: null });
const swipe = (at: number, member = 'ann'): DoorEvent => ({
  type: 'swipe',
  at,
  reader: 'r1',
  standing: { kind: 'active', member },
});
const face = (at: number, evidence: FaceEvidence, track = 1): DoorEvent => ({ type: 'face', at, track, evidence });
const live: DoorEvent = { type: 'camera', at: 0, live: true };

function play(events: readonly DoorEvent[], settings: DoorSettings): { decisions: Decision[]; state: DoorState } {
  let state = CLOSED_DOOR;
  const decisions: Decision[] = [];
  for (const event of events) {
    const next = step(state, event, settings);
    state = next.state;
    decisions.push(...next.decisions);
  }
  return { decisions, state };
}

const outcome = (events: readonly DoorEvent[], settings: DoorSettings): string[] =>
  play([live, ...events], settings).decisions.map(({ reason, member }) => `${reason}:${member ?? '-'}`);

describe('a card', () => {
  const standings: readonly [
    string,
    Extract<DoorEvent, { type: 'swipe' }>['standing'],
    DoorSettings['mode'],
    string,
  ][] = [
    [
      'of a member without a picture',
      { kind: 'refused', member: 'ann', reason: 'no-template' },
      'verify',
      'no-template:ann',
    ],
    [
      'of such a member, where the card is enough',
      { kind: 'refused', member: 'ann', reason: 'no-template' },
      'card',
      'card:ann',
    ],
    [
      'of a member who is suspended, where the card is enough',
      { kind: 'refused', member: 'ann', reason: 'member-suspended' },
      'card',
      'member-suspended:ann',
    ],
  ];
  it.each(standings)('%s', (_, standing, mode, expected) => {
    expect(outcome([{ type: 'swipe', at: 10, reader: 'r1', standing }], { ...SETTINGS, mode })).toEqual([expected]);
  });
});

describe('after a grant by face', () => {
  const grant = [10, 20, 30].map((at) => face(at, found(near('ann', 0.5))));
  const every = (from: number, to: number, evidence: FaceEvidence, track: number): DoorEvent[] =>
    Array.from({ length: (to - from) / 100 }, (_, i) => face(from + i * 100, evidence, track));

  it.each<[string, DoorEvent[], string[]]>([
    [
      'the same face as another track, for long: nothing more is said',
      every(100, 9000, found(near('ann', 0.6)), 2),
      [],
    ],
    [
      'it turns away afterwards: it was refused nothing',
      [...every(100, 300, found(near('ann', 0.6)), 2), ...every(300, 9000, found(near('ann', 1.5)), 2)],
      [],
    ],
    ['somebody else: let in after the cooldown', every(100, 9000, found(near('bob', 0.6)), 2), ['match:bob']],
    ['a stranger who leaves within the cooldown and the approach', every(100, 4000, found(near('bob', 1.5)), 2), []],
    ['a stranger who stays', every(100, 4300, found(near('bob', 1.5)), 2), ['unknown-face:-']],
    [
      'the member comes again after the cooldown',
      [...every(100, 300, found(near('ann', 0.6)), 2), ...every(3000, 3300, found(near('ann', 0.6)), 3)],
      ['match:ann'],
    ],
  ])('%s', (_what, events, more) => {
    expect(outcome([...grant, ...events], IDENTIFY)).toEqual(['match:ann', ...more]);
  });
});

describe('votes', () => {
  const agreeing = (times: readonly number[], settings: Partial<DoorSettings> = {}): string[] =>
    outcome([swipe(10), ...times.map((at) => face(at, claimed('ann', 1)))], { ...SETTINGS, ...settings });

  it.each<[string, number[], Partial<DoorSettings>, string[]]>([
    ['the oldest just within the window', [20, 420, 820], { voteWindowMs: 800 }, ['match:ann']],
    ['the oldest just beyond it', [20, 420, 821], { voteWindowMs: 800 }, []],
    ['one every 401 ms, for long: never three in 800 ms', [20, 421, 822, 1223, 1624, 2025], { voteWindowMs: 800 }, []],
    ['three frames within three milliseconds are one', [20, 21, 22], {}, []],
    ['twenty within nineteen milliseconds are two', Array.from({ length: 20 }, (_, i) => 20 + i), {}, []],
    ['too close ones between good ones change nothing', [20, 21, 30, 31, 40], {}, ['match:ann']],
    ['a late one between others counts for nothing', [20, 40, 25], {}, []],
  ])('%s', (_what, times, settings, decisions) => {
    expect(agreeing(times, settings)).toEqual(decisions);
  });
});

describe('a slow camera', () => {
  const slow: DoorSettings = { ...IDENTIFY, latencyMs: 4000 };
  const tick = (at: number): DoorEvent => ({ type: 'tick', at });

  test('whose face is on its way is not absent, and not waiting for too long', () => {
    const events = [20, 220, 420].flatMap((at) => [
      tick(at + 4000),
      face(at, found(near('ann', 0.5))),
      tick(at + 4090),
    ]);
    expect(outcome(events, slow)).toEqual(['match:ann']);
    expect(outcome(events, IDENTIFY)).not.toContain('match:ann');
  });

  test('who has left is absent once that was seen', () => {
    const { state } = play([face(20, found(near('ann', 1.2))), tick(4520)], slow);
    expect(state.approach).not.toBeNull();
    expect(step(state, tick(4521), slow).state.approach).toBeNull();
  });
});

describe('verify', () => {
  const cases: [string, DoorEvent[], string[]][] = [
    [
      'grants on the third agreeing frame',
      [swipe(10), ...[20, 30, 40].map((at) => face(at, claimed('ann', 1)))],
      ['match:ann'],
    ],
    ['two agreeing frames are not enough', [swipe(10), ...[20, 30].map((at) => face(at, claimed('ann', 1)))], []],
    [
      'agreeing frames too few before the deadline',
      [swipe(10), ...[20, 30].map((at) => face(at, claimed('ann', 1))), { type: 'tick', at: 3011 }],
      ['deadline:ann'],
    ],
    [
      'a face that does not match',
      [swipe(10), ...[20, 30, 40, 50].map((at) => face(at, claimed('ann', 1.2))), { type: 'tick', at: 4000 }],
      ['mismatch:ann'],
    ],
    [
      'fused under, but the single frames over their bound',
      [swipe(10), ...[20, 30, 40].map((at) => face(at, claimed('ann', 1, 1.4))), { type: 'tick', at: 4000 }],
      ['mismatch:ann'],
    ],
    ['only refused faces', [swipe(10), face(20, { kind: 'refused' }), { type: 'tick', at: 4000 }], ['low-quality:ann']],
    ['nobody came', [swipe(10), { type: 'empty', at: 20 }, { type: 'tick', at: 4000 }], ['no-face:ann']],
    [
      'the camera went away',
      [swipe(10), { type: 'camera', at: 20, live: false }, { type: 'tick', at: 4000 }],
      ['camera-unavailable:ann'],
    ],
    [
      'unknown card',
      [{ type: 'swipe', at: 10, reader: 'r1', standing: { kind: 'refused', member: null, reason: 'unknown-member' } }],
      ['unknown-member:-'],
    ],
    [
      'a second card replaces the first',
      [swipe(10), swipe(20, 'bob'), ...[30, 40, 50].map((at) => face(at, claimed('bob', 1)))],
      ['superseded:ann', 'match:bob'],
    ],
    [
      'votes of one person do not pass to the next',
      [swipe(10), face(20, claimed('ann', 1), 1), face(30, claimed('ann', 1), 1), face(40, claimed('ann', 1), 2)],
      [],
    ],
    [
      'frames taken before the swipe do not vote',
      [swipe(100), ...[70, 80, 90].map((at) => face(at, claimed('ann', 1)))],
      [],
    ],
    [
      'one frame told three times is one vote',
      [swipe(10), ...[20, 20, 20].map((at) => face(at, claimed('ann', 1)))],
      [],
    ],
    [
      'votes grow old',
      [swipe(10), face(20, claimed('ann', 1)), face(500, claimed('ann', 1)), face(1100, claimed('ann', 1))],
      [],
    ],
    [
      'no grant while the store cannot be read',
      [
        swipe(10),
        { type: 'store', at: 15, available: false },
        ...[20, 30, 40].map((at) => face(at, claimed('ann', 1))),
        { type: 'tick', at: 4000 },
      ],
      ['store-unavailable:ann'],
    ],
    [
      'a swipe while the store cannot be read',
      [{ type: 'store', at: 5, available: false }, swipe(10)],
      ['store-unavailable:-'],
    ],
    [
      'a swipe in the cooldown',
      [swipe(10), ...[20, 30, 40].map((at) => face(at, claimed('ann', 1))), swipe(100, 'bob')],
      ['match:ann', 'cooldown:bob'],
    ],
    [
      'a late frame cannot serve an expired claim',
      [swipe(10), face(20, claimed('ann', 1)), face(30, claimed('ann', 1)), face(3500, claimed('ann', 1))],
      ['deadline:ann'],
    ],
    ['a face without a card', [20, 30, 40, 3000, 6000].map((at) => face(at, found(near('ann', 0.5)))), []],
    ['shutdown answers the open swipe', [swipe(10), { type: 'shutdown', at: 20 }], ['shutdown:ann']],
    [
      'NaN distances never match',
      [swipe(10), ...[20, 30, 40].map((at) => face(at, claimed('ann', NaN, NaN))), { type: 'tick', at: 4000 }],
      ['mismatch:ann'],
    ],
  ];
  test.each(cases)('%s', (_, events, expected) => expect(outcome(events, SETTINGS)).toEqual(expected));
});

describe('identify', () => {
  const steady = (evidence: FaceEvidence, until: number): DoorEvent[] =>
    Array.from({ length: Math.floor(until / 100) }, (_, i) => face(100 + i * 100, evidence));
  const cases: [string, DoorEvent[], string[]][] = [
    ['grants without a card', steady(found(near('ann', 0.8), near('bob', 1.2)), 300), ['match:ann']],
    ['once for one stay', steady(found(near('ann', 0.8), near('bob', 1.2)), 9000), ['match:ann']],
    ['nobody near enough', steady(found(near('ann', 1.05), near('bob', 1.2)), 2500), ['unknown-face:-']],
    ['says it once', steady(found(near('ann', 1.05)), 9000), ['unknown-face:-']],
    ['two members nearly equally near', steady(found(near('ann', 0.8), near('bob', 0.85)), 2500), ['ambiguous:-']],
    ['empty gallery', steady(found(), 2500), ['unknown-face:-']],
    ['never a good picture', steady({ kind: 'refused' }, 2500), ['low-quality:-']],
    [
      'again after leaving and the cooldown',
      [
        ...steady(found(near('ann', 0.8)), 300),
        ...[3000, 3100, 3200].map((at) => face(at, found(near('ann', 0.8)), 2)),
      ],
      ['match:ann', 'match:ann'],
    ],
    [
      'members alternate: no majority, no grant',
      [100, 200, 300, 400].map((at, i) => face(at, found(near(i % 2 ? 'ann' : 'bob', 0.8)))),
      [],
    ],
  ];
  test.each(cases)('%s', (_, events, expected) => expect(outcome(events, IDENTIFY)).toEqual(expected));
});

describe('either', () => {
  test('a swipe is verified although the face would be identified as somebody else', () => {
    const evidence: FaceEvidence = { kind: 'encoded', nearest: [near('bob', 0.5)], claimed: near('ann', 1.3) };
    expect(
      outcome([swipe(10), ...[20, 30, 40, 50].map((at) => face(at, evidence)), { type: 'tick', at: 4000 }], EITHER),
    ).toEqual(['mismatch:ann']);
  });
});

describe('card', () => {
  const CARD: DoorSettings = { ...SETTINGS, mode: 'card' };
  const refused = (reason: 'no-template' | 'member-suspended'): DoorEvent => ({
    type: 'swipe',
    at: 10,
    reader: 'r1',
    standing: { kind: 'refused', member: 'ann', reason },
  });
  const cases: [string, DoorEvent[], string[]][] = [
    ['the card alone opens', [swipe(10)], ['card:ann']],
    ['nobody needs a picture for it', [refused('no-template')], ['card:ann']],
    ['but everybody needs to be allowed', [refused('member-suspended')], ['member-suspended:ann']],
    [
      'once, then there is a pause',
      [swipe(10), swipe(20, 'bob'), swipe(2010, 'bob')],
      ['card:ann', 'cooldown:bob', 'card:bob'],
    ],
    ['a face is nothing to it', [20, 30, 40, 3000].map((at) => face(at, found(near('ann', 0.5)))), []],
    ['not without the store', [{ type: 'store', at: 5, available: false }, swipe(10)], ['store-unavailable:-']],
  ];
  test.each(cases)('%s', (_, events, expected) => expect(outcome(events, CARD)).toEqual(expected));
});

describe('the gate', () => {
  const through = (events: readonly DoorEvent[], settings: DoorSettings, gate: Gate): string[] => {
    let state: DoorState = { ...CLOSED_DOOR, cameraLive: true };
    return events.flatMap((event) => {
      const next = step(state, event, settings, gate);
      state = next.state;
      return next.decisions.map(({ reason, member }) => `${reason}:${member ?? '-'}`);
    });
  };
  const faces = (...times: number[]): DoorEvent[] => times.map((at) => face(at, claimed('ann', 1)));

  test('is asked at the swipe, and a face is then not waited for', () => {
    const gate: Gate = { ...OPEN_GATE, atSwipe: () => 'lockdown' };
    expect(through([swipe(10), ...faces(20, 30, 40)], SETTINGS, gate)).toEqual(['lockdown:ann']);
  });

  test('is asked again before the grant, and refuses without a pause for the next', () => {
    const gate: Gate = { ...OPEN_GATE, atGrant: ({ member }) => (member === 'ann' ? 'zone-full' : null) };
    const bob = [60, 70, 80].map((at) => face(at, claimed('bob', 1), 2));
    expect(through([swipe(10), ...faces(20, 30, 40), swipe(50, 'bob'), ...bob], SETTINGS, gate)).toEqual([
      'zone-full:ann',
      'match:bob',
    ]);
  });

  test('whoever was refused is not judged again while standing there', () => {
    const gate: Gate = { ...OPEN_GATE, atGrant: () => 'no-right' };
    const frames = [20, 30, 40, 50, 60, 2500, 2600].map((at) => face(at, found(near('ann', 0.5))));
    expect(through(frames.slice(0, 5), IDENTIFY, gate)).toEqual(['no-right:ann']);
  });

  test('learns what the same event has brought about already', () => {
    const heard: string[] = [];
    const gate: Gate = {
      ...OPEN_GATE,
      atGrant: (_, earlier) => {
        heard.push(...earlier.map(({ reason }) => reason));
        return null;
      },
    };
    through([swipe(10), ...faces(20)], SETTINGS, gate);
    let { state } = step({ ...CLOSED_DOOR, cameraLive: true }, swipe(10), SETTINGS, gate);
    ({ state } = step(state, swipe(20, 'bob'), { ...SETTINGS, mode: 'card' }, gate));
    expect(heard).toEqual(['superseded']);
    expect(state.claim).toBeNull();
  });

  test('a locked reader tells nothing about the card', () => {
    const gate: Gate = { ...OPEN_GATE, atSwipe: () => 'locked-out' };
    const unknown: DoorEvent = {
      type: 'swipe',
      at: 10,
      reader: 'r1',
      standing: { kind: 'refused', member: null, reason: 'unknown-member' },
    };
    expect(through([unknown], SETTINGS, gate)).toEqual(['locked-out:-']);
  });
});

describe('whatever the order of events', () => {
  const member = fc.constantFrom('ann', 'bob', 'cat');
  const distance = fc.constantFrom(0.5, 0.95, 1.05, 1.2, 1.5, NaN);
  const nearness = fc.record({ member, distance, frameDistance: distance });
  const evidence: fc.Arbitrary<FaceEvidence> = fc.oneof(
    fc.constant<FaceEvidence>({ kind: 'refused' }),
    fc.record({
      kind: fc.constant('encoded' as const),
      nearest: fc
        .uniqueArray(nearness, { maxLength: 2, selector: (n) => n.member })
        .map((n) => n.sort((a, b) => a.distance - b.distance)),
      claimed: fc.option(nearness, { nil: null }),
    }),
  );
  const happening = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ type: fc.constant('face' as const), track: fc.integer({ min: 1, max: 3 }), evidence }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        type: fc.constant('swipe' as const),
        reader: fc.constant('r1'),
        standing: fc.oneof(
          member.map((m) => ({ kind: 'active' as const, member: m })),
          fc.constant({ kind: 'refused' as const, member: null, reason: 'unknown-member' as const }),
        ),
      }),
    },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('store' as const), available: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('camera' as const), live: fc.boolean() }) },
    { weight: 1, arbitrary: fc.constant({ type: 'empty' as const }) },
    { weight: 1, arbitrary: fc.constant({ type: 'tick' as const }) },
    { weight: 1, arbitrary: fc.constant({ type: 'shutdown' as const }) },
  );
  // Mostly forward, sometimes a frame that was taken before the event in front of it.
  const history = fc.array(
    fc.tuple(
      fc.oneof(
        { weight: 8, arbitrary: fc.integer({ min: 0, max: 400 }) },
        { weight: 1, arbitrary: fc.integer({ min: -50, max: 4000 }) },
      ),
      happening,
    ),
    { maxLength: 60 },
  );
  const settingsOf = fc.record({
    mode: fc.constantFrom<DoorSettings['mode']>('verify', 'identify', 'either'),
    votes: fc.integer({ min: 1, max: 4 }),
    voteWindowMs: fc.constantFrom(200, 600, 1000),
    voteSpacingMs: fc.constantFrom(0, 30, 100),
    latencyMs: fc.constantFrom(0, 300, 3000),
  });

  const timed = (steps: readonly [number, object][]): DoorEvent[] => {
    let at = 0;
    return steps.map(([delta, event]) => ({ ...event, at: (at += delta) }) as DoorEvent);
  };

  /** An oracle apart from the automaton: which frames could count for a grant, straight from the rule. */
  const agreeingFrames = (
    events: readonly DoorEvent[],
    decision: Decision,
    settings: DoorSettings,
    index: number,
  ): number => {
    const frame = events[index];
    if (frame?.type !== 'face') return 0;
    const seen = new Set<number>();
    for (const event of events.slice(0, index + 1)) {
      if (event.type !== 'face' || event.track !== frame.track || event.evidence.kind !== 'encoded') continue;
      if (decision.at - event.at > settings.voteWindowMs || event.at < decision.since) continue;
      const bound = decision.trigger === 'swipe' ? settings.verifyDistance : settings.identifyDistance;
      const candidate = decision.trigger === 'swipe' ? event.evidence.claimed : event.evidence.nearest[0];
      if (
        candidate !== null &&
        candidate !== undefined &&
        candidate.member === decision.member &&
        candidate.distance <= bound &&
        candidate.frameDistance <= settings.frameDistance
      )
        seen.add(event.at);
    }
    let [votes, last] = [0, -Infinity];
    for (const at of [...seen].sort((a, b) => a - b)) {
      if (at - last < settings.voteSpacingMs) continue;
      votes++;
      last = at;
    }
    return votes;
  };

  test('a grant has enough agreeing frames, an open store, no cooldown; a swipe has at most one decision', () => {
    fc.assert(
      fc.property(history, settingsOf, (steps, varied) => {
        const settings = { ...SETTINGS, ...varied };
        const events = timed(steps);
        let state = CLOSED_DOOR;
        let storeAvailable = true;
        let cooldownUntil = -Infinity;
        let openSwipes = 0;
        events.forEach((event, index) => {
          const { state: next, decisions } = step(state, event, settings);
          state = next;
          if (event.type === 'store') storeAvailable = event.available;
          if (event.type === 'swipe') openSwipes++;
          for (const decision of decisions) {
            if (decision.trigger === 'swipe') openSwipes--;
            if (decision.outcome === 'denied') continue;
            expect(storeAvailable).toBe(true);
            expect(event.at).toBeGreaterThanOrEqual(cooldownUntil);
            expect(settings.mode === 'verify' ? decision.trigger : 'swipe').toBe('swipe');
            expect(agreeingFrames(events, decision, settings, index)).toBeGreaterThanOrEqual(settings.votes);
            cooldownUntil = event.at + settings.cooldownMs;
          }
          expect(openSwipes).toBe(state.claim === null ? 0 : 1);
        });
      }),
      { numRuns: 5000 },
    );
  });

  test('is a function of its arguments: state and event are never written to', () => {
    fc.assert(
      fc.property(history, (steps) => {
        let state = Object.freeze({ ...CLOSED_DOOR });
        for (const event of timed(steps)) {
          const copy = structuredClone(state);
          const once = step(state, Object.freeze(event), EITHER);
          expect(state).toEqual(copy);
          expect(step(state, event, EITHER)).toEqual(once);
          state = Object.freeze({ ...once.state });
        }
      }),
      { numRuns: 300 },
    );
  });
});
