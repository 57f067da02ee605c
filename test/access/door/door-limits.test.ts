import { step } from '../../../src/access/door/door';
import {
  CLOSED_DOOR,
  type Decision,
  type DoorEvent,
  type DoorSettings,
  type FaceEvidence,
  type Gate,
  type MemberStanding,
  type Nearness,
  OPEN_GATE,
} from '../../../src/access/door-types';
import type { Liveness } from '../../../src/events';

/** The very limits of the door automaton: one millisecond, one distance, one vote to either side; and every field of a decision. */

const SETTINGS: DoorSettings = {
  mode: 'verify',
  verifyDistance: 1.1,
  identifyDistance: 1,
  frameDistance: 1.3,
  margin: 0.25,
  votes: 3,
  voteWindowMs: 1000,
  voteSpacingMs: 1,
  deadlineMs: 3000,
  approachMs: 2000,
  cooldownMs: 2000,
  absentMs: 500,
  latencyMs: 0,
  liveness: { mode: 'off', frames: 3, motion: 'watch' },
};
const IDENTIFY: DoorSettings = { ...SETTINGS, mode: 'identify' };
const EITHER: DoorSettings = { ...SETTINGS, mode: 'either' };
const CARD: DoorSettings = { ...SETTINGS, mode: 'card' };

const near = (member: string, distance: number, frameDistance = distance): Nearness => ({
  member,
  distance,
  frameDistance,
});
const claimed = (distance = 0.5, frameDistance = distance, member = 'ann'): FaceEvidence => ({
  kind: 'encoded',
  nearest: [],
  claimed: near(member, distance, frameDistance),
});
const found = (...nearest: Nearness[]): FaceEvidence => ({ kind: 'encoded', nearest, claimed: null });
const ANN = found(near('ann', 0.5));
const REFUSED: FaceEvidence = { kind: 'refused' };
const LIVE: Liveness = { state: 'live', score: 0.9, frames: 3, motion: 'still' };
const UNKNOWN: Liveness = { state: 'undecided', score: null, frames: 1, motion: 'still' };

const camera = (at: number, live = true): DoorEvent => ({ type: 'camera', at, live });
const store = (at: number, available: boolean): DoorEvent => ({ type: 'store', at, available });
const tick = (at: number): DoorEvent => ({ type: 'tick', at });
const face = (at: number, evidence: FaceEvidence, track = 1, liveness?: Liveness): DoorEvent => ({
  ...{ type: 'face', at, track, evidence },
  ...(liveness === undefined ? {} : { liveness }),
});
const swipe = (at: number, standing: MemberStanding = { kind: 'active', member: 'ann' }): DoorEvent => ({
  ...{ type: 'swipe', at, reader: 'r1', standing },
});

function play(settings: DoorSettings, events: readonly DoorEvent[], gate: Gate = OPEN_GATE): Decision[] {
  let state = CLOSED_DOOR;
  const decisions: Decision[] = [];
  for (const event of [camera(0), ...events]) {
    const next = step(state, event, settings, gate);
    state = next.state;
    decisions.push(...next.decisions);
  }
  return decisions;
}
const reasons = (settings: DoorSettings, events: readonly DoorEvent[], gate?: Gate): string[] =>
  play(settings, events, gate).map(({ at, reason, member }) => `${at} ${reason} ${member ?? '-'}`);

describe('votes', () => {
  it.each([
    ['the oldest is exactly as old as the window', [1000, 1500, 2000], ['2000 match ann']],
    ['the oldest is a millisecond older', [1000, 1500, 2001], []],
    ['a slow row in which no three lie within the window', [1000, 1600, 2200, 2800], []],
    ['old ones have left the window, new ones have come', [1000, 1900, 2100, 2300], ['2300 match ann']],
    ['two of one moment are one', [1000, 1000, 1100], []],
  ])('%s', (_, times, expected) => {
    expect(
      reasons(
        { ...IDENTIFY, absentMs: 900 },
        times.map((at) => face(at, ANN)),
      ),
    ).toEqual(expected);
    expect(reasons({ ...SETTINGS, absentMs: 900 }, [swipe(999), ...times.map((at) => face(at, claimed()))])).toEqual(
      expected,
    );
  });

  it.each([
    ['just so far apart', [1000, 1100, 1200], ['1200 match ann']],
    ['a millisecond too near', [1000, 1099, 1198], []],
    ['in between one that is too near, which is no vote', [1000, 1099, 1100, 1150, 1200], ['1200 match ann']],
    ['a burst of late frames', [1000, 1001, 1002, 1003, 1004, 1005], []],
  ])('have a distance in time: %s', (_, times, expected) => {
    const settings = { ...IDENTIFY, voteSpacingMs: 100 };
    expect(
      reasons(
        settings,
        times.map((at) => face(at, ANN)),
      ),
    ).toEqual(expected);
  });

  it('are of one member and one track', () => {
    const bob = found(near('bob', 0.5));
    expect(reasons(IDENTIFY, [face(10, ANN), face(20, bob), face(30, ANN), face(40, bob), face(50, ANN)])).toEqual([]);
    expect(reasons(IDENTIFY, [face(10, ANN, 1), face(20, ANN, 2), face(30, ANN, 3)])).toEqual([]);
    expect(
      reasons(SETTINGS, [swipe(0), face(10, claimed(), 1), face(20, claimed(), 2), face(30, claimed(), 3)]),
    ).toEqual([]);
  });

  it('from before the camera or the store was lost do not count', () => {
    for (const gone of [camera(25, false), store(25, false)]) {
      const back = gone.type === 'camera' ? camera(26) : store(26, true);
      expect(reasons(IDENTIFY, [face(10, ANN), face(20, ANN), gone, back, face(30, ANN)])).toEqual([]);
    }
    // What was there already changes nothing.
    for (const same of [camera(25), store(25, true)])
      expect(reasons(IDENTIFY, [face(10, ANN), face(20, ANN), same, face(30, ANN)])).toEqual(['30 match ann']);
  });

  it('of a frame taken at the very moment of the swipe count, of one before it do not', () => {
    expect(reasons(SETTINGS, [swipe(100), ...[100, 110, 120].map((at) => face(at, claimed()))])).toEqual([
      '120 match ann',
    ]);
    expect(reasons(SETTINGS, [swipe(100), ...[99, 110, 120].map((at) => face(at, claimed()))])).toEqual([]);
  });
});

describe('distances', () => {
  const three = (evidence: FaceEvidence): DoorEvent[] => [10, 20, 30].map((at) => face(at, evidence));
  it.each([
    [1.1, 1.3, true],
    [1.1001, 1.3, false],
    [1.1, 1.3001, false],
    [NaN, 1, false],
    [1, NaN, false],
  ])('verify: %d and %d of the frame: %s', (distance, frame, passes) => {
    expect(reasons(SETTINGS, [swipe(0), ...three(claimed(distance, frame))])).toEqual(passes ? ['30 match ann'] : []);
  });

  it.each([
    [1, 1.3, true],
    [1.0001, 1.3, false],
    [1, 1.3001, false],
  ])('identify: %d and %d of the frame: %s', (distance, frame, passes) => {
    expect(reasons(IDENTIFY, three(found(near('ann', distance, frame))))).toEqual(passes ? ['30 match ann'] : []);
  });

  it.each([
    [0.75, true],
    [0.7499, false],
    [NaN, false],
  ])('identify: the second-best at %d: %s', (second, passes) => {
    expect(reasons(IDENTIFY, three(found(near('ann', 0.5), near('bob', second))))).toEqual(
      passes ? ['30 match ann'] : [],
    );
  });

  it('the nearest that was seen is told, whatever came before and after', () => {
    const [denied] = play(SETTINGS, [
      swipe(0),
      face(10, claimed(1.4)),
      face(20, claimed(1.2)),
      face(30, claimed(1.6)),
      tick(3001),
    ]);
    expect(denied).toMatchObject({ reason: 'mismatch', distance: 1.2, threshold: 1.1, votes: 0 });
  });

  it('where nothing could be compared no distance is told', () => {
    const [denied] = play(SETTINGS, [swipe(0), face(10, { kind: 'encoded', nearest: [], claimed: null }), tick(3001)]);
    expect(denied).toMatchObject({ reason: 'mismatch', distance: null });
  });
});

describe('times', () => {
  it.each([
    [3000, []],
    [3001, ['3001 no-face ann']],
  ])('a swipe waits until the deadline and not longer: at %i', (at, expected) => {
    expect(reasons(SETTINGS, [swipe(0), tick(at)])).toEqual(expected);
  });

  it('a face at the very deadline is in time', () => {
    expect(reasons(SETTINGS, [swipe(0), face(2900, claimed()), face(2950, claimed()), face(3000, claimed())])).toEqual([
      '3000 match ann',
    ]);
  });

  it.each([
    [2100, []],
    [2101, ['2101 unknown-face -']],
  ])('a face that nobody knows is refused after the time of an approach: at %i', (at, expected) => {
    const stranger = found(near('ann', 1.4));
    const seen = Array.from({ length: 9 }, (_, i) => face(100 + i * 250, stranger)).filter((event) => event.at < at);
    expect(reasons(IDENTIFY, [...seen, tick(at)])).toEqual(expected);
  });

  it('a face that was away for no longer than a moment is the same approach', () => {
    const stranger = found(near('ann', 1.4));
    const gaps = (gap: number): DoorEvent[] => [0, 1, 2, 3, 4].map((i) => face(10 + i * gap, stranger));
    expect(reasons(IDENTIFY, [...gaps(500), tick(2010)])).toEqual([]);
    expect(reasons(IDENTIFY, [...gaps(500), tick(2011)])).toEqual(['2011 unknown-face -']);
    expect(reasons(IDENTIFY, [...gaps(500), face(2011, stranger)])).toEqual(['2011 unknown-face -']);
    expect(reasons(IDENTIFY, [...gaps(501), face(2015, stranger)])).toEqual([]);
  });

  it('a face that is on its way through a slow camera is not absent, and not refused before its time', () => {
    const slow: DoorSettings = { ...IDENTIFY, latencyMs: 400 };
    const stranger = found(near('ann', 1.4));
    const ticks = (last: number): DoorEvent[] => [
      ...[0, 500, 1000, 1500, 2000].map((at) => face(10 + at, stranger)),
      tick(last),
    ];
    expect(reasons(slow, ticks(2410))).toEqual([]);
    expect(reasons(slow, ticks(2411))).toEqual(['2411 unknown-face -']);
    // 500 ms after the last face by the camera's time the person has left.
    expect(
      reasons(slow, [
        face(10, stranger),
        tick(910),
        face(500, stranger),
        face(1000, stranger),
        face(1500, stranger),
        face(2000, stranger),
        face(2011, stranger),
      ]),
    ).toEqual(['2011 unknown-face -']);
    expect(
      reasons(slow, [
        face(10, stranger),
        tick(911),
        face(500, stranger),
        face(1000, stranger),
        face(1500, stranger),
        face(2000, stranger),
        face(2011, stranger),
      ]),
    ).toEqual([]);
  });

  it('a face within reach that never gathers its votes is refused as such', () => {
    const far = found(near('ann', 1.4));
    const seen = Array.from({ length: 22 }, (_, i) => face(10 + i * 100, i % 20 === 0 ? ANN : far));
    expect(reasons(IDENTIFY, seen)).toEqual(['2110 deadline -']);
  });

  it.each([
    [2029, ['30 match ann', '2029 cooldown ann']],
    [2030, ['30 match ann', '2060 match ann']],
  ])('a swipe within the cooldown is refused, at its end not: at %i', (at, expected) => {
    const three = (from: number): DoorEvent[] => [10, 20, 30].map((after) => face(from + after, claimed()));
    expect(reasons(SETTINGS, [swipe(0), ...three(0), swipe(at), ...three(2030)])).toEqual(expected);
  });

  it('another person’s votes count from the very end of the cooldown', () => {
    const bob = found(near('bob', 0.5));
    const first = [10, 20, 30].map((at) => face(at, ANN));
    expect(reasons(IDENTIFY, [...first, ...[2010, 2020, 2029].map((at) => face(at, bob, 2))])).toEqual([
      '30 match ann',
    ]);
    expect(reasons(IDENTIFY, [...first, ...[2030, 2031, 2032].map((at) => face(at, bob, 2))])).toEqual([
      '30 match ann',
      '2032 match bob',
    ]);
  });
});

describe('a claim while faces are identified', () => {
  it('takes the faces for itself, and nobody is identified beside it', () => {
    const bob: FaceEvidence = { kind: 'encoded', nearest: [near('bob', 0.2)], claimed: near('ann', 1.4) };
    expect(reasons(EITHER, [swipe(0), ...[10, 20, 30, 40].map((at) => face(at, bob)), tick(2500)])).toEqual([]);
  });

  it('grants to who was judged as another before', () => {
    const stranger = found(near('ann', 1.4));
    const seen = Array.from({ length: 22 }, (_, i) => face(10 + i * 100, stranger));
    const then = [2210, 2220, 2230].map((at) => face(at, claimed()));
    expect(reasons(EITHER, [...seen, swipe(2200), ...then])).toEqual(['2110 unknown-face -', '2230 match ann']);
  });

  it('another member’s face is a mismatch and no vote', () => {
    const events = [swipe(0), ...[10, 20, 30].map((at) => face(at, claimed(0.5, 0.5, 'bob'))), tick(3001)];
    expect(reasons(SETTINGS, events)).toEqual(['3001 mismatch ann']);
  });
});

describe('a camera that was lost', () => {
  it.each<[string, DoorEvent[], string]>([
    ['and is back when the time is up', [swipe(0), camera(10, false), camera(20), tick(3001)], 'camera-unavailable'],
    ['before the swipe', [camera(1, false), swipe(2), tick(3003)], 'camera-unavailable'],
    ['before the swipe, and came back', [camera(1, false), swipe(2), camera(3), tick(3003)], 'camera-unavailable'],
    ['and back before the swipe', [camera(1, false), camera(2), swipe(3), tick(3004)], 'no-face'],
    ['never', [swipe(0), camera(10), tick(3001)], 'no-face'],
    ['but a face was seen before', [swipe(0), face(5, REFUSED), camera(10, false), tick(3001)], 'low-quality'],
  ])('%s', (_, events, reason) => {
    expect(play(SETTINGS, events).map((decision) => decision.reason)).toEqual([reason]);
  });
});

describe('cards', () => {
  it.each<[string, DoorSettings, MemberStanding, string]>([
    ['of nobody', SETTINGS, { kind: 'refused', member: null, reason: 'unknown-member' }, 'unknown-member -'],
    [
      'of somebody suspended',
      SETTINGS,
      { kind: 'refused', member: 'ann', reason: 'suspended' } as never,
      'suspended ann',
    ],
    [
      'of somebody without a picture',
      SETTINGS,
      { kind: 'refused', member: 'ann', reason: 'no-template' },
      'no-template ann',
    ],
    [
      'of somebody without a picture where no face is asked for',
      CARD,
      { kind: 'refused', member: 'ann', reason: 'no-template' },
      'card ann',
    ],
    [
      'of somebody suspended where no face is asked for',
      CARD,
      { kind: 'refused', member: 'ann', reason: 'suspended' } as never,
      'suspended ann',
    ],
    ['of a member where no face is asked for', CARD, { kind: 'active', member: 'ann' }, 'card ann'],
  ])('%s', (_, settings, standing, expected) => {
    expect(play(settings, [swipe(10, standing)]).map(({ reason, member }) => `${reason} ${member ?? '-'}`)).toEqual([
      expected,
    ]);
  });

  it('a grant by card alone says all of it', () => {
    expect(play(CARD, [swipe(10)])).toEqual([
      {
        ...{ at: 10, since: 10, trigger: 'swipe', reader: 'r1', member: 'ann', mode: 'card' },
        ...{ outcome: 'granted', reason: 'card', distance: null, threshold: null, votes: 0 },
      },
    ]);
  });

  it('so does its refusal by the rules', () => {
    const gate: Gate = { atSwipe: () => null, atGrant: () => 'zone-full' };
    expect(play(CARD, [swipe(10)], gate)).toEqual([
      {
        ...{ at: 10, since: 10, trigger: 'swipe', reader: 'r1', member: 'ann', mode: 'card' },
        ...{ outcome: 'denied', reason: 'zone-full', distance: null, threshold: null, votes: 0 },
      },
    ]);
  });

  it.each([
    [SETTINGS, 1.1],
    [CARD, null],
  ])('a refusal at the swipe names the distance that would have been asked for', (settings, threshold) => {
    const gate: Gate = { atSwipe: () => 'locked-out', atGrant: () => null };
    expect(play(settings, [swipe(10)], gate)).toMatchObject([
      { reason: 'locked-out', threshold, member: 'ann', at: 10 },
    ]);
  });

  it('while the store is unavailable every card is refused, and named nobody’s', () => {
    expect(reasons(SETTINGS, [store(1, false), swipe(2), swipe(3)])).toEqual([
      '2 store-unavailable -',
      '3 store-unavailable -',
    ]);
    expect(reasons(CARD, [store(1, false), swipe(2)])).toEqual(['2 store-unavailable -']);
    expect(reasons(SETTINGS, [swipe(1), store(2, false), face(3, claimed()), tick(3002)])).toEqual([
      '3002 store-unavailable ann',
    ]);
  });
});

describe('what a decision by face tells', () => {
  it('of a swipe', () => {
    expect(play(SETTINGS, [swipe(5), ...[10, 20, 30].map((at) => face(at, claimed()))])).toEqual([
      {
        ...{ at: 30, since: 5, trigger: 'swipe', reader: 'r1', member: 'ann', mode: 'verify' },
        ...{ outcome: 'granted', reason: 'match', distance: 0.5, threshold: 1.1, votes: 3 },
      },
    ]);
  });

  it('of a face alone', () => {
    expect(
      play(
        IDENTIFY,
        [10, 20, 30].map((at) => face(at, ANN)),
      ),
    ).toEqual([
      {
        ...{ at: 30, since: 10, trigger: 'face', reader: null, member: 'ann', mode: 'identify' },
        ...{ outcome: 'granted', reason: 'match', distance: 0.5, threshold: 1, votes: 3 },
      },
    ]);
  });

  it('of a face that the rules refuse', () => {
    const gate: Gate = { atSwipe: () => null, atGrant: () => 'no-right' };
    expect(
      play(
        IDENTIFY,
        [10, 20, 30].map((at) => face(at, ANN)),
        gate,
      ),
    ).toEqual([
      {
        ...{ at: 30, since: 10, trigger: 'face', reader: null, member: 'ann', mode: 'identify' },
        ...{ outcome: 'denied', reason: 'no-right', distance: 0.5, threshold: 1, votes: 3 },
      },
    ]);
  });

  it('the last verdict on liveness, where one was asked for', () => {
    const advise: DoorSettings = { ...SETTINGS, liveness: { ...SETTINGS.liveness, mode: 'advise' } };
    const three = [10, 20, 30].map((at) => face(at, claimed(), 1, at === 30 ? LIVE : UNKNOWN));
    expect(play(advise, [swipe(0), ...three])[0]).toMatchObject({ liveness: 'live' });
    expect(play(SETTINGS, [swipe(0), ...three])[0]).not.toHaveProperty('liveness');
    expect(play(advise, [swipe(0), tick(3001)])[0]).not.toHaveProperty('liveness');
    const identify: DoorSettings = { ...advise, mode: 'identify' };
    const found3 = [10, 20, 30].map((at) => face(at, ANN, 1, at === 30 ? LIVE : UNKNOWN));
    expect(play(identify, found3)[0]).toMatchObject({ liveness: 'live' });
  });

  it('counts on while the verdict is not there yet', () => {
    const require: DoorSettings = { ...SETTINGS, liveness: { ...SETTINGS.liveness, mode: 'require' } };
    const events = [swipe(0), face(5, REFUSED), ...[10, 20, 30, 40].map((at) => face(at, claimed(), 1, UNKNOWN))];
    expect(play(require, [...events, tick(3001)])).toMatchObject([
      { reason: 'liveness-unknown', votes: 4, distance: 0.5, liveness: 'undecided' },
    ]);
    const identify: DoorSettings = { ...require, mode: 'identify' };
    const seen = Array.from({ length: 22 }, (_, i) => face(10 + i * 100, ANN, 1, UNKNOWN));
    expect(play(identify, seen)).toMatchObject([{ reason: 'liveness-unknown', votes: 21, distance: 0.5 }]);
  });
});

describe('the gate', () => {
  it('is told what the same event has brought about: an expired claim', () => {
    const heard: string[][] = [];
    const gate: Gate = {
      atSwipe: (_, earlier) => {
        heard.push(['swipe', ...earlier.map(({ reason }) => reason)]);
        return null;
      },
      atGrant: (_, earlier) => {
        heard.push(['grant', ...earlier.map(({ reason }) => reason)]);
        return null;
      },
    };
    play(SETTINGS, [swipe(0), swipe(3001)], gate);
    play(CARD, [swipe(0)], gate);
    expect(heard).toEqual([['swipe'], ['swipe', 'no-face'], ['swipe'], ['grant']]);
  });

  it('at a grant by card of another’s claim: both are told', () => {
    let state = CLOSED_DOOR;
    state = step(state, swipe(0), SETTINGS).state;
    const heard: string[][] = [];
    const gate: Gate = {
      atSwipe: () => null,
      atGrant: (_, earlier) => {
        heard.push(earlier.map(({ reason }) => reason));
        return null;
      },
    };
    // The hours have changed: the same door now asks for the card alone.
    const next = step(state, swipe(10), CARD, gate);
    expect(next.decisions.map(({ reason }) => reason)).toEqual(['superseded', 'card']);
    expect(heard).toEqual([['superseded']]);
    const late = step(state, swipe(3001), CARD, gate);
    expect(late.decisions.map(({ reason }) => reason)).toEqual(['camera-unavailable', 'card']);
    expect(heard[1]).toEqual(['camera-unavailable']);
  });
});
