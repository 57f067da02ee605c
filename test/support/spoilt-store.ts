import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { Database } from '../../src/store/database/database';

/** Harms the members' store of a running daemon, as a failing disk or a wrong hand would, and mends it. */
export class SpoiltStore {
  private undo: () => void = () => undefined;

  constructor(private readonly file: string) {}

  /** Overwrites the root page of the members' table. */
  damage(): void {
    this.atOnce((database) => {
      const size = database.number('PRAGMA page_size');
      const page = database.number("SELECT rootpage FROM sqlite_schema WHERE name = 'members'");
      // Everything into the one file, so that what is overwritten is what is read.
      database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      const whole = readAt(this.file, (page - 1) * size, size);
      const bits = Buffer.alloc(size, 0xa5);
      writeAt(this.file, (page - 1) * size, bits);
      this.undo = () => writeAt(this.file, (page - 1) * size, whole);
      touch(database);
    });
  }

  takeTableAway(): void {
    this.atOnce((database) => {
      database.exec('PRAGMA legacy_alter_table = ON; ALTER TABLE members RENAME TO lost');
      this.undo = () =>
        this.atOnce((mending) => mending.exec('PRAGMA legacy_alter_table = ON; ALTER TABLE lost RENAME TO members'));
    });
  }

  mend(): void {
    this.undo();
    this.undo = () => undefined;
    this.atOnce(touch);
  }

  private atOnce(work: (database: Database) => void): void {
    const database = Database.open(this.file, { readonly: false, busyTimeoutMs: 5000, journal: 'wal' });
    try {
      work(database);
    } finally {
      database.close();
    }
  }
}

/** A commit, so that every other connection drops the pages that it remembers. */
function touch(database: Database): void {
  database.run("INSERT INTO meta VALUES ('test', '') ON CONFLICT (key) DO UPDATE SET value = value || '.'");
}

function readAt(file: string, at: number, length: number): Buffer {
  const fd = openSync(file, 'r');
  const bytes = Buffer.alloc(length);
  readSync(fd, bytes, 0, length, at);
  closeSync(fd);
  return bytes;
}

function writeAt(file: string, at: number, bytes: Buffer): void {
  const fd = openSync(file, 'r+');
  writeSync(fd, bytes, 0, bytes.length, at);
  closeSync(fd);
}
