import { policyStateIn } from '../../../src/access/door/persisted';
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
