import type { Database } from './database';

/**
 * Sees to it that what was deleted leaves the files too. SQLite overwrites deleted content in the database
 * (`secure_delete`), but the write-ahead log holds earlier pages until it is emptied, which a reader of another process can put
 * off. So the deletion itself notes that this is due, and only an emptied log takes the note back: after a crash or a busy
 * reader the next start, sweep or deletion does it.
 */
export class Scrubber {
  constructor(private readonly database: Database) {}

  /** In the transaction that deletes. `rebuild`: the file itself may hold what was in the clear. */
  note(what: 'log' | 'rebuild' = 'log'): void {
    this.database.run(
      "INSERT INTO meta VALUES ('scrub', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE value = 'log'",
      what,
    );
  }

  /** True when nothing is due any more. Never throws for a busy reader. */
  run(): boolean {
    const due = this.database.get("SELECT value FROM meta WHERE key = 'scrub'")?.['value'];
    if (due === undefined) return true;
    if (due === 'rebuild' && !this.database.rebuild()) return false;
    if (!this.database.truncateLog()) return false;
    this.database.run("DELETE FROM meta WHERE key = 'scrub'");
    return true;
  }
}
