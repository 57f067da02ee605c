import { stepPolicy } from '../../../src/access/policy/policy';
import {
  FIRST_STATE,
  LOST_STATE,
  ordersOf,
  type PolicyEvent,
  type PolicyState,
} from '../../../src/access/policy/types';
import { contextAt, granted, NOON, play, refused, rulesOf } from './steps';

const rules = rulesOf({}, ['front', 'back']);
const tick = { type: 'tick' } as const;
const states = (state: PolicyState, event: PolicyEvent) => stepPolicy(state, event, contextAt(rules, 0)).state;

describe('a state that was lost', () => {
  const told = play(rules, [[1000, tick]], LOST_STATE);

  test('raises an alarm at every door, once', () => {
    expect(told.alarms.map(({ kind, door }) => [kind, door])).toEqual([
      ['policy-unknown', 'front'],
      ['policy-unknown', 'back'],
    ]);
    expect(play(rules, [[2000, tick]], told.state).alarms).toEqual([]);
  });

  test('stays lost until a reset', () => {
    expect(told.state).toMatchObject({ lost: true, lostReported: true });
    expect(play(rules, [[2000, { type: 'reset' }]], told.state).state).toMatchObject({
      ...{ lost: false, lostReported: false },
    });
  });

  test('one that is known raises none', () => {
    expect(play(rules, [[1000, tick]])).toMatchObject({ alarms: [], state: { lostReported: false } });
  });
});

describe('nothing happens', () => {
  test.each<[string, PolicyEvent]>([
    ['at a door without rules: a contact', { type: 'contact', door: 'attic', open: true }],
    ['… an order', { type: 'hold-open', door: 'attic', until: NOON + 5000 }],
    ['… a decision', granted('ann', 'attic')],
    ['by a grant that names no member', heldOpen()],
    ['by a denial that names no first of two', refused('second-person', { member: null })],
    ['when a grant is withheld that never was', { type: 'withheld', door: 'front' }],
    ['when an end is ordered to a hold that never was', { type: 'close', door: 'front' }],
    ['on a denial that counts as no failure', refused('anti-passback')],
  ])('%s', (_, event) => expect(states(FIRST_STATE, event)).toEqual(FIRST_STATE));

  function heldOpen(): PolicyEvent {
    const { decision } = granted('ann') as Extract<PolicyEvent, { type: 'decision' }>;
    const order = { outcome: 'granted', reason: 'hold-open', member: null, unlockMs: 1000 } as const;
    return { type: 'decision', door: 'front', decision: { ...decision, ...order } };
  }
});

describe('a grant to two persons', () => {
  const policy = (twoPerson: object) => ({
    schedules: { noon: { weekly: [{ days: ['mon'], from: '12:00', to: '12:01' }] } },
    lockout: { member: { failures: 3, withinSeconds: 600, forSeconds: 60 } },
    doors: { front: { passage: { from: 'outside', to: 'hall' }, twoPerson: { windowSeconds: 600, ...twoPerson } } },
  });
  const always = rulesOf(policy({}));
  const failed = [
    [100, refused('mismatch', { member: 'ann' })],
    [200, refused('mismatch', { member: 'bob' })],
    [300, refused('mismatch', { member: 'cat' })],
  ] as const;
  const first = [1000, refused('second-person')] as const;
  const present = ({ presence }: PolicyState) => [...presence.keys()];

  test('counts for both, and forgives both their failures', () => {
    const { state } = play(always, [...failed, first, [2000, granted('bob')]]);
    expect(present(state)).toEqual(['ann', 'bob']);
    expect([...state.failures.keys()]).toEqual(['member:cat']);
    expect(ordersOf(state, 'front').first).toBeNull();
  });

  test('to the first alone counts once', () => {
    const { state } = play(always, [first, [2000, granted('ann')]]);
    expect(ordersOf(state, 'front').undo?.members).toEqual([{ member: 'ann', zone: 'outside', passedAt: null }]);
  });

  test('without a first counts for the one who was let in', () => {
    expect(present(play(always, [[2000, granted('bob')]]).state)).toEqual(['bob']);
  });

  test('when two are not needed any more, counts for the one who was let in', () => {
    const atNoon = rulesOf(policy({ schedule: 'noon' }));
    expect(present(play(atNoon, [first, [59_999, granted('bob')]]).state)).toEqual(['ann', 'bob']);
    expect(present(play(atNoon, [first, [60_000, granted('bob')]]).state)).toEqual(['bob']);
  });

  test('is withheld for both', () => {
    const withheld = [3000, { type: 'withheld', door: 'front' }] as const;
    const { state } = play(always, [first, [2000, granted('bob')], withheld]);
    expect([present(state), ordersOf(state, 'front').contact.excusedUntil]).toEqual([[], -Infinity]);
  });

  test('of a member who is deleted nothing is kept, and of others all', () => {
    const forget = (member: string) => [4000, { type: 'forget', member }] as const;
    const front = (...events: Parameters<typeof play>[1]) => ordersOf(play(always, events).state, 'front');
    expect(front(first, forget('ann')).first).toBeNull();
    expect(front(first, forget('bob')).first).toEqual({ member: 'ann', at: 1000 });
    const both = [first, [2000, granted('bob')] as const] as const;
    expect([front(...both, forget('ann')).undo, front(...both, forget('bob')).undo]).toEqual([null, null]);
    expect(front(...both, forget('cat')).undo?.members.map(({ member }) => member)).toEqual(['ann', 'bob']);
  });
});

test('of a member who is deleted no passage is kept, no place and no failure', () => {
  const timed = rulesOf({
    lockout: { member: { failures: 3, withinSeconds: 600, forSeconds: 60 } },
    doors: { front: { passage: { from: 'outside', to: 'hall' }, antiPassback: { minutes: 5 } } },
  });
  const { state } = play(timed, [
    ...[[0, granted('ann')] as const, [0, granted('bob')] as const],
    ...[[1, refused('mismatch')] as const, [2, refused('mismatch', { member: 'bob' })] as const],
    [3, { type: 'forget', member: 'ann' }],
  ]);
  expect([[...state.passages.keys()], [...state.presence.keys()], [...state.failures.keys()]]).toEqual([
    ...[['zone:hall bob'], ['bob'], ['member:bob']],
  ]);
});
