import { messageOf, UsherError } from '../../errors';
import { Database } from '../../store/database/database';
import { join } from 'node:path';
import type { Unlock } from '../../access/keys/unlock';

/** The newest obeyed unlock of one run of a box. */
export interface BootMark {
  readonly seq: number;
  /** Whether this run is the one whose first unlock came last. */
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

/** Number of runs of one box to remember. Unlocks of earlier runs are refused by their time of issue. */
const BOOTS_KEPT = 32;

/**
 * Records the obeyed unlocks, so that none is obeyed twice, even after a restart, a kill -9 or a power cut (SQLite,
 * synchronous=FULL). Bounded: a nonce is deleted when its unlock has been expired for longer than any accepted clock
 * error.
 */
export class UnlockMemory {
  private constructor(
    private readonly database: Database,
    private readonly keepMs: number,
  ) {}

  /**
   * @param keepMs how long a nonce is kept after its unlock expired
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
          'Check the disk and the owner of the folder. If the file is damaged and the clock of this machine is correct, delete the file: unlocks older than a few seconds are refused by their age.',
        cause: error,
      });
    }
  }

  /** Runs `work` as one exclusive transaction: two actuators on one memory do not obey one unlock twice. */
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

  /** Time of issue (epoch ms) of the newest obeyed unlock of this key's other runs; null if there is none. */
  newestIssueOfOtherBoots(key: string, boot: string): number | null {
    const newest = this.database.get(
      'SELECT max(issued_at) AS newest FROM boots WHERE key = ? AND boot <> ?',
      key,
      boot,
    )?.['newest'];
    return newest === null || newest === undefined ? null : Number(newest);
  }

  /** Number of unlocks obeyed from then until now. */
  obeyedBetween(from: number, now: number): number {
    const row = this.database.get('SELECT count(*) AS n FROM obeyed WHERE obeyed_at BETWEEN ? AND ?', from, now);
    return Number(row?.['n'] ?? 0);
  }

  /** Call it within `atomically`. A nonce that exists already is an error, whatever was checked before. */
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

  /** The latest time at which this actuator trusted its clock, epoch ms; 0 if none. */
  get floor(): number {
    return Number(this.database.get('SELECT floor FROM clock')?.['floor'] ?? 0);
  }

  raiseFloor(now: number): void {
    this.database.run(
      'INSERT INTO clock VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET floor = max(floor, excluded.floor)',
      Math.floor(now),
    );
  }

  /**
   * Deletes all times and runs, for a clock that was wrong and is now correct. Nonces stay, so that no copy is
   * accepted.
   */
  resetTime(): void {
    this.database.transaction(() => {
      this.database.exec('DELETE FROM clock; DELETE FROM boots');
    });
  }

  close(): void {
    this.database.close();
  }
}
