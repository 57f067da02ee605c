import { clearLockout, forgive, isFailure, isLocked, isOverRate, noteFailure } from '../../../src/access/policy/limits';
import { FIRST_STATE, type PolicyEvent, type PolicyState } from '../../../src/access/policy/types';
import { denied, grantOf, play, refused, rulesOf } from './steps';

const now = (mono: number) => ({ mono, wall: null });
const LIMIT = { failures: 2, withinSeconds: 10, forSeconds: 60 };
const failures = (...times: readonly number[]) => times.map((at) => [at, refused('mismatch')] as const);

describe('what counts as a failure', () => {
  const wrongFace = { votes: 0, distance: 1.4 };
  test.each([
    ['a wrong face', denied('mismatch', wrongFace), true],
    ['a strange card', denied('unknown-member'), true],
    ['a wrong face that another swipe hides', denied('superseded', wrongFace), true],
    ['a right face that another swipe ends', denied('superseded', { votes: 1, distance: 0.5 }), false],
    ['a swipe before any face, ended by another', denied('superseded'), false],
    ['a grant', grantOf('ann'), false],
    ['a face that a rule keeps out', denied('anti-passback', wrongFace), false],
  ])('%s', (_, decision, expected) => expect(isFailure(decision)).toBe(expected));
});

describe('a lock-out', () => {
  const rules = rulesOf({ lockout: { member: LIMIT } });
  const locked = play(rules, failures(1000, 2000)).state;

  test('holds for its time, to the millisecond', () => {
    expect([2000, 61_999, 62_000].map((mono) => isLocked(locked, 'member', 'ann', now(mono)))).toEqual([
      ...[true, true, false],
    ]);
    expect(isLocked(locked, 'member', 'bob', now(2000))).toBe(false);
    expect(isLocked(locked, 'reader', 'ann', now(2000))).toBe(false);
  });

  test.each([
    ['in a short time', [20_000, 21_000], true],
    ['in a moment less than the time', [0, 9999], true],
    ['in the time', [0, 10_000], false],
    ['one of three long ago', [0, 12_000, 13_000], true],
  ])('failures %s', (_, times, expected) => {
    const { state } = play(rules, failures(...times));
    expect(isLocked(state, 'member', 'ann', now(times.at(-1)!))).toBe(expected);
  });

  test('begins the count again, and what has run out is dropped', () => {
    expect([...locked.failures]).toEqual([]);
    expect([...play(rules, failures(61_999), locked).state.locks.keys()]).toEqual(['member:ann']);
    expect([...play(rules, failures(62_000), locked).state.locks.keys()]).toEqual([]);
    expect([...play(rules, failures(3000, 4000), locked).state.locks]).toEqual([['member:ann', 64_000]]);
  });

  test('raises an alarm for each thing that is locked, and names it', () => {
    const all = rulesOf({ lockout: { reader: LIMIT, member: LIMIT, door: LIMIT } });
    const alarm = { kind: 'lockout', door: 'front', at: 2000, member: null, reader: null };
    expect(play(all, failures(1000)).alarms).toEqual([]);
    expect(play(all, failures(1000, 2000)).alarms).toEqual([
      { ...alarm, reader: 'r1' },
      { ...alarm, member: 'ann' },
      alarm,
    ]);
  });

  test('what is not known is not locked', () => {
    const all = rulesOf({ lockout: { reader: LIMIT, member: LIMIT } });
    const unknown = denied('unknown-face', { member: null, reader: null });
    expect(noteFailure(FIRST_STATE, 'front', unknown, all, now(0))).toEqual({ state: FIRST_STATE, alarms: [] });
  });
});

describe('after a lock-out', () => {
  const rules = rulesOf({ lockout: { member: LIMIT } });
  const once = play(rules, failures(1000)).state;
  const locked = play(rules, failures(1000, 2000)).state;
  const lockedAndFailed = play(rules, failures(3000), locked).state;

  test('a grant forgives failures and lifts nothing', () => {
    expect([...forgive(once, 'ann').failures]).toEqual([]);
    const forgiven = forgive(lockedAndFailed, 'ann');
    expect([[...forgiven.failures], [...forgiven.locks.keys()]]).toEqual([[], ['member:ann']]);
    expect(forgive(locked, 'ann')).toBe(locked);
  });

  test('an order lifts it', () => {
    for (const state of [locked, lockedAndFailed]) {
      const cleared = clearLockout(state, 'member', 'ann');
      expect([[...cleared.failures], [...cleared.locks]]).toEqual([[], []]);
    }
    expect([...clearLockout(once, 'member', 'ann').failures]).toEqual([]);
  });

  test('where there is nothing to lift, nothing changes', () => {
    expect(clearLockout(locked, 'member', 'bob')).toBe(locked);
    expect(clearLockout(FIRST_STATE, 'member', 'ann')).toBe(FIRST_STATE);
  });
});

describe('the rate of a reader', () => {
  const rules = rulesOf({ rateLimit: { swipes: 2, perSeconds: 10 } });
  const swipe: PolicyEvent = { type: 'swipe', door: 'front', reader: 'r1', member: null, duress: false };
  const swiped = (...times: readonly number[]): PolicyState =>
    play(
      rules,
      times.map((at) => [at, swipe] as const),
    ).state;

  test.each([
    ['as many as allowed', [0, 1000], false],
    ['one more', [0, 1000, 2000], true],
    ['one more, a moment too early', [0, 1000, 9999], true],
    ['one more when the time is over', [0, 1000, 10_000], false],
  ])('%s', (_, times, expected) => {
    expect(isOverRate(swiped(...times), 'r1', rules, now(times.at(-1)!))).toBe(expected);
  });

  test('is of that reader alone', () => {
    expect(isOverRate(swiped(0, 1000, 2000), 'r2', rules, now(2000))).toBe(false);
  });

  test('no more swipes are kept than it looks at', () => {
    expect(swiped(0, 1000, 2000, 3000, 4000).swipes.get('r1')).toEqual([2000, 3000, 4000]);
  });
});
