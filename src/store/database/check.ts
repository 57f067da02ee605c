import type { Database } from './database';

/** Rows that belong to a member who does not exist. */
export interface Orphans {
  readonly table: 'member_keys' | 'duress_ids' | 'templates';
  readonly member: string;
  readonly rows: number;
}

const TABLES = ['member_keys', 'duress_ids', 'templates'] as const;
/** Enough to recognise the kind of damage. */
const FINDINGS_MAX = 20;

/** SQLite's own check of the file, more thorough than at every start. Reads the whole file. */
export class StoreCheck {
  constructor(private readonly database: Database) {}

  /** Empty for an undamaged file. */
  integrity(): string[] {
    return this.database
      .all(`PRAGMA integrity_check(${FINDINGS_MAX})`)
      .map((row) => String(Object.values(row)[0]))
      .filter((line) => line !== 'ok');
  }

  /** Caused by a flipped id or a row that was deleted outside usher: foreign keys protect what usher itself writes. */
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
