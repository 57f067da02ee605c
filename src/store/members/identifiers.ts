import { UsherError } from '../../errors';
import { canonicalIdentifier, spellingsOf } from '../../identifier';
import type { Database } from '../database/database';

/** Which member an identifier names: each is the id of one member or a duress id of one, in whatever way it is spelt. */

/** The id under which a member is stored; null if there is none. */
export function idOf(database: Database, id: string): string | null {
  const known = spellingsOf(id).find(
    (spelling) => database.get('SELECT 1 FROM members WHERE id = ?', spelling) !== undefined,
  );
  return known ?? null;
}

/** The member of this card; `duress` if it is an identifier that means "I am being forced". Decrypts nothing. */
export function whoseIdentifier(
  database: Database,
  identifier: string,
): { readonly id: string; readonly duress: boolean } | null {
  const own = idOf(database, identifier);
  if (own !== null) return { id: own, duress: false };
  for (const spelling of spellingsOf(identifier)) {
    const row = database.get('SELECT member FROM duress_ids WHERE identifier = ?', spelling);
    const id = row === undefined ? null : idOf(database, String(row['member']));
    if (id !== null) return { id, duress: true };
  }
  return null;
}

/** Replaces the member's duress ids. @throws UsherError `member-exists` */
export function writeDuressIds(database: Database, id: string, identifiers: readonly string[]): void {
  database.run('DELETE FROM duress_ids WHERE member = ?', id);
  for (const identifier of new Set(identifiers.map(canonicalIdentifier))) {
    requireFree(database, identifier, id);
    database.run('INSERT INTO duress_ids (identifier, member) VALUES (?, ?)', identifier, id);
  }
}

/**
 * Ensures that an identifier means one member, whether as id or under duress.
 * @param duressOf the member who gets it as duress id; null if it becomes a member id
 * @throws UsherError `member-exists`
 */
export function requireFree(database: Database, identifier: string, duressOf: string | null): void {
  if (idOf(database, identifier) !== null)
    throw duressOf === null
      ? new UsherError('member-exists', `member ${identifier} already exists`, {
          remedy: 'Choose another id, or add --replace to enrol this member again.',
        })
      : taken();
  for (const spelling of spellingsOf(identifier))
    if (database.get('SELECT 1 FROM duress_ids WHERE identifier = ?', spelling) !== undefined) throw taken();
}

/** Does not say whose: a duress id that a person types by chance must not be confirmed. */
function taken(): UsherError {
  return new UsherError('member-exists', 'this identifier is taken', { remedy: 'Choose another one.' });
}
