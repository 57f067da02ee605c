import type { Database } from '../database/database';

/** An event that waits for the broker; has the shape that `mqtt/event-queue.ts` needs. */
export interface OutboxEvent {
  readonly topic: string;
  readonly json: string;
}

/** Which events are dropped first when the outbox is full: the lowest worth, and of those the oldest. */
export const WORTH = { denied: 0, granted: 1, alarm: 2 } as const;
export type Worth = keyof typeof WORTH;

/** The events that were dropped to stay within the limit; becomes a journal record. */
export interface Dropped {
  readonly worth: Worth;
  /** Event numbers of the first and the last; some between them may not be dropped. */
  readonly from: number;
  readonly to: number;
  readonly count: number;
  readonly bytes: number;
}

/**
 * Acknowledged events are deleted in groups, at the latest with the next append: a commit for each would cost a disk
 * sync for each.
 */
const FLUSH_AFTER = 64;
/** When full, this share of the limit is freed at once, so that not every event adds a record about dropped ones. */
const FREE_SHARE = 1 / 64;
/** Limit for the rows of one such step; if a lowered limit requires more, the next events do the rest. */
const GIVE_UP_AT_ONCE = 4096;

/**
 * The events of the journal that the broker has not acknowledged, in order. One process delivers (the daemon, which
 * holds the daemon lock). After a crash, events that were acknowledged but not yet deleted are delivered again, under
 * the same number.
 */
export class Outbox {
  /** All events up to this number are acknowledged. */
  private settled = 0;
  private flushed = 0;
  private takenOut = 0;
  private inFlight: { readonly seq: number; readonly event: OutboxEvent } | null = null;

  /** @param limitBytes limit for topics and payloads that wait */
  constructor(
    private readonly database: Database,
    private readonly limitBytes: number,
    private readonly append: (event: OutboxEvent) => void,
  ) {}

  /** Events that wait, including those that are acknowledged but not deleted. @throws UsherError `store-unavailable` */
  get size(): number {
    return this.database.number('SELECT waiting FROM state');
  }

  /** Events dropped over the life of the journal. @throws UsherError `store-unavailable` */
  get overflowed(): number {
    return this.database.number('SELECT dropped FROM state');
  }

  /** Adds an event without a record of its own, as a record of kind `event`. @throws UsherError `store-unavailable` */
  push(event: OutboxEvent): void {
    this.append(event);
  }

  /** The oldest event that is not acknowledged. @throws UsherError `store-unavailable` */
  peek(): OutboxEvent | undefined {
    const row = this.database.get(
      `SELECT outbox.seq, topic, body FROM outbox JOIN records ON records.seq = record
       WHERE outbox.seq > ? ORDER BY outbox.seq LIMIT 1`,
      this.settled,
    );
    if (row === undefined) {
      this.inFlight = null;
      return undefined;
    }
    const seq = Number(row['seq']);
    if (this.inFlight?.seq !== seq)
      this.inFlight = { seq, event: { topic: String(row['topic']), json: String(row['body']) } };
    return this.inFlight.event;
  }

  /** The broker has this event. Never throws: what cannot be deleted now is deleted later, or delivered again. */
  settle(event: OutboxEvent): void {
    if (this.inFlight?.event !== event) return;
    this.settled = this.inFlight.seq;
    this.inFlight = null;
    if (this.settled - this.flushed < FLUSH_AFTER) return;
    try {
      this.flush();
    } catch {
      // The next append reports the failure.
    }
  }

  /** Deletes acknowledged events. @throws UsherError `store-unavailable` */
  flush(): void {
    if (this.settled === this.flushed) return;
    this.database.transaction(() => this.takeOutSettled());
    this.committed();
  }

  /** Part of the journal's transaction: adds an event, and drops others if the limit requires it. */
  enqueue(seq: number, record: number, topic: string, worth: Worth, bytes: number): Dropped[] {
    this.takeOutSettled();
    this.database.run('INSERT INTO outbox VALUES (?, ?, ?, ?, ?)', seq, record, topic, WORTH[worth], bytes);
    this.database.run('UPDATE state SET event = ?, waiting = waiting + 1, bytes = bytes + ?', seq, bytes);
    const over = this.database.number('SELECT bytes FROM state') - this.limitBytes;
    return over > 0 ? this.makeRoom(over + this.limitBytes * FREE_SHARE) : [];
  }

  /** What the transaction deleted is now gone; before, a rollback might have restored it. */
  committed(): void {
    this.flushed = this.takenOut;
  }

  private takeOutSettled(): void {
    const upTo = this.settled;
    this.takenOut = upTo;
    if (upTo === this.flushed) return;
    const row = this.database.get('SELECT count(*) AS count, sum(bytes) AS bytes FROM outbox WHERE seq <= ?', upTo);
    const count = Number(row?.['count'] ?? 0);
    if (count === 0) return;
    this.database.run('DELETE FROM outbox WHERE seq <= ?', upTo);
    this.uncount(count, Number(row?.['bytes'] ?? 0));
  }

  private makeRoom(wanted: number): Dropped[] {
    const dropped: Dropped[] = [];
    let left = wanted;
    for (const worth of Object.keys(WORTH) as Worth[]) {
      if (left <= 0) break;
      const given = this.giveUp(worth, left);
      if (given === null) continue;
      dropped.push(given);
      left -= given.bytes;
    }
    return dropped;
  }

  private giveUp(worth: Worth, wanted: number): Dropped | null {
    // The event in flight may have reached the broker, so it must not be reported as lost.
    const spared = this.inFlight?.seq ?? 0;
    let given: Omit<Dropped, 'worth'> | null = null;
    for (const row of this.database.all(
      'SELECT seq, bytes FROM outbox WHERE worth = ? AND seq <> ? ORDER BY seq LIMIT ?',
      WORTH[worth],
      spared,
      GIVE_UP_AT_ONCE,
    )) {
      if (given !== null && given.bytes >= wanted) break;
      const seq = Number(row['seq']);
      const before: Omit<Dropped, 'worth'> = given ?? { from: seq, to: seq, count: 0, bytes: 0 };
      given = { ...before, to: seq, count: before.count + 1, bytes: before.bytes + Number(row['bytes']) };
    }
    if (given === null) return null;
    this.database.run(
      'DELETE FROM outbox WHERE worth = ? AND seq BETWEEN ? AND ? AND seq <> ?',
      WORTH[worth],
      given.from,
      given.to,
      spared,
    );
    this.uncount(given.count, given.bytes);
    this.database.run('UPDATE state SET dropped = dropped + ?', given.count);
    return { worth, ...given };
  }

  private uncount(count: number, bytes: number): void {
    this.database.run('UPDATE state SET waiting = waiting - ?, bytes = bytes - ?', count, bytes);
  }
}
