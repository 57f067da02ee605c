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
  /** For commands that only show; also works while the daemon runs. */
  readonly readonly?: boolean;
  readonly now?: () => number;
  /** Bound on the events that wait for the broker. */
  readonly outboxBytes?: number;
}

/** What the body of a published event needs to know of its journal. */
export interface EventFacts {
  /** Number of the event: from 1, rising over restarts, each given once. A gap means that events were given up. */
  readonly seq: number;
  /** UUID of the journal: numbers start again only together with a new one. */
  readonly journal: string;
}

export interface EventEntry {
  readonly topic: string;
  readonly worth: Worth;
  readonly body: JournalBody;
}

export const OUTBOX_BYTES = 64 * 1024 * 1024;
const FILE = 'journal.db';
/** Another process holds the file for one commit at a time; the daemon waits for that with a person at the door. */
const BUSY_TIMEOUT_MS = 1000;
const PRUNE_AT_ONCE = 5000;

/**
 * The audit: an append-only chain of records in `journal.db` of the data folder, a file of its own so that it does not share
 * the fate of the members' data. What is appended is durable (`synchronous=FULL`) when the method returns, together with its
 * place in the outbox. Several processes append to one chain: each reads the head inside its own write transaction.
 */
export class Journal extends JournalReader {
  readonly outbox: Outbox;

  private constructor(
    database: Database,
    /** UUID, made with the journal. */
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

  /** Opens the journal, and begins it unless `readonly`. @throws UsherError `store-unavailable` */
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

  /** One more record, durable when this returns. @throws UsherError `store-unavailable`, `data-invalid` */
  append(kind: JournalKind, body: JournalBody): JournalRecord {
    return this.database.transaction(() => this.add(kind, body));
  }

  /**
   * One more record that is also to be published: its body is the payload. Both or neither.
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

  /** Appends unless the newest record of this kind (and `subject`) says the same already. Null when it does. */
  appendIfNew(kind: Exclude<JournalKind, 'decision'>, body: JournalBody, subject?: string): JournalRecord | null {
    return this.database.transaction(() => {
      const latest = this.latest(
        kind,
        subject === undefined ? undefined : (stated) => stated[subject] === body[subject],
      );
      return latest?.body === bodyText(kind, body) ? null : this.add(kind, body);
    });
  }

  /** What this journal knows of the members' data. @throws UsherError `store-unavailable` */
  facts(): JournalFacts {
    const hasEpoch = ({ epoch }: Readonly<Record<string, unknown>>): boolean => typeof epoch === 'number';
    const epochs = (kinds: readonly JournalKind[]): number[] =>
      kinds.flatMap((kind) => {
        // A start that found a contradiction carries none: the ones before it still count.
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

  /** Whether anybody who was enrolled has not been deleted since. */
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
   * Removes the records up to this number, and appends one that says so: the chain stays verifiable from there on. What waits for
   * the broker stays, and everything after it. At most `PRUNE_AT_ONCE` at a time, so that nobody at the door waits for it.
   * @returns the number of records removed
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
      // Delivered again after the next start.
    }
    this.database.close();
  }

  private add(kind: JournalKind, body: JournalBody): JournalRecord {
    const record = chained(this.head(), { at: this.now(), kind, body: bodyText(kind, body) });
    insertRecord(this.database, record);
    return record;
  }
}
