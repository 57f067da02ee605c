import { join } from 'node:path';
import { UsherError } from '../errors';
import { Database } from './database/database';
import { sqliteCode } from './database/failure';

export interface DaemonLock {
  release(): void;
}

const FILE = 'daemon-lock.db';

/** Two daemons that write their pid at the same moment overwrite each other; the one that gets the lock tries again. */
const ATTEMPTS = 5;

/**
 * Keeps a second daemon away from a data folder: two would both decide about the same door. The lock is SQLite's
 * reserved lock on a separate file, held by a transaction that never ends. The kernel releases it with the process,
 * even after `kill -9`, so there is no stale lock to clean up; and the pid in the file stays readable.
 * @throws UsherError `store-locked` with the holder's pid, `store-unavailable`
 */
export function holdDaemonLock(dataDir: string, pid: number = process.pid): DaemonLock {
  const file = join(dataDir, FILE);
  const database = Database.open(file, { readonly: false, busyTimeoutMs: 200, journal: 'delete' });
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      database.transaction(() => {
        database.exec(
          'CREATE TABLE IF NOT EXISTS holder (one INTEGER PRIMARY KEY CHECK (one = 1), pid INTEGER NOT NULL)',
        );
        database.run('REPLACE INTO holder VALUES (1, ?)', pid);
      });
      database.exec('BEGIN IMMEDIATE');
      if (holderOf(database) === pid) return { release: () => database.close() };
      database.exec('ROLLBACK');
    }
    throw locked(dataDir, holderOf(database));
  } catch (error) {
    const busy = error instanceof UsherError && sqliteCode(error.cause) === 'SQLITE_BUSY';
    const holder = busy ? holderOf(database) : null;
    database.close();
    throw busy ? locked(dataDir, holder) : error;
  }
}

function holderOf(database: Database): number | null {
  try {
    const row = database.get('SELECT pid FROM holder');
    return row === undefined ? null : Number(row['pid']);
  } catch {
    return null;
  }
}

function locked(dataDir: string, holder: number | null): UsherError {
  const who = holder === null ? 'another usher process' : `the usher process ${holder}`;
  return new UsherError('store-locked', `${who} already runs on the data folder ${dataDir}`, {
    remedy: 'Stop it first (systemctl stop usher), or give this process another dataDir.',
  });
}
