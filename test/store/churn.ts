import { randomBytes, randomInt } from 'node:crypto';
import type { Store } from '../../src/store/store';
import { templateOf } from './fixtures';

/** What a member with this id has been enrolled with, the n-th time. */
export const enrolment = (id: string, round: number) => {
  const seed = parseInt(id.slice(1, 9), 16) + round;
  return [templateOf(seed, 'test.space'), templateOf(seed + 0.5, 'test.space')];
};

/**
 * Changes a store for ever, one random step after the other. `?` and the step before it begins, `!` and the step once it is
 * acknowledged: what is killed in between may have happened or not, but not by half.
 */
export function churn(store: Store, say: (line: string) => void): void {
  const rounds = new Map<string, number>();
  for (const { id } of store.members.list()) rounds.set(id, 0);
  const step = (what: string, work: () => void): void => {
    say(`? ${what}`);
    work();
    say(`! ${what}`);
  };
  for (;;) {
    const ids = [...rounds.keys()];
    const some = ids[ids.length === 0 ? 0 : randomInt(ids.length)];
    const dice = randomInt(10);
    if (some === undefined || (dice < 5 && ids.length < 60)) {
      const id = `m${randomBytes(6).toString('hex')}`;
      step(`add ${id} 1`, () => store.members.add({ id, name: `Name of ${id}` }, enrolment(id, 1)));
      rounds.set(id, 1);
    } else if (dice < 7) {
      const round = randomInt(2, 1000);
      step(`again ${some} ${round}`, () => store.templates.replace(some, enrolment(some, round)));
      rounds.set(some, round);
    } else if (dice < 9) {
      step(`remove ${some}`, () => store.members.remove(some, { by: 'desk', reason: 'removed' }));
      rounds.delete(some);
    } else step('rotate', () => store.rotateBoxKey());
  }
}
