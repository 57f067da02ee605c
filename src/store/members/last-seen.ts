import { DAY_MS } from '../clock/date-proof';
import type { Database } from '../database/database';
import { stampOf } from '../database/meta';

/** When members were last seen, and whose time is up: what retention counts from. */

/** Notes a grant, to the day: one write a member and day. Unknown members are none. */
export function markSeen(database: Database, id: string, at: number): void {
  const day = Math.floor(stampOf(database, at) / DAY_MS) * DAY_MS;
  const row = database.get('SELECT last_seen_at FROM members WHERE id = ?', id);
  if (row === undefined || Number(row['last_seen_at'] ?? -Infinity) >= day) return;
  database.run('UPDATE members SET last_seen_at = ? WHERE id = ?', day, id);
}

/** No time that retention counts from lies in the future: after a clock that was ahead. */
export function limitStamps(database: Database, now: number): void {
  database.run(
    'UPDATE members SET enrolled_at = min(enrolled_at, ?1), last_seen_at = min(last_seen_at, ?1)',
    Math.floor(now),
  );
}

/** Who was last seen or enrolled before the one time, or was valid up to before the other; null: nobody for that reason. */
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
