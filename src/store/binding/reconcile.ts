import type { Journal } from '../journal/journal';
import { bodyOf } from '../journal/journal-reader';

/** What the journal says about members after a record, for an old copy of their data. */
export interface Since {
  /** Deleted since, including those who were enrolled again: the copy contains the destroyed data. */
  readonly deleted: ReadonlySet<string>;
  /** Changed since, to values that the journal does not contain: status, validity, groups. */
  readonly changed: ReadonlySet<string>;
  /** Enrolled since. */
  readonly enrolled: ReadonlySet<string>;
  /** Some records since then are no longer kept: any member may have been deleted or changed. */
  readonly gap: boolean;
}

/**
 * @param after number of the last record that the copy knows; null if it has none: then the last record of each member
 * counts
 */
export function membersSince(journal: Journal, after: number | null): Since {
  const deleted = new Set<string>();
  const changed = new Set<string>();
  const enrolled = new Set<string>();
  for (const record of journal.ofKinds(['enrolment', 'member', 'deletion'], after ?? 0)) {
    const { member } = bodyOf(record);
    if (typeof member !== 'string') continue;
    if (record.kind === 'deletion') deleted.add(member);
    else if (record.kind === 'member') changed.add(member);
    else {
      enrolled.add(member);
      if (after === null) deleted.delete(member);
    }
  }
  const gap = journal.extent().first > (after ?? 0) + 1;
  return { deleted, changed: after === null ? new Set() : changed, enrolled, gap };
}
