import { messageOf, UsherError } from '../../errors';
import { Database } from '../../store/database/database';
import { join } from 'node:path';
import type { Unlock } from '../../access/keys/unlock';

/** Where the newest obeyed unlock of one run of a box stands. */
export interface BootMark {
  readonly seq: number;
  /** Whether it is the run that was first heard of last. */
  readonly latest: boolean;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS obeyed (
    nonce TEXT NOT NULL PRIMARY KEY,
    not_after INTEGER NOT NULL,
    obeyed_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS obeyed_by_time ON obeyed (obeyed_at);
  CREATE TABLE IF NOT EXISTS boots (
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL,
    boot TEXT NOT NULL,
    seq INTEGER NOT NULL,
    issued_at INTEGER NOT NULL,
    UNIQUE (key, boot)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS clock (one INTEGER PRIMARY KEY CHECK (one = 1), floor INTEGER NOT NULL) STRICT;
`;

/** Runs of one box that are remembered; unlocks of earlier ones are refused by their time of issue. */
const BOOTS_KEPT = 32;

/**
 * What was obeyed, so that nothing is obeyed twice: over a restart, a kill -9 and a power cut too (SQLite, synchronous=FULL).
 * Bounded: a nonce is forgotten when its unlock has been void for longer than any clock error that is let pass.
 */
export class UnlockMemory {
  private constructor(
    private readonly database: Database,
    private readonly keepMs: number,
  ) {}

  /**
   * @param keepMs how long a nonce is kept after its unlock is void
   * @throws UsherError `store-unavailable`
   */
  static open(stateDir: string, keepMs: number): UnlockMemory {
    const file = join(stateDir, 'actuator.db');
    let database: Database | null = null;
    try {
      database = Database.open(file, { readonly: false, busyTimeoutMs: 500, journal: 'wal' });
      database.exec(SCHEMA);
      if (String(Object.values(database.get('PRAGMA quick_check(1)') ?? {})[0]) !== 'ok')
        throw new UsherError('store-unavailable', 'it is damaged');
      return new UnlockMemory(database, keepMs);
    } catch (error) {
      database?.close();
      throw new UsherError('store-unavailable', `the actuator's memory ${file}: ${messageOf(error)}`, {
        remedy:
          'Check the disk and who owns the folder. If the file is damaged and the clock of this machine is right, remove it: unlocks older than a few seconds are refused by their age.',
        cause: error,
      });
    }
  }

  /** All of `work` or nothing, and nobody else in between: two actuators on one memory do not obey one unlock twice. */
  atomically<T>(work: () => T): T {
    return this.database.transaction(work);
  }

  hasObeyed(nonce: string): boolean {
    return this.database.get('SELECT 1 FROM obeyed WHERE nonce = ?', nonce) !== undefined;
  }

  boot(key: string, boot: string): BootMark | null {
    const row = this.database.get(
      `SELECT seq, ordinal = (SELECT max(ordinal) FROM boots WHERE key = ?1) AS latest
       FROM boots WHERE key = ?1 AND boot = ?2`,
      key,
      boot,
    );
    return row === undefined ? null : { seq: Number(row['seq']), latest: Number(row['latest']) === 1 };
  }

  /** Time of issue of the newest unlock that was obeyed of this key's other runs; null when none was. */
  newestIssueOfOtherBoots(key: string, boot: string): number | null {
    const newest = this.database.get(
      'SELECT max(issued_at) AS newest FROM boots WHERE key = ? AND boot <> ?',
      key,
      boot,
    )?.['newest'];
    return newest === null || newest === undefined ? null : Number(newest);
  }

  /** Unlocks obeyed from then until now. */
  obeyedBetween(from: number, now: number): number {
    const row = this.database.get('SELECT count(*) AS n FROM obeyed WHERE obeyed_at BETWEEN ? AND ?', from, now);
    return Number(row?.['n'] ?? 0);
  }

  /** Within `atomically`. A nonce that is there already is an error, whatever was asked before. */
  record(unlock: Unlock, now: number): void {
    const { database } = this;
    const { nonce, key, bootId, seq, issuedAt, notAfter } = unlock;
    database.run('INSERT INTO obeyed VALUES (?, ?, ?)', nonce, notAfter, now);
    database.run(
      `INSERT INTO boots (key, boot, seq, issued_at) VALUES (?, ?, ?, ?)
       ON CONFLICT (key, boot) DO UPDATE SET seq = excluded.seq, issued_at = max(issued_at, excluded.issued_at)`,
      key,
      bootId,
      seq,
      issuedAt,
    );
    database.run('DELETE FROM obeyed WHERE obeyed_at < ?1 AND not_after < ?1', now - this.keepMs);
    database.run(
      `DELETE FROM boots WHERE key = ?1 AND ordinal NOT IN
       (SELECT ordinal FROM boots WHERE key = ?1 ORDER BY ordinal DESC LIMIT ${BOOTS_KEPT})`,
      key,
    );
  }

  /** The latest time at which this actuator was sure of its clock, epoch ms; 0 when there is none. */
  get floor(): number {
    return Number(this.database.get('SELECT floor FROM clock')?.['floor'] ?? 0);
  }

  raiseFloor(now: number): void {
    this.database.run(
      'INSERT INTO clock VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET floor = max(floor, excluded.floor)',
      Math.floor(now),
    );
  }

  /** Forgets all times and runs, for a clock that was wrong and is right now. Nonces stay: no copy passes. */
  resetTime(): void {
    this.database.transaction(() => {
      this.database.exec('DELETE FROM clock; DELETE FROM boots');
    });
  }

  close(): void {
    this.database.close();
  }
}
