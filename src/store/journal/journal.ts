import { join } from 'node:path';
import type { JournalFacts } from './binding';
import { Database } from '../database/database';
import { bodyText, type JournalBody, type JournalKind } from './journal-body';
import { chained, type JournalRecord } from './journal-chain';
import { bodyOf, JournalReader } from './journal-reader';
import { LEDGER_KINDS } from './ledger';
import { insertRecord, prepareJournal } from './journal-schema';
import { Outbox, type Worth } from './outbox';

export interface JournalOptions {
  /** For commands that only show. Also works while the daemon runs. */
  readonly readonly?: boolean;
  readonly now?: () => number;
  /** Limit for the events that wait for the broker, bytes. */
  readonly outboxBytes?: number;
}

/** What the body of a published event needs from its journal. */
export interface EventFacts {
  /** Number of the event: from 1, rising over restarts, each used once. A gap means that events were dropped. */
  readonly seq: number;
  /** UUID of the journal: numbers restart only together with a new one. */
  readonly journal: string;
}

export interface EventEntry {
  readonly topic: string;
  readonly worth: Worth;
  readonly body: JournalBody;
}

export const OUTBOX_BYTES = 64 * 1024 * 1024;
const FILE = 'journal.db';
/**
 * Another process holds the file for one commit at a time. The daemon waits this long, while a person may be at the
 * door.
 */
const BUSY_TIMEOUT_MS = 1000;
const PRUNE_AT_ONCE = 5000;

/**
 * The audit: an append-only chain of records in `journal.db` of the data folder, a separate file so that damage to the
 * members' data does not affect it. An appended record and its place in the outbox are durable (`synchronous=FULL`)
 * when the method returns. Several processes append to one chain: each reads the head inside its own write transaction.
 */
export class Journal extends JournalReader {
  readonly outbox: Outbox;

  private constructor(
    database: Database,
    /** UUID, created with the journal. */
    readonly id: string,
    private readonly now: () => number,
    private readonly readonly: boolean,
    outboxBytes: number,
  ) {
    super(database);
    this.outbox = new Outbox(database, outboxBytes, ({ topic, json }) => {
      this.appendEvent('event', () => ({ topic, worth: 'granted', body: JSON.parse(json) as JournalBody }));
    });
  }

  /** Opens the journal, and creates it unless `readonly`. @throws UsherError `store-unavailable` */
  static open(
    dataDir: string,
    { readonly = false, now = Date.now, outboxBytes = OUTBOX_BYTES }: JournalOptions = {},
  ): Journal {
    const database = Database.open(join(dataDir, FILE), { readonly, busyTimeoutMs: BUSY_TIMEOUT_MS, journal: 'wal' });
    try {
      prepareJournal(database, { readonly, now });
      const id = String(database.get('SELECT journal FROM state')?.['journal']);
      return new Journal(database, id, now, readonly, outboxBytes);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /** Appends a record, durable when this returns. @throws UsherError `store-unavailable`, `data-invalid` */
  append(kind: JournalKind, body: JournalBody): JournalRecord {
    return this.database.transaction(() => this.add(kind, body));
  }

  /**
   * Appends a record that is also published: its body is the payload. Both or neither.
   * @throws UsherError `store-unavailable`, `data-invalid`
   */
  appendEvent(kind: 'decision' | 'event' | 'alarm', entryFor: (facts: EventFacts) => EventEntry): JournalRecord {
    const record = this.database.transaction(() => {
      const seq = this.database.number('SELECT event FROM state') + 1;
      const { topic, worth, body } = entryFor({ seq, journal: this.id });
      const added = this.add(kind, { ...body, seq, journal: this.id });
      const bytes = Buffer.byteLength(topic) + Buffer.byteLength(added.body);
      for (const dropped of this.outbox.enqueue(seq, added.seq, topic, worth, bytes))
        this.add('outbox-dropped', { ...dropped });
      return added;
    });
    this.outbox.committed();
    return record;
  }

  /** Appends unless the newest record of this kind (and `subject`) has the same body; then returns null. */
  appendIfNew(kind: Exclude<JournalKind, 'decision'>, body: JournalBody, subject?: string): JournalRecord | null {
    return this.database.transaction(() => {
      const latest = this.latest(
        kind,
        subject === undefined ? undefined : (stated) => stated[subject] === body[subject],
      );
      return latest?.body === bodyText(kind, body) ? null : this.add(kind, body);
    });
  }

  /** What this journal knows about the members' data. @throws UsherError `store-unavailable` */
  facts(): JournalFacts {
    const hasEpoch = ({ epoch }: Readonly<Record<string, unknown>>): boolean => typeof epoch === 'number';
    const epochs = (kinds: readonly JournalKind[]): number[] =>
      kinds.flatMap((kind) => {
        // A start that found a contradiction has no epoch; earlier ones still count.
        const record = this.latest(kind as Exclude<JournalKind, 'decision'>, hasEpoch);
        const epoch = record === null ? undefined : bodyOf(record)['epoch'];
        return typeof epoch === 'number' ? [epoch] : [];
      });
    const newest = (kinds: readonly JournalKind[]): number | null =>
      epochs(kinds).reduce<number | null>((last, epoch) => Math.max(last ?? 0, epoch), null);
    const { first, head } = this.extent();
    return {
      journal: this.id,
      lastEpoch: newest(LEDGER_KINDS),
      settledEpoch: newest(['start', 'stop']),
      hashAt: (seq) => {
        if (seq < first) return null;
        const hash = this.database.get('SELECT hash FROM records WHERE seq = ?', seq)?.['hash'];
        return hash === undefined || seq > head ? undefined : String(hash);
      },
      enrolled: () => this.enrolled(),
    };
  }

  /** Whether any enrolled member has not been deleted since. */
  private enrolled(): boolean {
    const members = new Set<unknown>();
    for (const record of this.ofKinds(['enrolment', 'deletion'])) {
      const { member } = bodyOf(record);
      if (record.kind === 'enrolment') members.add(member);
      else members.delete(member);
    }
    return members.size > 0;
  }

  /**
   * Deletes the records up to this number and appends one that says so: the chain stays verifiable from there on.
   * Events that wait for the broker stay, and everything after them. Deletes at most `PRUNE_AT_ONCE` records at a time,
   * so that no person at the door waits for it.
   * @returns number of deleted records
   * @throws UsherError `store-unavailable`
   */
  prune(seq: number): number {
    return this.database.transaction(() => {
      const { first, head } = this.extent();
      const waiting = this.database.get('SELECT min(record) AS record FROM outbox')?.['record'];
      const sent = waiting === null || waiting === undefined ? head : Number(waiting) - 1;
      const upTo = Math.min(seq, sent, head, first + PRUNE_AT_ONCE - 1);
      if (upTo < first) return 0;
      const hash = String(this.database.get('SELECT hash FROM records WHERE seq = ?', upTo)?.['hash']);
      this.add('pruned', { upTo, hash });
      this.database.run('DELETE FROM records WHERE seq <= ?', upTo);
      return upTo - first + 1;
    });
  }

  close(): void {
    if (this.readonly) return this.database.close();
    try {
      this.outbox.flush();
    } catch {
      // It is delivered again after the next start.
    }
    this.database.close();
  }

  private add(kind: JournalKind, body: JournalBody): JournalRecord {
    const record = chained(this.head(), { at: this.now(), kind, body: bodyText(kind, body) });
    insertRecord(this.database, record);
    return record;
  }
}
