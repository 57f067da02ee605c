import type { Database } from './database';

/**
 * Makes sure that deleted data also leaves the files. SQLite overwrites deleted content in the database
 * (`secure_delete`), but the write-ahead log contains earlier pages until it is emptied, which a reader in another
 * process can delay. The deletion therefore records that scrubbing is due, and only an emptied log clears that record:
 * after a crash or a busy reader, the next start, sweep or deletion does it.
 */
export class Scrubber {
  constructor(private readonly database: Database) {}

  /** Call it in the transaction that deletes. `rebuild`: the file itself may contain unencrypted data. */
  note(what: 'log' | 'rebuild' = 'log'): void {
    this.database.run(
      "INSERT INTO meta VALUES ('scrub', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE value = 'log'",
      what,
    );
  }

  /** True if nothing is due any more. Never throws because of a busy reader. */
  run(): boolean {
    const due = this.database.get("SELECT value FROM meta WHERE key = 'scrub'")?.['value'];
    if (due === undefined) return true;
    if (due === 'rebuild' && !this.database.rebuild()) return false;
    if (!this.database.truncateLog()) return false;
    this.database.run("DELETE FROM meta WHERE key = 'scrub'");
    return true;
  }
}
