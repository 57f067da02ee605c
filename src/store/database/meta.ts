import type { Database } from './database';

/** Small facts about a box that must last. */
export function metaOf(database: Database, key: string): string | null {
  const row = database.get('SELECT value FROM meta WHERE key = ?', key);
  return row === undefined ? null : String(row['value']);
}

export function setMetaOf(database: Database, key: string, value: string): void {
  database.run('INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value', key, value);
}

export const TRUSTED_AT = 'retention.trusted-at';

/** The time for retention: a clock that is behind does not date anything before a date that was already trusted. */
export function stampOf(database: Database, now: number): number {
  return Math.max(now, Number(metaOf(database, TRUSTED_AT) ?? 0));
}
