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
 * Records changes of the members; `Journal` implements it. Called as the last step inside the transaction that makes
 * the change, so that no change lacks a record. (If the commit then fails, the record describes a change that did not
 * happen, which is less harmful.)
 */
export interface Ledger {
  append(kind: (typeof LEDGER_KINDS)[number], body: JournalBody): unknown;
  close(): void;
}

/** For tests and tools that work on members without an installation. */
export const NO_LEDGER: Ledger = { append: () => undefined, close: () => undefined };
