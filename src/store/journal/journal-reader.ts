import { UsherError } from '../../errors';
import type { Database, Row } from '../database/database';
import type { JournalKind } from './journal-body';
import type { JournalHead, JournalRecord } from './journal-chain';
import { LEDGER_KINDS } from './ledger';

/** Rows a query: of a long journal one page is in memory at a time. */
const PAGE = 500;

/** Reads the records of a journal: by number, by kind, from either end. Others may append at the same time. */
export class JournalReader {
  constructor(protected readonly database: Database) {}

  get file(): string {
    return this.database.file;
  }

  /** @throws UsherError `store-unavailable` */
  head(): JournalHead {
    const row = this.database.get('SELECT seq, hash FROM records ORDER BY seq DESC LIMIT 1');
    if (row === undefined)
      throw new UsherError('store-unavailable', `the journal ${this.database.file} has lost its records`, {
        remedy: 'Restore a backup, or move the file away: usher then creates a new journal with a new id.',
      });
    return { seq: Number(row['seq']), hash: String(row['hash']) };
  }

  /** Numbers of the oldest kept record and of the newest one. @throws UsherError `store-unavailable` */
  extent(): { readonly first: number; readonly head: number } {
    return { first: this.database.number('SELECT min(seq) FROM records'), head: this.head().seq };
  }

  /** The newest record. @throws UsherError `store-unavailable` */
  last(): JournalRecord {
    const { seq } = this.head();
    for (const record of this.records({ after: seq - 1 })) return record;
    throw new UsherError('store-unavailable', `record ${seq} of the journal ${this.database.file} cannot be read`);
  }

  /**
   * Number of the last record of the initial records that all have a date before this; 0: none. The date of a record
   * comes from a clock that may have been wrong.
   * @param before epoch ms
   * @param upTo highest number to check
   */
  datedBefore(before: number, upTo: number): number {
    const young = this.database.get('SELECT seq FROM records WHERE at >= ? ORDER BY seq LIMIT 1', before)?.['seq'];
    const last = young === undefined || young === null ? this.head().seq : Number(young) - 1;
    return Math.min(last, upTo);
  }

  /**
   * Records in order, read in pages, for a journal of any length, while others append. @param after skip records up to
   * this number
   */
  *records({ after = 0 }: { readonly after?: number } = {}): Generator<JournalRecord, void> {
    for (let last = after; ;) {
      const rows = this.database.all('SELECT * FROM records WHERE seq > ? ORDER BY seq LIMIT ?', last, PAGE);
      for (const row of rows) yield recordOf(row);
      const end = rows.at(-1);
      if (end === undefined) return;
      last = Number(end['seq']);
    }
  }

  /** Records from the newest back. */
  *newest(): Generator<JournalRecord, void> {
    for (let before = Number.MAX_SAFE_INTEGER; ;) {
      const rows = this.database.all('SELECT * FROM records WHERE seq < ? ORDER BY seq DESC LIMIT ?', before, PAGE);
      for (const row of rows) yield recordOf(row);
      const end = rows.at(-1);
      if (end === undefined) return;
      before = Number(end['seq']);
    }
  }

  /** The newest record of a kind, optionally only those whose body matches. */
  latest(
    kind: Exclude<JournalKind, 'decision'>,
    having: (body: Readonly<Record<string, unknown>>) => boolean = () => true,
  ): JournalRecord | null {
    for (let before = Number.MAX_SAFE_INTEGER; ;) {
      const row = this.database.get(
        `SELECT * FROM records WHERE kind <> 'decision' AND kind = ? AND seq < ? ORDER BY seq DESC LIMIT 1`,
        kind,
        before,
      );
      if (row === undefined) return null;
      const record = recordOf(row);
      if (having(bodyOf(record))) return record;
      before = record.seq;
    }
  }

  /** The records of the newest change of the members, if it has this number. */
  changesOf(epoch: number): JournalRecord[] {
    const found: JournalRecord[] = [];
    const marks = LEDGER_KINDS.map(() => '?').join(', ');
    for (let before = Number.MAX_SAFE_INTEGER; ;) {
      const row = this.database.get(
        `SELECT * FROM records WHERE kind <> 'decision' AND kind IN (${marks}) AND seq < ? ORDER BY seq DESC LIMIT 1`,
        ...LEDGER_KINDS,
        before,
      );
      if (row === undefined || bodyOf(recordOf(row))['epoch'] !== epoch) return found.reverse();
      found.push(recordOf(row));
      before = Number(row['seq']);
    }
  }

  /** Records of some kinds, oldest first. */
  *ofKinds(kinds: readonly Exclude<JournalKind, 'decision'>[], after = 0): Generator<JournalRecord, void> {
    const marks = kinds.map(() => '?').join(', ');
    for (let last = after; ;) {
      const rows = this.database.all(
        `SELECT * FROM records WHERE kind <> 'decision' AND kind IN (${marks}) AND seq > ? ORDER BY seq LIMIT ?`,
        ...kinds,
        last,
        PAGE,
      );
      for (const row of rows) yield recordOf(row);
      const end = rows.at(-1);
      if (end === undefined) return;
      last = Number(end['seq']);
    }
  }
}

/** @throws UsherError `data-invalid` for a body that is not a JSON object */
export function bodyOf(record: JournalRecord): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(record.body);
    if (typeof value === 'object' && value !== null) return value as Readonly<Record<string, unknown>>;
  } catch {
    // Reported below.
  }
  throw new UsherError('data-invalid', `record ${record.seq} of the journal is damaged`, {
    remedy: 'Run `usher audit verify`.',
  });
}

function recordOf(row: Row): JournalRecord {
  return {
    seq: Number(row['seq']),
    at: Number(row['at']),
    kind: String(row['kind']),
    body: String(row['body']),
    prev: String(row['prev']),
    hash: String(row['hash']),
  };
}
