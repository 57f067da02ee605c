import fc from 'fast-check';
import type { Decision } from '../../../src/access/door-types';
import { doorSettings, DoorKeeper } from '../../../src/access/door/door-keeper';
import { PolicyKeeper } from '../../../src/access/door/policy-keeper';
import { compilePolicy } from '../../../src/access/policy/rules';
import type { ThresholdRow } from '../../../src/access/members/thresholds';
import { PolicyConfig } from '../../../src/config/schema/policy';
import { DoorConfig } from '../../../src/config/schema/doors';
import { faceAt, Members, observation } from '../../support/members';

const TABLE: ThresholdRow[] = [
  { fmr: 1e-2, distance: 1.0 },
  { fmr: 1e-4, distance: 0.8 },
  { fmr: 1e-6, distance: 0.6 },
].map((row) => ({ ...row, fnmr: null, measuredOn: 'nothing: for tests' }));

/** 15 January 2027, 08:00 in UTC. */
const WALL = 1_800_000_000_000;

let members: Members;
let now = 0;
beforeEach(() => {
  members = new Members();
  members.add('ann', faceAt(0));
  members.add('bob', faceAt(3));
  now = 10_000;
});
afterEach(() => members.remove());

function keeperOf(config: object = {}, latencyMs = 0, policyConfig: object = {}): DoorKeeper {
  const door = DoorConfig.parse({ id: 'front', camera: 'cam', readers: ['r'], ...config });
  const rules = compilePolicy(PolicyConfig.parse(policyConfig), [door]);
  const policy = new PolicyKeeper(
    rules,
    (id) => members.roster.rightsOf(id),
    () => ({ mono: now, wall: WALL + now }),
  );
  const keeper = new DoorKeeper(door, members.roster, TABLE, policy, latencyMs);
  keeper.feed({ type: 'camera', at: now, live: true });
  return keeper;
}

/** So many frames, 100 ms apart. */
function watch(keeper: DoorKeeper, frames: number, face: Float32Array | null, options = {}): readonly Decision[] {
  const decisions: Decision[] = [];
  for (let i = 0; i < frames; i++) {
    now += 100;
    decisions.push(...keeper.observe(observation(now, face, options), now));
  }
  return decisions;
}
const swipe = (keeper: DoorKeeper, id: string): readonly Decision[] => keeper.swipe('r', id, (now += 10));
const brief = (decisions: readonly Decision[]): string[] =>
  decisions.map(({ outcome, reason, member }) => `${outcome} ${reason} ${member ?? '-'}`);

describe('thresholds', () => {
  const door = DoorConfig.parse({ id: 'front', camera: 'cam', readers: ['r'], mode: 'identify' });

  test('verification takes the row of the target; the single frame a looser one; never looser than the table', () => {
    expect(doorSettings(door, TABLE, 1)).toMatchObject({ verifyDistance: 0.8, frameDistance: 1 });
    expect(doorSettings({ ...door, targetFmr: 0.01 }, TABLE, 1)).toMatchObject({ verifyDistance: 1, frameDistance: 1 });
  });

  test('identification is stricter the more members there are', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e5 }), fc.integer({ min: 0, max: 1e5 }), (few, more) => {
        const [a, b] = [few, few + more].map((size) => doorSettings(door, TABLE, size).identifyDistance);
        expect(b).toBeLessThanOrEqual(a!);
        expect(a).toBeLessThanOrEqual(0.8);
      }),
    );
  });

  test('a member more counts at once', () => {
    const keeper = keeperOf({ mode: 'identify' });
    const before = keeper.settings.identifyDistance;
    members.add('eve', faceAt(5));
    expect(keeper.settings.identifyDistance).toBeLessThan(before);
  });
});

describe('verification', () => {
  test('card and face of one member: granted on the third frame, with the fused distance', () => {
    const keeper = keeperOf();
    swipe(keeper, 'ann');
    expect(keeper.phase(now)).toBe('awaiting-face');
    expect(watch(keeper, 2, faceAt(0, 0.3))).toEqual([]);
    const [decision, ...more] = watch(keeper, 1, faceAt(0, 0.3));
    expect(decision).toMatchObject({ outcome: 'granted', member: 'ann', votes: 3, threshold: 0.8 });
    expect(decision!.distance).toBeCloseTo(2 * Math.sin(0.15), 5);
    expect(more).toEqual([]);
    expect(keeper.phase(now)).toBe('cooldown');
  });

  test.each([
    ['another member’s face', faceAt(3), {}],
    ['nobody’s face', faceAt(6), {}],
    ['a fused face that fits, of frames that do not', faceAt(0), { embedding: faceAt(3) }],
  ])('ann’s card and %s: mismatch, at the deadline, once', (_what, face, options) => {
    const keeper = keeperOf();
    swipe(keeper, 'ann');
    expect(brief(watch(keeper, 80, face, options))).toEqual(['denied mismatch ann']);
  });

  test('without a card nobody is looked for', () => {
    expect(watch(keeperOf(), 40, faceAt(0))).toEqual([]);
  });

  test('unknown, suspended, without a template: an answer on the spot', () => {
    members.add('eve');
    members.store.members.update('bob', { status: 'suspended' });
    members.roster.load();
    const keeper = keeperOf();
    expect(brief(['nobody', 'bob', 'eve'].flatMap((id) => swipe(keeper, id)))).toEqual([
      'denied unknown-member -',
      'denied member-suspended bob',
      'denied no-template eve',
    ]);
  });

  test('suspended between card and face: refused all the same', () => {
    const keeper = keeperOf();
    swipe(keeper, 'ann');
    watch(keeper, 2, faceAt(0));
    members.store.members.update('ann', { status: 'suspended' });
    members.roster.load();
    expect(brief(watch(keeper, 60, faceAt(0))).filter((line) => line.startsWith('granted'))).toEqual([]);
  });
});

describe('identification', () => {
  test('the face alone, once; then the door is quiet until the person has left', () => {
    const keeper = keeperOf({ mode: 'identify', cooldownMs: 0 });
    watch(keeper, 1, faceAt(3));
    expect(keeper.phase(now)).toBe('identifying');
    expect(brief(watch(keeper, 40, faceAt(3)))).toEqual(['granted match bob']);
    watch(keeper, 15, null);
    expect(brief(watch(keeper, 10, faceAt(3), { track: 2 }))).toEqual(['granted match bob']);
  });

  test('two members who are equally near: ambiguous, nobody', () => {
    members.add('twin', faceAt(0, 0.02));
    expect(brief(watch(keeperOf({ mode: 'identify' }), 70, faceAt(0, 0.01)))).toEqual(['denied ambiguous -']);
  });
});

describe('what cannot be relied on', () => {
  test('frames that are old, or from the future, count for nothing however many', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.integer({ min: 1001, max: 1e6 }), fc.integer({ min: -1e6, max: -1 }))),
        (ages) => {
          const keeper = keeperOf();
          swipe(keeper, 'ann');
          const at = now + 10;
          for (const age of ages)
            expect(
              keeper.observe(observation(at - age, faceAt(0)), at).filter(({ outcome }) => outcome === 'granted'),
            ).toEqual([]);
        },
      ),
      { numRuns: 50 },
    );
  });

  test('who is identified has frames that are not late: three of 900 ms ago let in, three of 1001 ms ago do not', () => {
    const outcomes = [900, 1000, 1001].map((age) => {
      const keeper = keeperOf({ mode: 'identify' });
      return [0, 100, 200].flatMap((at) => {
        now += 100;
        return brief(keeper.observe(observation(20_000 + at - age, faceAt(0)), 20_000 + at));
      });
    });
    expect(outcomes).toEqual([['granted match ann'], ['granted match ann'], []]);
  });

  test('the delay that a camera is known to have is no lateness', () => {
    const keeper = keeperOf({ mode: 'identify' }, 4000);
    const seen = (age: number) =>
      [0, 100, 200].flatMap((at) => brief(keeper.observe(observation(20_000 + at - age, faceAt(0)), 20_000 + at)));
    expect(seen(5001)).toEqual([]);
    expect(seen(4900)).toEqual(['granted match ann']);
  });

  test('frames of one instant are one vote, and those of a 60 fps camera are votes', () => {
    const after = (spacing: number, frames: number): string[] => {
      const keeper = keeperOf({ mode: 'identify' });
      return Array.from({ length: frames }, (_, i) => now + i * spacing).flatMap((at) =>
        brief(keeper.observe(observation(at, faceAt(0)), at)),
      );
    };
    expect(after(1, 20)).toEqual([]);
    expect(after(1000 / 60, 8)).toEqual(['granted match ann']);
    expect(after(100, 3)).toEqual(['granted match ann']);
  });

  test.each([
    ['of another space', observation(0, faceAt(0), { space: 'other-1' })],
    ['that is no number', observation(0, faceAt(0).fill(NaN))],
    ['of zeros', observation(0, new Float32Array(8))],
    ['of another length', observation(0, new Float32Array(4).fill(1))],
  ])('a vector %s is an error and no vote, and the next good frames count', (_what, bad) => {
    const keeper = keeperOf();
    swipe(keeper, 'ann');
    for (let i = 0; i < 5; i++) {
      now += 10;
      expect(() => keeper.observe({ ...bad, mono: now }, now)).toThrow(
        expect.objectContaining({ code: 'data-invalid' }) as Error,
      );
    }
    expect(watch(keeper, 2, faceAt(0))).toEqual([]);
    expect(brief(watch(keeper, 1, faceAt(0)))).toEqual(['granted match ann']);
  });

  test('the phase tells that camera or store is missing', () => {
    const keeper = keeperOf();
    expect(keeper.phase(now)).toBe('closed');
    keeper.feed({ type: 'camera', at: now, live: false });
    expect(keeper.phase(now)).toBe('out-of-service');
    keeper.feed({ type: 'camera', at: now, live: true });
    keeper.feed({ type: 'store', at: now, available: false });
    expect(keeper.phase(now)).toBe('out-of-service');
    expect(brief(swipe(keeper, 'ann'))).toEqual(['denied store-unavailable -']);
  });
});

describe('what a door is set to', () => {
  const parse = (config: object) => DoorConfig.parse({ id: 'front', camera: 'cam', readers: ['r'], ...config });

  test.each([
    ['auto', 'advise'],
    ['off', 'off'],
    ['advise', 'advise'],
    ['require', 'require'],
  ] as const)('liveness %s is %s, with its frames and motion', (mode, expected) => {
    const door = parse({ liveness: { mode } });
    expect(doorSettings(door, TABLE, 1).liveness).toEqual({ ...door.liveness, mode: expected });
  });

  test('faces become templates by the strictest of its targets, whatever the scene', () => {
    expect(keeperOf().adaption).toMatchObject({ strict: 0.8, margin: parse({}).margin });
    expect(keeperOf({ targetFmr: 1e-6 }).adaption.strict).toBeCloseTo(0.6, 10);
    const scenes = { night: { targetFmr: 1e-6 } };
    expect(keeperOf({ targetFmr: 1e-2, scenes }).adaption.strict).toBeCloseTo(0.6, 10);
  });
});

describe('the phase of a door', () => {
  test.each([
    ['verify', 'out-of-service'],
    ['identify', 'out-of-service'],
  ])('without a camera, where it asks for %s: %s', (mode, expected) => {
    const keeper = keeperOf({ mode });
    expect(keeper.phase(now)).toBe('closed');
    keeper.feed({ type: 'camera', at: now, live: false });
    expect(keeper.phase(now)).toBe(expected);
  });

  test('without a camera, once the card alone is asked for: closed', () => {
    const from = (time: string) => ({ weekly: [{ days: ['fri'], from: time, to: '24:00' }] });
    const modes = [{ schedule: 'day', mode: 'card-only' }];
    const keeper = keeperOf({}, 0, { schedules: { day: from('08:01') }, doors: { front: { modes } } });
    keeper.feed({ type: 'camera', at: now, live: false });
    expect([keeper.phase(now), keeper.settings.mode]).toEqual(['out-of-service', 'verify']);
    now = 60_000;
    expect([keeper.phase(now), keeper.settings.mode]).toEqual(['closed', 'card']);
  });

  test.each([
    ['verify', 'closed'],
    ['identify', 'identifying'],
    ['either', 'identifying'],
  ])('with somebody before the camera, where it asks for %s: %s', (mode, expected) => {
    const keeper = keeperOf({ mode });
    watch(keeper, 1, faceAt(5));
    expect(keeper.phase(now)).toBe(expected);
  });

  test('after somebody was refused: closed again', () => {
    const keeper = keeperOf({ mode: 'identify' });
    const decisions = watch(keeper, 60, faceAt(5));
    expect(brief(decisions)).toEqual(['denied unknown-face -']);
    expect(keeper.phase(now)).toBe('closed');
  });

  test('a frame that is too old still tells the time: a swipe that nobody followed is refused', () => {
    for (const late of [observation(now, faceAt(0)), observation(now + 60_000, null)]) {
      const keeper = keeperOf();
      expect(swipe(keeper, 'ann')).toEqual([]);
      expect(keeper.phase(now)).toBe('awaiting-face');
      expect(brief(keeper.observe(late, now + 60_000))).toEqual([expect.stringMatching(/^denied .* ann$/)]);
    }
  });
});
