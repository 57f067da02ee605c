import { CLOSED_DOOR, type DoorEvent, type DoorSettings, type DoorState } from '../../../src/access/door-types';
import { PolicyKeeper, type PolicyNews } from '../../../src/access/door/policy-keeper';
import { compilePolicy } from '../../../src/access/policy/rules';
import { FIRST_STATE, LOST_STATE, type PolicyOrder, type PolicyState } from '../../../src/access/policy/types';
import { PolicyConfig } from '../../../src/config/schema/policy';
import { UsherError } from '../../../src/errors';

/** Monday, noon. */
const NOON = Date.UTC(2026, 5, 1, 12);
const POLICY = {
  schedules: { evening: { weekly: [{ days: ['mon'], from: '20:00', to: '22:00' }] } },
  doors: {
    front: { modes: [{ schedule: 'evening', mode: 'card-only' }], passage: { from: 'outside', to: 'hall' } },
    back: {},
  },
};
const SETTINGS: DoorSettings = {
  ...{ mode: 'verify', verifyDistance: 1, identifyDistance: 1, frameDistance: 1, margin: 0.1, votes: 1 },
  ...{ voteWindowMs: 1000, voteSpacingMs: 10, deadlineMs: 3000, approachMs: 2000, cooldownMs: 1000, absentMs: 500 },
  ...{ latencyMs: 0, liveness: { mode: 'off', frames: 3, motion: 'watch' } },
};

/** The keeper of a box with the doors `front` and `back`, and all that it says, in order. */
class Box {
  now = 0;
  readonly said: string[] = [];
  readonly keeper: PolicyKeeper;
  private readonly doors = new Map<string, DoorState>();

  constructor({ policy = {}, initial = FIRST_STATE }: { policy?: object; initial?: PolicyState } = {}) {
    this.keeper = new PolicyKeeper(
      compilePolicy(PolicyConfig.parse({ ...POLICY, ...policy }), [
        { id: 'front', mode: 'either', unlockMs: 3000 },
        { id: 'back', mode: 'verify', unlockMs: 3000 },
      ]),
      () => ({ groups: [], validFrom: null, validUntil: null }),
      () => ({ mono: this.now, wall: NOON + this.now }),
      initial,
      () => void this.said.push('changed'),
    );
    this.keeper.onNews((news) => void this.said.push(textOf(news)));
  }

  step(door: string, event: DoorEvent): string[] {
    const { state, decisions } = this.keeper.step(door, this.doors.get(door) ?? CLOSED_DOOR, event, SETTINGS);
    this.doors.set(door, state);
    return decisions.map(({ outcome, reason }) => `${outcome} ${reason}`);
  }

  swipe(member: string, duress = false): string[] {
    return this.step('front', {
      ...{ type: 'swipe', at: this.now, reader: 'r' },
      standing: { kind: 'active', member, duress },
    });
  }

  heard(): string[] {
    return this.said.splice(0);
  }

  refusal(order: PolicyOrder): string {
    try {
      this.keeper.order(order);
    } catch (error) {
      expect(error).toBeInstanceOf(UsherError);
      expect(error).toMatchObject({ code: 'usage' });
      return (error as UsherError).message;
    }
    return '';
  }
}

function textOf({ alarms, ordered }: PolicyNews): string {
  const unlocks = ordered.map(({ door, decision }) => `${decision.reason} ${door}`);
  return [...alarms.map(({ kind, door }) => `${kind} ${door}`), ...unlocks].join(', ');
}

const lockdown = (doors: string[] | null, until: number | null = null): PolicyOrder => ({
  ...{ type: 'lockdown', doors, groups: ['staff'], until },
});

describe('what a door asks for', () => {
  test.each([
    ['front', 8 * 3_600_000 - 1, 'either'],
    ['front', 8 * 3_600_000, 'card'],
    ['front', 10 * 3_600_000 - 1, 'card'],
    ['front', 10 * 3_600_000, 'either'],
    ['back', 8 * 3_600_000, 'verify'],
    ['no such door', 8 * 3_600_000, 'verify'],
  ])('%s, %d ms after noon: %s', (door, ms, mode) => {
    const box = new Box();
    box.now = ms;
    expect(box.keeper.mode(door)).toBe(mode);
  });
});

describe('how a door stands', () => {
  test('normal at first, and held open or locked down by order, each door for itself', () => {
    const { keeper } = new Box();
    const both = () => [keeper.standing('front'), keeper.standing('back')];
    expect(both()).toEqual(['normal', 'normal']);
    keeper.order({ type: 'hold-open', door: 'front', until: NOON + 60_000 });
    expect(both()).toEqual(['held-open', 'normal']);
    keeper.order(lockdown(['front']));
    expect(both()).toEqual(['locked-down', 'normal']);
    keeper.order({ type: 'release', doors: ['front'] });
    expect(both()).toEqual(['normal', 'normal']);
  });

  test('with a state that was lost every door is locked down, though no order says so', () => {
    const { keeper } = new Box({ initial: LOST_STATE });
    expect([keeper.standing('front'), keeper.standing('back'), keeper.lockdowns()]).toEqual([
      ...['locked-down', 'locked-down'],
      [],
    ]);
    keeper.order({ type: 'reset' });
    expect(keeper.standing('front')).toBe('normal');
  });

  test('lockdowns are listed with the time that is left, in whole ms, never less than none', () => {
    const box = new Box();
    box.keeper.order({ type: 'hold-open', door: 'back', until: NOON + 1000 });
    box.keeper.order(lockdown(['front'], NOON + 5000));
    const left = () => box.keeper.lockdowns();
    expect(left()).toEqual([{ door: 'front', groups: ['staff'], endsInMs: 5000 }]);
    box.now = 1999.4;
    expect(left()[0]?.endsInMs).toBe(3001);
    box.now = 4999;
    expect(left()[0]?.endsInMs).toBe(1);
    box.now = 6000;
    expect(left()[0]?.endsInMs).toBe(0);
    box.keeper.feed({ type: 'tick' });
    expect(left()).toEqual([]);
  });

  test('a lockdown without an end has no time left to tell', () => {
    const { keeper } = new Box();
    keeper.order(lockdown(null));
    expect(keeper.lockdowns()).toEqual(['front', 'back'].map((door) => ({ door, groups: ['staff'], endsInMs: null })));
  });
});

describe('news', () => {
  test('what changed is handed over before anybody is told, and both only where there is something', () => {
    const box = new Box();
    box.keeper.feed({ type: 'tick' });
    expect(box.heard()).toEqual([]);
    box.keeper.feed({ type: 'contact', door: 'front', open: true });
    expect(box.heard()).toEqual(['changed', 'forced-door front']);
    box.keeper.feed({ type: 'contact', door: 'front', open: true });
    expect(box.heard()).toEqual([]);
    box.keeper.feed({ type: 'contact', door: 'front', open: false });
    expect(box.heard()).toEqual(['changed']);
    box.keeper.order({ type: 'hold-open', door: 'back', until: NOON + 60_000 });
    expect(box.heard()).toEqual(['changed', 'hold-open back']);
  });

  test('an event at one door renews the unlock of another that is held open, 8 s after the last', () => {
    const box = new Box();
    box.keeper.order({ type: 'hold-open', door: 'back', until: NOON + 60_000 });
    box.heard();
    box.now = 7999;
    box.step('front', { type: 'tick', at: box.now });
    expect(box.heard()).toEqual([]);
    box.now = 8000;
    expect(box.step('front', { type: 'tick', at: box.now })).toEqual([]);
    expect(box.heard()).toEqual(['changed', 'hold-open back']);
    box.now = 16_000;
    box.keeper.feed({ type: 'tick' });
    expect(box.heard()).toEqual(['changed', 'hold-open back']);
  });

  test('a card that is used under threat raises the alarm, and the swipe is answered as any other', () => {
    const box = new Box();
    expect(box.swipe('ann', true)).toEqual([]);
    expect(box.heard()).toEqual(['duress front']);
  });

  test('a swipe counts for the next one: the third within 10 s is too many', () => {
    const box = new Box({ policy: { rateLimit: { swipes: 2, perSeconds: 10 } } });
    box.swipe('ann');
    expect(box.heard()).toEqual(['changed']);
    expect([box.swipe('bob'), box.swipe('cat')].flat()).toEqual(['denied superseded', 'denied rate-limited']);
  });

  test('nobody need listen', () => {
    const keeper = new PolicyKeeper(
      compilePolicy(PolicyConfig.parse({}), [{ id: 'front', mode: 'verify', unlockMs: 3000 }]),
      () => null,
      () => ({ mono: 0, wall: NOON }),
    );
    keeper.feed({ type: 'contact', door: 'front', open: true });
    expect(keeper.state.doors.get('front')?.contact.open).toBe(true);
  });
});

describe('orders that cannot be followed', () => {
  const LONG = 'x'.repeat(81);

  test.each<[string, PolicyOrder, string]>([
    ['a lockdown', lockdown(['front', 'side']), 'there is no door "side"; there is: front, back'],
    ['a release', { type: 'release', doors: ['side'] }, 'there is no door "side"; there is: front, back'],
    [
      'a hold-open',
      { type: 'hold-open', door: 'side', until: NOON + 1000 },
      'there is no door "side"; there is: front, back',
    ],
    ['a close', { type: 'close', door: LONG }, `there is no door "${LONG.slice(1)}"; there is: front, back`],
    ['a place', { type: 'place', member: 'ann', zone: 'attic' }, 'no door leads to "attic"; there is: outside, hall'],
    [
      'a place with a long name',
      { type: 'place', member: 'ann', zone: LONG },
      `no door leads to "${LONG.slice(1)}"; there is: outside, hall`,
    ],
  ])('%s that names what is not there changes nothing', (_what, order, message) => {
    const box = new Box();
    expect(box.refusal(order)).toBe(message);
    expect([box.heard(), box.keeper.state]).toEqual([[], FIRST_STATE]);
  });

  test.each<[string, PolicyOrder]>([
    ['every door', lockdown(null)],
    ['a door that is there', lockdown(['back'])],
    ['the zone behind a door', { type: 'place', member: 'ann', zone: 'hall' }],
  ])('%s is there', (_what, order) => {
    const box = new Box();
    expect(box.refusal(order)).toBe('');
    expect(box.heard()).toEqual(['changed']);
  });

  test('outside is always there: a member who left by another way', () => {
    const { keeper } = new Box();
    keeper.order({ type: 'place', member: 'ann', zone: 'hall' });
    expect(keeper.state.presence.get('ann')).toBe('hall');
    keeper.order({ type: 'place', member: 'ann', zone: 'outside' });
    expect(keeper.state.presence.has('ann')).toBe(false);
  });

  test.each<[string, number, string]>([
    ['is past', NOON, '"until" is in the past'],
    ['is too far', NOON + 86_400_001, '"until" is more than 24 hours ahead'],
  ])('a hold-open whose end %s is refused with the reason', (_what, until, reason) => {
    const box = new Box();
    expect(box.refusal({ type: 'hold-open', door: 'front', until })).toContain(`hold-open: ${reason}`);
    expect(box.keeper.standing('front')).toBe('normal');
  });

  test('what the time brought about before a refused order is kept and told all the same', () => {
    const box = new Box();
    box.keeper.feed({ type: 'contact', door: 'front', open: true });
    box.heard();
    box.now = 30_001;
    expect(box.refusal({ type: 'hold-open', door: 'back', until: NOON })).not.toBe('');
    expect(box.heard()).toEqual(['changed', 'held-open front']);
  });
});
