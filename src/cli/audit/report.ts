import { bodyOf } from '../../store/journal/journal-reader';
import type { Fault, Finding, JournalHead, JournalRecord } from '../../store/journal/journal-chain';

/**
 * One record with its hash. The hash is over `usher-journal-v1`, a newline and the RFC 8785 text of all keys but
 * `hash`.
 */
export function jsonLine({ seq, at, kind, body, prev, hash }: JournalRecord): string {
  const frame = JSON.stringify({ seq, at, kind, prev, hash });
  // Copies the stored text. Serialising the body again might change the bytes that the hash covers.
  return `${frame.slice(0, -1)},"body":${body}}`;
}

export interface Csv {
  readonly header: string;
  line(record: JournalRecord): string;
}

/** The keys that readers need most have columns of their own. The last column has the whole body. */
const COLUMNS = ['door', 'member', 'outcome', 'reason'] as const;

/** @returns the header line and a function that formats one record, as CSV (RFC 4180) */
export function csvLine(): Csv {
  return {
    header: ['seq', 'time', 'kind', ...COLUMNS, 'hash', 'body'].join(','),
    line: (record) => {
      const body = readable(record);
      const cells = COLUMNS.map((column) => {
        const value = body[column];
        return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
      });
      return [String(record.seq), timeText(record.at), record.kind, ...cells, record.hash, record.body]
        .map(csvCell)
        .join(',');
    },
  };
}

/** Quotes as RFC 4180 requires, and prevents that a spreadsheet takes the cell for a formula. */
function csvCell(text: string): string {
  const inert = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
}

/** One line for a person: sequence number, time, kind, and the body's keys. */
export function recordText(record: JournalRecord): string {
  const facts = Object.entries(readable(record))
    .filter(([key, value]) => !HIDDEN.has(key) && value !== null)
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return `${String(record.seq).padStart(6)}  ${timeText(record.at)}  ${record.kind.padEnd(14)}  ${facts.join(' ')}`;
}

/** Keys that only programs need. */
const HIDDEN = new Set(['v', 'decision', 'bootId', 'journal', 'at']);

const FAULTS: Readonly<Record<Fault, string>> = {
  changed: 'the content was changed, or the record was renumbered',
  missing: 'removed',
  unlinked: 'does not follow the record before it: a record was removed, inserted or swapped here',
  beginning: 'the journal does not begin with its genesis record',
  repeated: 'the number of a published event appears twice',
  truncated: 'cut off: a head that you gave lies beyond the end',
  rewritten: 'this record differs from the head that you gave',
};

/** The result of `verify` as lines for a person. */
export function verdictText(verdict: {
  readonly journal: string;
  readonly records: number;
  readonly head: JournalHead;
  readonly findings: readonly Finding[];
}): string {
  const { journal, records, head, findings } = verdict;
  const where = ({ from, to }: Finding): string => (from === to ? `record ${from}` : `records ${from} to ${to}`);
  const lines = findings.map((finding) => `${where(finding)}: ${FAULTS[finding.fault]}`);
  return [
    `journal ${journal}, ${records} records, head ${head.seq}:${head.hash}`,
    ...(lines.length === 0 ? ['the chain is intact'] : lines),
  ].join('\n');
}

/** `verify` reports a damaged body. Here the rest of the record is shown all the same. */
function readable(record: JournalRecord): Readonly<Record<string, unknown>> {
  try {
    return bodyOf(record);
  } catch {
    return { damaged: true };
  }
}

function timeText(at: number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? String(at) : date.toISOString();
}
