import type { PolicyOrder } from '../../access/policy/types';
import type { Journal } from '../../store/journal/journal';
import { bodyOf } from '../../store/journal/journal-reader';
import type { JournalRecord } from '../../store/journal/journal-chain';
import type { Store } from '../../store/store';

type Lockdown = Extract<PolicyOrder, { type: 'lockdown' }>;

/**
 * Whether this box's own state may be an old copy: the journal contradicts it, or it was accepted while the daemon did
 * not run.
 */
export function mayHaveForgotten(store: Pick<Store, 'contradiction'>, journal: Pick<Journal, 'latest'>): boolean {
  if (store.contradiction !== null) return true;
  return (journal.latest('restore')?.seq ?? 0) > (journal.latest('start')?.seq ?? 0);
}

/**
 * The lockdowns in the journal that no release has lifted, door by door: for a box whose own state is an old copy.
 * @param records of kind `policy`, oldest first
 * @param wall epoch ms; null if unknown: then none counts as ended
 */
export function lockdownsBefore(
  records: Iterable<JournalRecord>,
  doors: readonly string[],
  wall: number | null,
): Lockdown[] {
  const standing = new Map<string, Lockdown[]>();
  for (const record of records) {
    const { order, doors: named, groups, until, refused } = bodyOf(record);
    const meant = doors.filter((door) => !Array.isArray(named) || named.includes(door));
    if (order === 'release') for (const door of meant) standing.delete(door);
    if (order !== 'lockdown') continue;
    for (const door of meant) {
      const before = standing.get(door) ?? [];
      if (refused !== undefined) standing.set(door, before.slice(0, -1));
      else
        standing.set(door, [
          ...before,
          {
            type: 'lockdown',
            doors: [door],
            groups: Array.isArray(groups) ? groups.map(String) : [],
            until: typeof until === 'number' ? until : null,
          },
        ]);
    }
  }
  return [...standing.values()].flat().filter(({ until }) => until === null || wall === null || until > wall);
}
