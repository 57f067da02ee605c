import { DAY_MS } from '../clock/date-proof';
import type { Database } from '../database/database';
import { stampOf } from '../database/meta';

/** When members were last seen, and whose time is up: what retention counts from. */

/** Records the day of a grant: one write for each member and day. Unknown members are ignored. */
export function markSeen(database: Database, id: string, at: number): void {
  const day = Math.floor(stampOf(database, at) / DAY_MS) * DAY_MS;
  const row = database.get('SELECT last_seen_at FROM members WHERE id = ?', id);
  if (row === undefined || Number(row['last_seen_at'] ?? -Infinity) >= day) return;
  database.run('UPDATE members SET last_seen_at = ? WHERE id = ?', day, id);
}

/** No retention time may lie in the future, for example after a clock that was ahead. */
export function limitStamps(database: Database, now: number): void {
  database.run(
    'UPDATE members SET enrolled_at = min(enrolled_at, ?1), last_seen_at = min(last_seen_at, ?1)',
    Math.floor(now),
  );
}

/**
 * Members who were last seen or enrolled before the first time, or whose validity ended before the second. Null
 * disables a rule.
 */
export function overdue(
  database: Database,
  inactiveBefore: number | null,
  expiredBefore: number | null,
): { id: string; reason: 'expired' | 'inactive' }[] {
  const ids = (condition: string, before: number | null): string[] =>
    before === null
      ? []
      : database
          .all(`SELECT id FROM members WHERE ${condition} < ? ORDER BY id`, before)
          .map((row) => String(row['id']));
  const expired = ids('valid_until', expiredBefore);
  const inactive = ids('max(enrolled_at, coalesce(last_seen_at, enrolled_at))', inactiveBefore);
  return [
    ...expired.map((id) => ({ id, reason: 'expired' as const })),
    ...inactive.filter((id) => !expired.includes(id)).map((id) => ({ id, reason: 'inactive' as const })),
  ];
}
