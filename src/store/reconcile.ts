import type { Journal } from './journal';
import { bodyOf } from './journal';

/** What the journal says of members after a record, for an old copy of their data. */
export interface Since {
  /** Deleted since, also those who were enrolled again: the copy holds what was destroyed then. */
  readonly deleted: ReadonlySet<string>;
  /** Changed since, to what the journal does not say: status, validity, groups. */
  readonly changed: ReadonlySet<string>;
}

/** @param after number of the last record that the copy knows; null: it does not say, and the last word on each member counts */
export function membersSince(journal: Journal, after: number | null): Since {
  const deleted = new Set<string>();
  const changed = new Set<string>();
  for (const record of journal.ofKinds(['enrolment', 'member', 'deletion'], after ?? 0)) {
    const { member } = bodyOf(record);
    if (typeof member !== 'string') continue;
    if (record.kind === 'deletion') deleted.add(member);
    else if (record.kind === 'member') changed.add(member);
    else if (after === null) deleted.delete(member);
  }
  return { deleted, changed: after === null ? new Set() : changed };
}
