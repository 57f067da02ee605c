import { DatabaseSync } from '@photostructure/sqlite';
import { chmodSync, closeSync, existsSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { UsherError } from '../../errors';
import { sqliteCode, storeUnavailable } from './failure';
import { giveToFolderOwner, makeFolder } from '../../files/owner';

/** Values that a statement takes and returns. */
export type SqlValue = string | number | bigint | null | Uint8Array;
export type Row = Readonly<Record<string, SqlValue>>;

export interface DatabaseOptions {
  readonly readonly: boolean;
  /** How long a statement waits for another process's transaction, ms. */
  readonly busyTimeoutMs: number;
  /** `wal`: readers do not wait for a writer. `delete`: a single file, for a database that is only a lock. */
  readonly journal: 'wal' | 'delete';
}

type Statement = ReturnType<InstanceType<typeof DatabaseSync>['prepare']>;

/**
 * One connection to one SQLite file. A committed transaction survives a power cut (`synchronous=FULL`); deleted content
 * is overwritten (`secure_delete`). Every failure is an `UsherError('store-unavailable')` that names the file.
 */
export class Database {
  private readonly statements = new Map<string, Statement>();
  private inTransaction = false;
  /** Number of transactions so far. */
  transactions = 0;

  private constructor(
    readonly file: string,
    private readonly readonly: boolean,
    private readonly inner: InstanceType<typeof DatabaseSync>,
  ) {}

  /** Opens the file; unless `readonly`, creates it with mode 0600 in a folder with mode 0700. */
  static open(file: string, options: DatabaseOptions): Database {
    try {
      if (options.readonly) requireFile(file);
      else createPrivately(file);
      const inner = new DatabaseSync(file, {
        readOnly: options.readonly,
        timeout: options.busyTimeoutMs,
        enableForeignKeyConstraints: true,
      });
      try {
        if (!options.readonly) inner.exec(`PRAGMA journal_mode = ${options.journal}`);
        inner.exec('PRAGMA synchronous = FULL; PRAGMA secure_delete = ON');
      } catch (error) {
        inner.close();
        throw error;
      }
      return new Database(file, options.readonly, inner);
    } catch (error) {
      throw storeUnavailable(file, error);
    }
  }

  /** Runs statements without parameters. */
  exec(sql: string): void {
    this.guard(() => this.inner.exec(sql));
  }

  /** Runs one statement. @returns the number of changed rows and the last row id */
  run(sql: string, ...values: readonly SqlValue[]): { changes: number; lastId: number } {
    return this.guard(() => {
      const { changes, lastInsertRowid } = this.prepare(sql).run(...values);
      return { changes, lastId: Number(lastInsertRowid) };
    });
  }

  get(sql: string, ...values: readonly SqlValue[]): Row | undefined {
    return this.guard(() => this.prepare(sql).get(...values) as Row | undefined);
  }

  all(sql: string, ...values: readonly SqlValue[]): readonly Row[] {
    return this.guard(() => this.prepare(sql).all(...values) as Row[]);
  }

  /** The value of a pragma, or of any statement with one number. */
  number(sql: string): number {
    const row = this.get(sql);
    return Number(row === undefined ? NaN : Object.values(row)[0]);
  }

  /**
   * Runs `work` in a transaction: rolled back if it throws or the commit fails. Synchronous; an inner transaction joins
   * the outer one.
   */
  transaction<T>(work: () => T): T {
    if (this.inTransaction) return work();
    this.exec('BEGIN IMMEDIATE');
    this.inTransaction = true;
    this.transactions++;
    try {
      const result = work();
      this.exec('COMMIT');
      return result;
    } catch (error) {
      this.rollback();
      throw error;
    } finally {
      this.inTransaction = false;
    }
  }

  /**
   * Moves the write-ahead log into the database, where deleted content is overwritten. False if that failed, for
   * example because of a reader in another process: committed data is committed, but the log is not empty yet.
   */
  truncateLog(): boolean {
    if (this.inTransaction) return false;
    try {
      return (
        Number((this.inner.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get() as Row | undefined)?.['busy'] ?? 1) === 0
      );
    } catch {
      // If it is more than a busy reader, the next write reports it.
      return false;
    }
  }

  /** Rewrites the whole file, so that no old content stays on free pages. False if another process uses the file. */
  rebuild(): boolean {
    if (this.inTransaction) return false;
    try {
      this.inner.exec('VACUUM');
      return true;
    } catch (error) {
      if (sqliteCode(error) === 'SQLITE_BUSY' || sqliteCode(error) === 'SQLITE_LOCKED') return false;
      throw storeUnavailable(this.file, error);
    }
  }

  /**
   * Releases every lock and leaves all data in the one file. The library finalises statements only at garbage
   * collection, and SQLite keeps a connection with open statements alive until then, so neither may wait for that.
   */
  close(): void {
    if (!this.inner.isOpen) return;
    this.rollback();
    if (!this.readonly) this.truncateLog();
    this.statements.clear();
    this.guard(() => this.inner.close());
  }

  /** After some failures (such as a full disk) SQLite has rolled back by itself; then nothing is left to undo. */
  private rollback(): void {
    try {
      if (this.inner.isTransaction) this.inner.exec('ROLLBACK');
    } catch {
      // Report the first failure; closing the connection undoes the rest.
    }
  }

  private prepare(sql: string): Statement {
    let statement = this.statements.get(sql);
    if (statement === undefined) {
      statement = this.inner.prepare(sql);
      this.statements.set(sql, statement);
    }
    return statement;
  }

  private guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw storeUnavailable(this.file, error);
    }
  }
}

function requireFile(file: string): void {
  if (!existsSync(file))
    throw new UsherError('store-unavailable', `there is no store at ${file}`, {
      remedy: 'Enrol a first member with `usher enroll`, or name the right folder with --data.',
    });
}

/** SQLite gives its journal files the mode of the database, so this mode applies to all. */
function createPrivately(file: string): void {
  makeFolder(dirname(file), 0o700);
  closeSync(openSync(file, 'a', 0o600));
  chmodSync(file, 0o600);
  // SQLite also gives its journal files the owner of the database.
  giveToFolderOwner(file);
}
