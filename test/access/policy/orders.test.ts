import { endHold } from '../../../src/access/policy/orders';
import { LOST_STATE, ordersOf, type PolicyEvent } from '../../../src/access/policy/types';
import { stepPolicy } from '../../../src/access/policy/policy';
import { contextAt, GRACE_MS, granted, NOON, play, rulesOf } from './steps';

const rules = rulesOf();
const DAY_MS = 86_400_000;
const hold = (until: number): PolicyEvent => ({ type: 'hold-open', door: 'front', until });
const lockdown = (until: number | null, groups: readonly string[] = []): PolicyEvent => ({
  ...{ type: 'lockdown', doors: null, groups, until },
});
const close = { type: 'close', door: 'front' } as const;
const tick = { type: 'tick' } as const;
const unlocks = (...events: Parameters<typeof play>[1]) =>
  play(rules, events).decisions.map(({ decision }) => ('unlockMs' in decision ? decision.unlockMs : null));
const front = (...events: Parameters<typeof play>[1]) => ordersOf(play(rules, events).state, 'front');

describe('an order to hold a door open', () => {
  test.each([
    ['at once', NOON, 'until-past'],
    ['for a moment', NOON + 1, null],
    ['for a day', NOON + DAY_MS, null],
    ['for more than a day', NOON + DAY_MS + 1, 'until-too-far'],
    ['for no time that can be told', Number.NaN, 'clock-unknown'],
  ])('%s', (_, until, refusal) => expect(play(rules, [[0, hold(until)]]).refused).toBe(refusal));

  test('is refused while the clock, or what was ordered before, is not known', () => {
    const context = contextAt(rules, 0, { wall: null });
    expect(stepPolicy(play(rules, []).state, hold(NOON + 1000), context).refused).toBe('clock-unknown');
    expect(play(rules, [[0, hold(NOON + 1000)]], LOST_STATE)).toMatchObject({
      ...{ refused: 'policy-unknown', decisions: [] },
    });
  });

  test('unlocks for ten seconds at a time, every eight', () => {
    const held = [0, hold(NOON + 60_000)] as const;
    expect(unlocks(held)).toEqual([10_000]);
    expect(unlocks(held, [7999, tick])).toEqual([]);
    expect(unlocks(held, [8000, tick])).toEqual([10_000]);
  });

  test('unlocks to its end and not beyond', () => {
    expect(unlocks([0, hold(NOON + 5000.4)])).toEqual([5001]);
    expect(unlocks([0, hold(NOON + 200)])).toEqual([200]);
    // Too short for a lock to open.
    expect(unlocks([0, hold(NOON + 199)])).toEqual([]);
    const ending = [0, hold(NOON + 8000)] as const;
    expect(unlocks(ending, [8000, tick])).toEqual([]);
    expect([front(ending, [7999, tick]).hold === null, front(ending, [8000, tick]).hold]).toEqual([false, null]);
  });

  test('leaves a grant in force that is withheld only now', () => {
    expect(front([0, granted('ann')]).undo).not.toBeNull();
    expect(front([0, granted('ann')], [1, hold(NOON + 60_000)]).undo).toBeNull();
  });
});

describe('the end of a hold', () => {
  const excused = (...events: Parameters<typeof play>[1]) => front(...events).contact.excusedUntil;
  const long = [0, hold(NOON + 60_000)] as const;

  test('the door may stand open to the end of the pulse that runs, and the time of grace', () => {
    expect(excused(long, [3000, close])).toBe(10_000 + GRACE_MS);
    expect(excused(long, [8000, tick], [9000, close])).toBe(18_000 + GRACE_MS);
    expect(excused([0, hold(NOON + 5000)], [3000, close])).toBe(5000 + GRACE_MS);
    expect(excused([0, hold(NOON + 5000)], [9000, tick])).toBe(5000 + GRACE_MS);
  });

  test('a box that was late to renew counts from when it ended the hold', () => {
    const { state } = play(rules, [long]);
    const ended = endHold(state, rules.doors.get('front')!, contextAt(rules, 15_000));
    expect(ordersOf(ended, 'front').contact.excusedUntil).toBe(15_000 + GRACE_MS);
  });

  test('does not shorten what a grant allows', () => {
    const slow = { ...rules, doors: new Map([['front', { ...rules.doors.get('front')!, unlockMs: 60_000 }]]) };
    const { state } = play(slow, [[0, granted('ann')], long, [1000, close]]);
    expect(ordersOf(state, 'front').contact.excusedUntil).toBe(60_000 + GRACE_MS);
  });

  test('a door that stands open counts from the end of the hold, or from when it was opened', () => {
    const open = { type: 'contact', door: 'front', open: true } as const;
    expect(front(long, [1000, open], [3000, close]).contact.since).toBe(3000);
    expect(front([0, hold(NOON + 5000)], [1000, open], [9000, tick]).contact.since).toBe(5000);
    const { state } = play(rules, [long, [4000, open]]);
    const late = endHold(state, rules.doors.get('front')!, contextAt(rules, 3000));
    expect(ordersOf(late, 'front').contact.since).toBe(4000);
  });
});

describe('a lockdown', () => {
  test('ends on the millisecond', () => {
    const shut = [0, lockdown(NOON + 1000)] as const;
    expect(front(shut, [999, tick]).lockdown).toEqual({ groups: [], until: 1000 });
    expect(front(shut, [1000, tick]).lockdown).toBeNull();
  });

  test.each([
    ['an end that is over', NOON, 'until-past', null],
    ['an end in a moment', NOON + 1, null, { groups: [], until: 1 }],
    ['no end', null, null, { groups: [], until: null }],
    ['an end that is no time: none', Number.NaN, null, { groups: [], until: null }],
  ])('with %s', (_, until, refusal, expected) => {
    const step = play(rules, [[0, lockdown(until)]]);
    expect(step.refused).toBe(refusal);
    expect(ordersOf(step.state, 'front').lockdown).toEqual(expected);
  });

  test('shuts a held door, and holds none open', () => {
    const both = [[0, hold(NOON + 60_000)] as const, [1000, lockdown(null)] as const];
    expect(front(...both).hold).toBeNull();
    expect(play(rules, [...both, [2000, hold(NOON + 60_000)]]).refused).toBe('lockdown');
  });

  test('a second one makes it only stricter', () => {
    const twice = (first: PolicyEvent, second: PolicyEvent) => front([0, first], [0, second]).lockdown;
    expect(twice(lockdown(NOON + 5000, ['staff', 'day']), lockdown(NOON + 1000, ['day', 'night']))).toEqual({
      ...{ groups: ['day'], until: 5000 },
    });
    expect(twice(lockdown(NOON + 1000), lockdown(NOON + 5000))?.until).toBe(5000);
    expect(twice(lockdown(null), lockdown(NOON + 5000))?.until).toBeNull();
    expect(twice(lockdown(NOON + 5000), lockdown(null))?.until).toBeNull();
  });
});
