import type { Database } from './database';

/** Rows that name a member who is not there. */
export interface Orphans {
  readonly table: 'member_keys' | 'duress_ids' | 'templates';
  readonly member: string;
  readonly rows: number;
}

const TABLES = ['member_keys', 'duress_ids', 'templates'] as const;
/** Enough to see what kind of damage it is. */
const FINDINGS_MAX = 20;

/** What SQLite itself can tell of its file, more thoroughly than at every start. Reads all of it. */
export class StoreCheck {
  constructor(private readonly database: Database) {}

  /** Empty for a whole file. */
  integrity(): string[] {
    return this.database
      .all(`PRAGMA integrity_check(${FINDINGS_MAX})`)
      .map((row) => String(Object.values(row)[0]))
      .filter((line) => line !== 'ok');
  }

  /** A flipped id, or a row that was deleted outside usher: the foreign keys hold for what usher writes itself. */
  orphans(): Orphans[] {
    return TABLES.flatMap((table) =>
      this.database
        .all(`SELECT member, count(*) AS n FROM ${table} WHERE member NOT IN (SELECT id FROM members) GROUP BY member`)
        .map((row) => ({ table, member: String(row['member']), rows: Number(row['n']) })),
    );
  }

  removeOrphans(): void {
    this.database.transaction(() => {
      for (const table of TABLES)
        this.database.run(`DELETE FROM ${table} WHERE member NOT IN (SELECT id FROM members)`);
    });
  }
}
