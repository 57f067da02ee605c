import type { JournalBody } from './journal-body';

/** Kinds of the records of changes of the members. */
export const LEDGER_KINDS = [
  'enrolment',
  'adaptation',
  'member',
  'deletion',
  'consent',
  'transfer',
  'key',
  'training',
  'encoding',
  'retention',
  'clock',
  'restore',
  'counter',
] as const;

/**
 * Where changes of the members are recorded; `Journal` is one. Called as the last step inside the transaction that makes the
 * change: no change without a record. (The other way round, a commit that fails right after leaves a record of a change that
 * did not come about; that is the lesser evil.)
 */
export interface Ledger {
  append(kind: (typeof LEDGER_KINDS)[number], body: JournalBody): unknown;
  close(): void;
}

/** For tests and tools that work on members without an installation around them. */
export const NO_LEDGER: Ledger = { append: () => undefined, close: () => undefined };
