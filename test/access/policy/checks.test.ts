import { firstOf, refusalOf, refusalOfGrant } from '../../../src/access/policy/checks';
import { scheduleHolds, wallOf } from '../../../src/access/policy/clock';
import { FIRST_STATE, type PolicyState, type RightsOf, withOrders } from '../../../src/access/policy/types';
import { contextAt, everybody, NOON, play, refused, rulesOf } from './steps';

const passing = { door: 'front', reader: 'r1', member: 'ann' } as const;
const lockedDown = (groups: readonly string[], until: number | null): PolicyState =>
  withOrders(FIRST_STATE, 'front', { lockdown: { groups, until } });
const rules = rulesOf();

describe('the clock on the wall', () => {
  test.each([
    ['not known', null, null],
    ['never set', 0, null],
    ['a moment before 2025', Date.UTC(2025, 0, 1) - 1, null],
    ['2025', Date.UTC(2025, 0, 1), Date.UTC(2025, 0, 1)],
  ])('%s', (_, wall, expected) => expect(wallOf({ mono: 0, wall })).toBe(expected));

  test('a schedule that is not there is never in force', () => {
    expect(scheduleHolds(rules, 'night', contextAt(rules, 0).now)).toBe(false);
  });
});

describe('a lockdown', () => {
  const refusal = (state: PolicyState, member: string | null, mono: number, rightsOf: RightsOf = everybody) =>
    refusalOf(state, { ...passing, member }, contextAt(rules, mono, { rightsOf }));

  test('is over on the millisecond, also before the next tick', () => {
    expect(refusal(lockedDown([], 1000), 'ann', 999)).toBe('lockdown');
    expect(refusal(lockedDown([], 1000), 'ann', 1000)).toBeNull();
    expect(refusal(lockedDown([], null), 'ann', 1e12)).toBe('lockdown');
  });

  test('lets its groups pass, and asks an unknown person for a face only where somebody may pass', () => {
    expect(refusal(lockedDown(['staff'], null), 'ann', 0)).toBeNull();
    expect(refusal(lockedDown(['day'], null), 'ann', 0)).toBe('lockdown');
    expect(refusal(lockedDown(['staff'], null), null, 0)).toBeNull();
    expect(refusal(lockedDown([], null), null, 0)).toBe('lockdown');
  });

  test.each([
    ['nobody', null],
    ['a member that cannot be read', 'damaged'],
    ['a store that cannot be read', 'unreadable'],
  ] as const)('keeps out %s', (_, rights) => {
    expect(refusal(lockedDown(['staff'], null), 'ann', 0, () => rights)).toBe('lockdown');
  });
});

test('at a door that has no rules nobody passes', () => {
  const there = { ...passing, door: 'back' };
  expect(refusalOf(FIRST_STATE, there, contextAt(rules, 0))).toBe('policy-unknown');
  expect(refusalOfGrant(FIRST_STATE, there, contextAt(rules, 0))).toBe('policy-unknown');
});

test.each([
  ['nobody knows', null, 'member-suspended'],
  ['a store does not give', 'unreadable', 'store-unavailable'],
  ['cannot be read', 'damaged', 'member-damaged'],
] as const)('a member whom %s does not pass, for that reason', (_, rights, reason) => {
  expect(refusalOf(FIRST_STATE, passing, contextAt(rules, 0, { rightsOf: () => rights }))).toBe(reason);
});

test('dates hold from their first millisecond to before their last', () => {
  const at = (wall: number, validFrom: number | null, validUntil: number | null) =>
    refusalOf(
      FIRST_STATE,
      passing,
      contextAt(rules, 0, { wall, rightsOf: () => ({ groups: [], validFrom, validUntil }) }),
    );
  expect([at(NOON - 1, NOON, null), at(NOON, NOON, null)]).toEqual(['not-yet-valid', null]);
  expect([at(NOON - 1, null, NOON), at(NOON, null, NOON)]).toEqual([null, 'no-longer-valid']);
  expect([at(NOON, Number.NaN, null), at(NOON, null, Number.NaN)]).toEqual(['not-yet-valid', 'no-longer-valid']);
});

describe('two persons', () => {
  const two = rulesOf({
    zones: { hall: { maxOccupancy: 2 } },
    doors: { front: { passage: { from: 'outside', to: 'hall' }, twoPerson: { windowSeconds: 30 } } },
  });
  const first = play(two, [[1000, refused('second-person')]]).state;
  const grant = (state: PolicyState, member: string, mono: number, rightsOf: RightsOf = everybody) =>
    refusalOfGrant(state, { ...passing, member }, contextAt(two, mono, { rightsOf }));

  test('the second comes in time, or is a first', () => {
    expect(grant(FIRST_STATE, 'ann', 1000)).toBe('second-person');
    expect(grant(first, 'bob', 31_000)).toBeNull();
    expect(grant(first, 'bob', 31_001)).toBe('second-person');
    expect(grant(first, 'ann', 2000)).toBe('second-person');
  });

  test('one who may not pass is told why', () => {
    expect(grant(first, 'bob', 2000, (member) => (member === 'bob' ? null : everybody(member)))).toBe(
      'member-suspended',
    );
  });

  test('a first who may not pass any more is none', () => {
    expect(grant(first, 'bob', 2000, (member) => (member === 'ann' ? null : everybody(member)))).toBe('second-person');
  });

  test('both need room', () => {
    const presence = (...members: readonly string[]) => new Map(members.map((member) => [member, 'hall']));
    expect(grant({ ...first, presence: presence() }, 'bob', 2000)).toBeNull();
    expect(grant({ ...first, presence: presence('cat') }, 'bob', 2000)).toBe('zone-full');
  });

  test('a first is none where the rules ask for one person', () => {
    expect(firstOf(first, rules.doors.get('front')!, contextAt(rules, 2000))).toBeNull();
    expect(firstOf(first, two.doors.get('front')!, contextAt(two, 2000))).toBe('ann');
  });
});
