import type { Database, Row } from '../database/database';
import type { ClearRights } from './member-vault';

export const timeIn = (row: Row, column: string): number | null => (row[column] === null ? null : Number(row[column]));

/**
 * The rights in a member's unencrypted columns and duress ids. @param row with `status`, `valid_from` and `valid_until`
 */
export function rightsIn(database: Database, id: string, row: Row): ClearRights {
  return {
    status: String(row['status']),
    validFrom: timeIn(row, 'valid_from'),
    validUntil: timeIn(row, 'valid_until'),
    duressIds: database
      .all('SELECT identifier FROM duress_ids WHERE member = ? ORDER BY identifier', id)
      .map((each) => String(each['identifier'])),
  };
}
