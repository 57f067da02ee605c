import { bodyOf } from '../../store/journal/journal-reader';
import type { Fault, Finding, JournalHead, JournalRecord } from '../../store/journal/journal-chain';

/** A record as it is hashed, with its hash: `usher-journal-v1`, a newline and the RFC 8785 text of all but `hash`. */
export function jsonLine({ seq, at, kind, body, prev, hash }: JournalRecord): string {
  const frame = JSON.stringify({ seq, at, kind, prev, hash });
  // The stored text itself: writing it anew might lose what makes the hash.
  return `${frame.slice(0, -1)},"body":${body}}`;
}

export interface Csv {
  readonly header: string;
  line(record: JournalRecord): string;
}

/** What is most asked about in columns of its own, the whole body in the last. */
const COLUMNS = ['door', 'member', 'outcome', 'reason'] as const;

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

/** RFC 4180; and no spreadsheet takes a cell for a formula. */
function csvCell(text: string): string {
  const inert = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
}

export function recordText(record: JournalRecord): string {
  const facts = Object.entries(readable(record))
    .filter(([key, value]) => !HIDDEN.has(key) && value !== null)
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return `${String(record.seq).padStart(6)}  ${timeText(record.at)}  ${record.kind.padEnd(14)}  ${facts.join(' ')}`;
}

/** Of use to programs alone. */
const HIDDEN = new Set(['v', 'decision', 'bootId', 'journal', 'at']);

const FAULTS: Readonly<Record<Fault, string>> = {
  changed: 'the content is not what was recorded: changed or renumbered',
  missing: 'removed',
  unlinked: 'does not follow from the record before: something was removed, put in or exchanged here',
  beginning: 'the journal does not begin with its genesis record',
  repeated: 'the number of a published event came before',
  truncated: 'cut off: a head that was given lies behind the end',
  rewritten: 'another record stands where the head that was given was',
};

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
    ...(lines.length === 0 ? ['the chain is whole'] : lines),
  ].join('\n');
}

/** A damaged body is for `verify` to complain about; the rest is to be seen all the same. */
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
