import { join } from 'node:path';
import { UsherError } from '../errors';
import { Database } from './database';
import { MemberStore } from './members';
import { migrate } from './migrations';
import { PLAIN_CODEC } from './template-codec';
import { TemplateStore } from './templates';

export interface StoreOptions {
  /** For commands that only show; also works while the daemon runs, as everything here does. */
  readonly readonly?: boolean;
  readonly now?: () => number;
}

const FILE = 'usher.db';

/** Long enough for another command's transaction, short enough that the daemon's control process is not held up for long. */
const BUSY_TIMEOUT_MS = 2000;

/**
 * What must last, in `usher.db` of the data folder. Several processes may have it open: `usher enroll` writes while the
 * daemon runs, which learns of it by `changedElsewhere`.
 */
export class Store {
  readonly templates: TemplateStore;
  readonly members: MemberStore;

  private constructor(
    private readonly database: Database,
    private dataVersion: number,
    now: () => number,
  ) {
    this.templates = new TemplateStore(database, PLAIN_CODEC, now);
    this.members = new MemberStore(database, this.templates, now);
  }

  /**
   * Opens the store, creates or migrates it unless `readonly`, and checks that it is whole.
   * @throws UsherError `store-unavailable`: missing, damaged, newer than this usher, no permission, disk full or read-only
   */
  static open(dataDir: string, { readonly = false, now = Date.now }: StoreOptions = {}): Store {
    const database = Database.open(join(dataDir, FILE), { readonly, busyTimeoutMs: BUSY_TIMEOUT_MS, journal: 'wal' });
    try {
      requireWhole(database);
      migrate(database, { readonly });
      return new Store(database, database.number('PRAGMA data_version'), now);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  get file(): string {
    return this.database.file;
  }

  /** True once after other connections committed something since the last call (https://sqlite.org/pragma.html#pragma_data_version). */
  changedElsewhere(): boolean {
    const version = this.database.number('PRAGMA data_version');
    if (version === this.dataVersion) return false;
    this.dataVersion = version;
    return true;
  }

  /** Several changes as one: all of them or none. `work` is synchronous. */
  atomically<T>(work: () => T): T {
    return this.database.transaction(work);
  }

  /** A small fact about this box that must outlive it. */
  meta(key: string): string | null {
    const row = this.database.get('SELECT value FROM meta WHERE key = ?', key);
    return row === undefined ? null : String(row['value']);
  }

  setMeta(key: string, value: string): void {
    this.database.run(
      'INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
      key,
      value,
    );
  }

  close(): void {
    this.database.close();
  }
}

function requireWhole(database: Database): void {
  const [row] = database.all('PRAGMA quick_check(1)');
  const verdict = row === undefined ? 'no answer' : String(Object.values(row)[0]);
  if (verdict !== 'ok')
    throw new UsherError('store-unavailable', `the store ${database.file} is damaged (${verdict})`, {
      remedy: 'Put back a backup, or move the file away and enrol the members again.',
    });
}
