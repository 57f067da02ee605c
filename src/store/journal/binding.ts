import { z } from 'zod';
import type { Database } from '../database/database';
import type { JournalHead } from './journal-chain';
import { metaOf, setMetaOf } from '../database/meta';

/**
 * The members' data and the journal each record the state of the other, so that an old copy of either is detected.
 * Every change of the members has a number, the epoch. It is in the journal's record, which is durable first, and in
 * the members' data with the change itself. A crash in between leaves the journal one ahead. If it is more than one
 * ahead, or ahead by a change that a start or stop has seen, the members' data is an old copy.
 */
export interface Binding {
  /** UUID of the journal. */
  readonly journal: string;
  readonly epoch: number;
  /** The record of the last change. */
  readonly head: JournalHead | null;
}

/** What a journal knows about the members' data. */
export interface JournalFacts {
  readonly journal: string;
  /** The epoch of the newest record that has one; null in a journal older than epochs. */
  readonly lastEpoch: number | null;
  /** The newest epoch that a start or a stop of the daemon found in the members' data. */
  readonly settledEpoch: number | null;
  /** Null if the record is deleted; undefined if it does not exist yet. */
  readonly hashAt: (seq: number) => string | null | undefined;
  /** Whether any member was enrolled and not deleted since. */
  readonly enrolled: () => boolean;
}

export type Contradiction = 'empty' | 'older-store' | 'other-journal' | 'older-journal';

export type Agreement =
  | { readonly state: 'agreed' | 'unbound' | 'journal-ahead' }
  | { readonly state: 'contradicted'; readonly why: Contradiction };

const contradicted = (why: Contradiction): Agreement => ({ state: 'contradicted', why });

/** @param empty whether the members' data has no members */
export function compare(binding: Binding | null, facts: JournalFacts, empty: boolean): Agreement {
  if (binding === null) {
    if (empty && facts.enrolled()) return contradicted('empty');
    // The records of the changes may be deleted already; the record of a start that saw them is not.
    const unbound = facts.lastEpoch === null && (facts.settledEpoch ?? 0) === 0;
    return unbound ? { state: 'unbound' } : contradicted(empty ? 'empty' : 'older-store');
  }
  if (binding.journal !== facts.journal) return contradicted('other-journal');
  if (binding.head !== null) {
    const hash = facts.hashAt(binding.head.seq);
    if (hash === undefined || (hash !== null && hash !== binding.head.hash)) return contradicted('older-journal');
  }
  if ((facts.settledEpoch ?? 0) > binding.epoch || (facts.lastEpoch ?? 0) > binding.epoch + 1)
    return contradicted('older-store');
  return { state: (facts.lastEpoch ?? 0) > binding.epoch ? 'journal-ahead' : 'agreed' };
}

export const CONTRADICTIONS: Readonly<Record<Contradiction, string>> = {
  empty: 'the members’ data is empty or new, but the journal contains members',
  'older-store': 'the members’ data is older than the journal: an old copy was restored',
  'other-journal': 'the members’ data and the journal do not belong together: one of them comes from elsewhere',
  'older-journal': 'the journal is older than the members’ data, or was changed: records are missing',
};

const KEY = 'binding';
const Saved = z.tuple([
  z.literal(1),
  z.strictObject({
    journal: z.string(),
    epoch: z.number().int().min(0),
    head: z.strictObject({ seq: z.number().int(), hash: z.string() }).nullable(),
  }),
]);

/** Text that cannot be understood counts as a binding to a journal that does not exist. */
export function readBinding(database: Database): Binding | null {
  const text = metaOf(database, KEY);
  if (text === null) return null;
  try {
    return Saved.parse(JSON.parse(text))[1];
  } catch {
    return { journal: '', epoch: 0, head: null };
  }
}

export function writeBinding(database: Database, binding: Binding): void {
  setMetaOf(database, KEY, JSON.stringify([1, binding]));
}
