import { messageOf } from '../../errors';
import { damaged, isDamage } from '../keys/keyring';
import { canonicalIdentifier, spellingsOf } from '../../identifier';
import type { Row } from '../database/database';
import {
  checkFields,
  checkMemberId,
  checkMemberName,
  type Member,
  type MemberFields,
  type MemberStatus,
  memberUnknown,
  type NewTemplate,
} from './member';
import { stampOf } from '../database/meta';
import { rightsIn, timeIn } from './clear-rights';
import { idOf, requireFree, whoseIdentifier, writeDuressIds } from './identifiers';
import { limitStamps, markSeen, overdue } from './last-seen';
import type { Profile } from './member-vault';
import type { StoreParts } from './parts';
import { dataOf, type DeletionReason, type DeletionReceipt, type ReceiptStore } from './receipts';
import type { TemplateStore } from './templates';

/** A member with the data of a list. */
export interface MemberSummary extends Member {
  /** Templates in all spaces. */
  readonly templates: number;
}

/** A member whose row, key or profile was changed outside usher. */
export interface DamagedMember {
  readonly id: string;
  readonly fault: string;
}

/** Who deletes, and why. Both are in the receipt. */
export interface Deletion {
  readonly by: string;
  readonly reason: DeletionReason;
}

/** Without an inner join: a member who lost the key exists and must be named. */
const SELECT =
  'SELECT members.*, wrapped, box_version FROM members LEFT JOIN member_keys ON member_keys.member = members.id';

/** The members who may be recognised. Every method is one transaction, durable when it returns. */
export class MemberStore {
  constructor(
    private readonly parts: StoreParts,
    private readonly templates: TemplateStore,
    private readonly receipts: ReceiptStore,
  ) {}

  /** @throws UsherError `member-exists`, `usage` (id, name or another field), `store-unavailable`, `key-unusable` */
  add(
    member: MemberFields & { readonly id: string; readonly name: string },
    templates: readonly NewTemplate[] = [],
  ): Member {
    return this.parts.database.transaction(() => {
      const added = this.insert(member, templates);
      this.parts.ledger.append('enrolment', {
        member: added.id,
        templates: templates.length,
        again: false,
        consentText: added.consent?.textVersion ?? null,
      });
      return added;
    });
  }

  private insert(
    member: MemberFields & { readonly id: string; readonly name: string },
    templates: readonly NewTemplate[],
    status: MemberStatus = 'active',
  ): Member {
    const id = canonicalIdentifier(checkMemberId(member.id));
    const name = checkMemberName(member.name);
    const { groups = [], validFrom = null, validUntil = null, duressIds = [], consent } = checkFields(id, member);
    return this.parts.database.transaction(() => {
      const at = stampOf(this.parts.database, this.parts.now());
      requireFree(this.parts.database, id, null);
      this.parts.database.run(
        `INSERT INTO members (id, status, profile, valid_from, valid_until, created_at, updated_at, enrolled_at)
         VALUES (?, ?, x'', ?, ?, ?, ?, ?)`,
        ...[id, status, validFrom, validUntil, at, at, at],
      );
      const key = this.parts.vault.createKey(id);
      writeDuressIds(this.parts.database, id, duressIds);
      this.writeProfile(id, { name, groups: [...groups], consent: consent ?? null }, key);
      key.fill(0);
      this.templates.add(id, templates);
      return this.get(id);
    });
  }

  /** Adds a member as on another box, with status and time of enrolment. The import records it. @throws as `add` */
  restore(
    member: MemberFields & { id: string; name: string; status: MemberStatus; enrolledAt: number },
    templates: readonly NewTemplate[],
  ): void {
    this.parts.database.transaction(() => {
      const { id } = this.insert(member, templates, member.status);
      // Not later than now: with a time in the future the member would never count as inactive.
      const enrolledAt = Math.min(member.enrolledAt, stampOf(this.parts.database, this.parts.now()));
      this.parts.database.run('UPDATE members SET enrolled_at = ? WHERE id = ?', enrolledAt, id);
    });
  }

  /** @throws UsherError `member-unknown`, `member-exists` (a duress id), `usage`, `store-unavailable` */
  update(given: string, change: MemberFields & { readonly status?: MemberStatus | undefined }): Member {
    return this.parts.database.transaction(() => {
      const old = this.get(given);
      const { id } = old;
      const fields = checkFields(id, { validFrom: old.validFrom, validUntil: old.validUntil, ...stripped(change) });
      const { name = old.name, groups = old.groups, consent = old.consent } = fields;
      this.parts.database.run(
        'UPDATE members SET status = ?, valid_from = ?, valid_until = ?, updated_at = ? WHERE id = ?',
        ...[change.status ?? old.status, fields.validFrom ?? null, fields.validUntil ?? null, this.parts.now(), id],
      );
      if (fields.duressIds !== undefined) writeDuressIds(this.parts.database, id, fields.duressIds);
      const key = this.parts.vault.keyOf(id);
      this.writeProfile(id, { name, groups: [...groups], consent }, key);
      key.fill(0);
      this.recordUpdate(id, stripped(change));
      return this.get(id);
    });
  }

  /**
   * Deletes a member, all data that its key seals, and the key, also from the write-ahead log. A receipt stays.
   * @throws UsherError `member-unknown`, `store-unavailable`
   */
  remove(given: string, { by, reason }: Deletion): DeletionReceipt {
    const id = this.idOf(given) ?? given;
    const receipt = this.parts.database.transaction(() => {
      const deleted = dataOf(this.parts.database, id);
      if (this.parts.database.run('DELETE FROM members WHERE id = ?', id).changes === 0) throw memberUnknown(id);
      this.parts.scrubber.note();
      const receipt = this.receipts.add(id, { at: this.parts.now(), by, reason, deleted });
      // What an import replaces is in the record of the import.
      if (reason !== 'replaced')
        this.parts.ledger.append('deletion', {
          member: id,
          by,
          reason,
          templates: deleted.templates,
          receipt: receipt.member,
        });
      return receipt;
    });
    this.templates.forget(id);
    this.parts.scrubber.run();
    return receipt;
  }

  /** Records the day of a grant: one write for each member and day. Unknown members are ignored. */
  markSeen(id: string, at: number): void {
    markSeen(this.parts.database, id, at);
  }

  /** No retention time may lie in the future, for example after a clock that was ahead. */
  limitStamps(now: number): void {
    limitStamps(this.parts.database, now);
  }

  /** In any spelling of the id. */
  find(id: string): Member | null {
    for (const spelling of spellingsOf(id)) {
      const row = this.parts.database.get(`${SELECT} WHERE members.id = ?`, spelling);
      if (row !== undefined) return this.memberOf(row);
    }
    return null;
  }

  /** The id under which a member is stored; null if there is none. */
  idOf(id: string): string | null {
    return idOf(this.parts.database, id);
  }

  /** The member of this card; `duress` if it is an identifier that means "I am being forced". Decrypts nothing. */
  whose(identifier: string): { readonly id: string; readonly duress: boolean } | null {
    return whoseIdentifier(this.parts.database, identifier);
  }

  /** Like `whose`, with the member. @throws UsherError `member-damaged`, `store-unavailable`, `key-unusable` */
  findByIdentifier(identifier: string): { readonly member: Member; readonly duress: boolean } | null {
    const found = this.whose(identifier);
    return found === null ? null : { member: this.get(found.id), duress: found.duress };
  }

  /** @throws UsherError `member-unknown`, `store-unavailable`, `key-unusable` */
  get(id: string): Member {
    const member = this.find(id);
    if (member === null) throw memberUnknown(id);
    return member;
  }

  /** The stored id of an existing member, whatever state the other data is in. @throws UsherError `member-unknown` */
  require(id: string): string {
    if (this.parts.database.get('SELECT 1 FROM members WHERE id = ?', id) === undefined) throw memberUnknown(id);
    return id;
  }

  /** All members, ordered by id. Decrypts every profile, so not for doors. @throws UsherError `member-damaged` */
  list(): MemberSummary[] {
    const { members, damaged: bad } = this.survey();
    if (bad[0] !== undefined) throw damaged(bad[0].id, 'the stored data');
    return members;
  }

  /**
   * All readable members, and those that are damaged; both ordered by id. @throws UsherError `store-unavailable`,
   * `key-unusable`
   */
  survey(): { readonly members: MemberSummary[]; readonly damaged: DamagedMember[] } {
    const members: MemberSummary[] = [];
    const bad: DamagedMember[] = [];
    for (const row of this.parts.database.all(`${SELECT} ORDER BY members.id`)) {
      const id = String(row['id']);
      try {
        members.push({ ...this.memberOf(row), templates: this.templates.countOf(id) });
      } catch (error) {
        if (!isDamage(error)) throw error;
        bad.push({ id, fault: messageOf(error) });
      }
    }
    return { members, damaged: bad };
  }

  /** Of all members, including suspended ones. */
  ids(): string[] {
    return this.parts.database.all('SELECT id FROM members').map((row) => String(row['id']));
  }

  count(): number {
    return this.parts.database.number('SELECT count(*) FROM members');
  }

  /** Ids of the members who may be recognised: one pass over one table, since the daemon reads it at every change. */
  activeIds(): string[] {
    return this.parts.database.all(`SELECT id FROM members WHERE status = 'active'`).map((row) => String(row['id']));
  }

  /**
   * Members who were last seen or enrolled before the first time, or whose validity ended before the second. Null
   * disables a rule.
   */
  overdue(
    inactiveBefore: number | null,
    expiredBefore: number | null,
  ): { id: string; reason: 'expired' | 'inactive' }[] {
    return overdue(this.parts.database, inactiveBefore, expiredBefore);
  }

  /** Records which fields were changed, without personal data in them. */
  private recordUpdate(id: string, { consent, ...change }: Parameters<MemberStore['update']>[1]): void {
    if (consent !== undefined) this.parts.ledger.append('consent', { member: id, text: consent.textVersion });
    const fields = Object.keys(change).sort();
    if (fields.length > 0) this.parts.ledger.append('member', { member: id, fields, status: change.status ?? null });
  }

  /** Call it after writing everything that the profile seals. */
  private writeProfile(id: string, profile: Profile, key: Uint8Array): void {
    const row = this.parts.database.get('SELECT status, valid_from, valid_until FROM members WHERE id = ?', id);
    if (row === undefined) throw memberUnknown(id);
    const sealed = this.parts.vault.sealProfile(id, profile, rightsIn(this.parts.database, id, row), key);
    this.parts.database.run('UPDATE members SET profile = ? WHERE id = ?', sealed, id);
  }

  private memberOf(row: Row): Member {
    const id = String(row['id']);
    const key = this.parts.vault.unwrap(id, row);
    const rights = rightsIn(this.parts.database, id, row);
    const { name, groups, consent } = this.parts.vault.openProfile(id, row['profile'] as Uint8Array, rights, key);
    key.fill(0);
    return {
      id,
      name,
      status: row['status'] as MemberStatus,
      groups,
      validFrom: rights.validFrom,
      validUntil: rights.validUntil,
      duressIds: rights.duressIds,
      consent,
      createdAt: Number(row['created_at']),
      updatedAt: Number(row['updated_at']),
      enrolledAt: Number(row['enrolled_at']),
      lastSeenAt: timeIn(row, 'last_seen_at'),
    };
  }
}

function stripped<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
