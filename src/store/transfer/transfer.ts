import { UsherError } from '../../errors';
import { canonicalIdentifier, spellingsOf } from '../../identifier';
import { checkFields, checkMemberId, type NewTemplate } from '../members/member';
import { vectorFault } from '../members/vector';
import type { Store } from '../store';
import { openContainer, sealContainer } from './container';
import { parseTransfer, templatesOf, type TransferMember, transferOf } from './document';

/**
 * What happens to a member of the file who already exists here. `refuse`: the whole import stops and names the member.
 */
export const CONFLICT_RULES = ['refuse', 'keep', 'replace'] as const;
export type ConflictRule = (typeof CONFLICT_RULES)[number];

export interface Imported {
  readonly added: readonly string[];
  readonly replaced: readonly string[];
  /** Already existed here and were not changed. */
  readonly kept: readonly string[];
  /** Were deleted here after their enrolment in the export: an old file does not undo a withdrawal. */
  readonly deletedHere: readonly string[];
}

/** All members with their templates, sealed under a passphrase. @throws UsherError `usage`, `store-unavailable` */
export function exportMembers(store: Store, passphrase: string, now: number): { bytes: Uint8Array; members: number } {
  const members = store.atomically(() =>
    store.members.list().map((member) => transferOf(member, store.templates.list(member.id))),
  );
  const plain = Buffer.from(JSON.stringify({ v: 1, at: now, members }), 'utf8');
  try {
    const bytes = sealContainer(plain, passphrase);
    store.ledger.append('transfer', { what: 'export', members: members.length });
    return { bytes, members: members.length };
  } finally {
    plain.fill(0);
  }
}

/**
 * Imports the members of an export, all or none.
 * @throws UsherError `data-invalid` (the file), `member-exists` (conflicts, naming them), `usage` (a field),
 * `store-unavailable`
 */
export function importMembers(
  store: Store,
  bytes: Uint8Array,
  {
    passphrase,
    onConflict,
    by,
  }: { readonly passphrase: string; readonly onConflict: ConflictRule; readonly by: string },
): Imported {
  const plain = openContainer(bytes, passphrase);
  const { members } = parseTransfer(plain);
  plain.fill(0);
  checkIdentifiers(members);
  return store.atomically(() => {
    const done = { added: [] as string[], replaced: [] as string[], kept: [] as string[], deletedHere: [] as string[] };
    const known = new Set(members.filter(({ id }) => store.members.idOf(id) !== null).map(({ id }) => id));
    if (known.size > 0 && onConflict === 'refuse') throw conflict([...known]);
    // First all deletions, then all additions: an identifier may move from one member to another.
    const coming = members.filter((member) => {
      if (known.has(member.id) && onConflict === 'keep') {
        done.kept.push(member.id);
        return false;
      }
      if (known.has(member.id)) store.members.remove(member.id, { by, reason: 'replaced' });
      else if (deletedSince(store, member)) {
        done.deletedHere.push(member.id);
        return false;
      }
      return true;
    });
    const shapes = new Map<string, number>();
    for (const member of coming) {
      const templates = templatesOf(member);
      for (const template of templates) requireShape(member.id, template, shapes, store);
      store.members.restore(fieldsOf(member), templates);
      (known.has(member.id) ? done.replaced : done.added).push(member.id);
    }
    const { added, replaced, kept, deletedHere } = done;
    store.ledger.append('transfer', {
      what: 'import',
      by,
      added: added.length,
      replaced: replaced.length,
      kept: kept.length,
      deletedHere: deletedHere.length,
    });
    return done;
  });
}

/**
 * Vectors of one space all have one length, here and in the file. Otherwise one member with another length would make
 * the gallery refuse to load.
 * @param shapes dimensions by space, as far as they are known; added to
 */
function requireShape(id: string, template: NewTemplate, shapes: Map<string, number>, store: Store): void {
  const { space, vector } = template;
  const dimensions = shapes.get(space) ?? store.templates.dimensionsOf(space) ?? vector.length;
  shapes.set(space, dimensions);
  const fault =
    vector.length === dimensions ? vectorFault(vector) : `${vector.length} dimensions instead of ${dimensions}`;
  if (fault !== null)
    throw new UsherError('data-invalid', `the export: a template of member ${id} has ${fault}`, {
      remedy:
        'Export again. If `usher members check` on the other box names this member, enrol the member again there. Nothing was imported.',
    });
}

function fieldsOf(member: TransferMember) {
  return { ...member, consent: member.consent ?? undefined };
}

/** `replaced` does not delete the person: the file that replaced them may be imported again. */
function deletedSince(store: Store, { id, enrolledAt }: TransferMember): boolean {
  return spellingsOf(id)
    .flatMap((spelling) => store.receipts.of(spelling))
    .some(({ at, reason }) => at >= enrolledAt && reason !== 'replaced');
}

/** An identifier may belong to one member only, also within the file. */
function checkIdentifiers(members: readonly TransferMember[]): void {
  const seen = new Set<string>();
  for (const member of members) {
    checkMemberId(member.id);
    checkFields(member.id, fieldsOf(member));
    for (const identifier of [member.id, ...new Set(member.duressIds)].map(canonicalIdentifier)) {
      if (seen.has(identifier))
        throw new UsherError('data-invalid', `the export: member ${member.id} shares an identifier with another`);
      seen.add(identifier);
    }
  }
}

function conflict(ids: readonly string[]): UsherError {
  const shown = ids.slice(0, 10).join(', ');
  return new UsherError(
    'member-exists',
    `${ids.length} members of the export already exist here: ${shown}${ids.length > 10 ? ', …' : ''}`,
    {
      remedy:
        'Add --on-conflict keep to keep the present members, or replace to use those of the file. Nothing was imported.',
    },
  );
}
