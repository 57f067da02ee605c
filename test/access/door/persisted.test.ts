import { UsherError } from '../../../src/errors';
import { countersIn, policyStateIn } from '../../../src/access/door/persisted';
import { FIRST_STATE, type PolicyState } from '../../../src/access/policy/types';

const MOMENT = { mono: 1000, wall: 1_700_000_000_000, machineBoot: 'boot-1' };
const inside = (member: string): PolicyState => ({ ...FIRST_STATE, presence: new Map([[member, 'hall']]) });

function facts() {
  const rows = new Map<string, string>();
  let full = false;
  let writes = 0;
  return {
    meta: (key: string) => rows.get(key) ?? null,
    setMeta: (key: string, value: string) => {
      if (full) throw new Error('disk full');
      writes++;
      rows.set(key, value);
    },
    fill: (isFull: boolean) => (full = isFull),
    writes: () => writes,
    rows,
  };
}

test('a new box begins with the first state', () => {
  expect(policyStateIn(facts(), () => MOMENT).load()).toBe(FIRST_STATE);
});

test('who was inside is inside after a restart', () => {
  const store = facts();
  policyStateIn(store, () => MOMENT).offer(inside('ann'));
  expect(policyStateIn(store, () => ({ ...MOMENT, mono: 2000 })).load().presence).toEqual(new Map([['ann', 'hall']]));
});

test('what says nothing new is not written again', () => {
  const store = facts();
  const saved = policyStateIn(store, () => MOMENT);
  saved.offer(inside('ann'));
  saved.offer(inside('ann'));
  saved.flush();
  expect(store.writes()).toBe(1);
});

test('a state that a full disk refused waits, is told, and is written when there is room', () => {
  const store = facts();
  const saved = policyStateIn(store, () => MOMENT);
  store.fill(true);
  expect(() => saved.offer(inside('ann'))).not.toThrow();
  expect(() => saved.flush()).toThrow('disk full');
  store.fill(false);
  saved.flush();
  expect(
    policyStateIn(store, () => MOMENT)
      .load()
      .presence.get('ann'),
  ).toBe('hall');
});

test('a damaged state lets nobody in: it is a lost one', () => {
  const store = facts();
  store.rows.set('policy.state', '{"v":1');
  expect(policyStateIn(store, () => MOMENT).load().lost).toBe(true);
});

describe('a state that the store does not give', () => {
  const failing = (code: 'store-unavailable' | 'data-invalid') => ({
    ...facts(),
    meta: (): string => {
      throw new UsherError(code, 'no luck');
    },
  });

  test('was changed by another hand: it is a lost one', () => {
    expect(policyStateIn(failing('data-invalid'), () => MOMENT).load().lost).toBe(true);
  });

  test('may be there: the error is told', () => {
    expect(() => policyStateIn(failing('store-unavailable'), () => MOMENT).load()).toThrow('no luck');
  });
});

test.each([
  ['0', 0],
  ['12', 12],
  ['9007199254740991', 9_007_199_254_740_991],
])('the counter %j is %d', (text, counter) => {
  const store = facts();
  store.rows.set('counter.swipe.r1', text);
  expect([countersIn(store).load('swipe.r1'), countersIn(store).load('swipe.r2')]).toEqual([counter, null]);
});

test.each(['', '-1', '1e3', '0x10', '1.5', ' 12', '9007199254740992', '12345678901234567'])(
  'the counter %j is damaged, and nothing is guessed',
  (text) => {
    const store = facts();
    store.rows.set('counter.swipe.r1', text);
    expect(() => countersIn(store).load('swipe.r1')).toThrow('the last counter of swipe.r1 is damaged');
  },
);
