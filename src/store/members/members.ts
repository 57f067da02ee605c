import { messageOf, UsherError } from '../../errors';
import { damaged, isDamage } from '../keys/keyring';
import { canonicalIdentifier, spellingsOf } from '../../identifier';
import { DAY_MS } from '../clock/date-proof';
import type { Database, Row } from '../database/database';
import type { Ledger } from '../journal/ledger';
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
import type { MemberVault, Profile } from './member-vault';
import type { DeletionReason, DeletionReceipt, ReceiptStore } from './receipts';
import type { Scrubber } from '../database/scrub';
import type { TemplateStore } from './templates';

/** A member with what a list shows. */
export interface MemberSummary extends Member {
  /** Templates in all spaces. */
  readonly templates: number;
}

/** A member whose row, key or profile is not what was written. */
export interface DamagedMember {
  readonly id: string;
  readonly fault: string;
}

/** Who deletes, and why: both stand in the receipt. */
export interface Deletion {
  readonly by: string;
  readonly reason: DeletionReason;
}

/** Without an inner join: a member who has lost the key is there, and must be named. */
const SELECT =
  'SELECT members.*, wrapped, box_version FROM members LEFT JOIN member_keys ON member_keys.member = members.id';

/** Who may be recognised. Every method is one transaction, durable when it returns. */
export class MemberStore {
  constructor(
    private readonly database: Database,
    private readonly vault: MemberVault,
    private readonly templates: TemplateStore,
    private readonly receipts: ReceiptStore,
    private readonly scrubber: Scrubber,
    private readonly ledger: Ledger,
    private readonly now: () => number,
  ) {}

  /** @throws UsherError `member-exists`, `usage` (id, name or another field), `store-unavailable`, `key-unusable` */
  add(
    member: MemberFields & { readonly id: string; readonly name: string },
    templates: readonly NewTemplate[] = [],
  ): Member {
    return this.database.transaction(() => {
      const added = this.insert(member, templates);
      this.ledger.append('enrolment', {
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
    return this.database.transaction(() => {
      const at = stampOf(this.database, this.now());
      this.requireFree(id, null);
      this.database.run(
        `INSERT INTO members (id, status, profile, valid_from, valid_until, created_at, updated_at, enrolled_at)
         VALUES (?, ?, x'', ?, ?, ?, ?, ?)`,
        ...[id, status, validFrom, validUntil, at, at, at],
      );
      const key = this.vault.createKey(id);
      this.writeDuressIds(id, duressIds);
      this.writeProfile(id, { name, groups: [...groups], consent: consent ?? null }, key);
      key.fill(0);
      this.templates.add(id, templates);
      return this.get(id);
    });
  }

  /** Adds a member as another box had it: status and time of enrolment too. Recorded by who imports. @throws UsherError as `add` */
  restore(
    member: MemberFields & { id: string; name: string; status: MemberStatus; enrolledAt: number },
    templates: readonly NewTemplate[],
  ): void {
    this.database.transaction(() => {
      const { id } = this.insert(member, templates, member.status);
      // Not later than now: a time in the future would keep the member from ever counting as inactive.
      const enrolledAt = Math.min(member.enrolledAt, stampOf(this.database, this.now()));
      this.database.run('UPDATE members SET enrolled_at = ? WHERE id = ?', enrolledAt, id);
    });
  }

  /** Changes what is given. @throws UsherError `member-unknown`, `member-exists` (a duress id), `usage`, `store-unavailable` */
  update(given: string, change: MemberFields & { readonly status?: MemberStatus | undefined }): Member {
    return this.database.transaction(() => {
      const old = this.get(given);
      const { id } = old;
      const fields = checkFields(id, { validFrom: old.validFrom, validUntil: old.validUntil, ...stripped(change) });
      const { name = old.name, groups = old.groups, consent = old.consent } = fields;
      this.database.run(
        'UPDATE members SET status = ?, valid_from = ?, valid_until = ?, updated_at = ? WHERE id = ?',
        ...[change.status ?? old.status, fields.validFrom ?? null, fields.validUntil ?? null, this.now(), id],
      );
      if (fields.duressIds !== undefined) this.writeDuressIds(id, fields.duressIds);
      const key = this.vault.keyOf(id);
      this.writeProfile(id, { name, groups: [...groups], consent }, key);
      key.fill(0);
      this.recordUpdate(id, stripped(change));
      return this.get(id);
    });
  }

  /**
   * Removes a member and all that is sealed under its key, the key too, from the write-ahead log as well; a receipt stays.
   * @throws UsherError `member-unknown`, `store-unavailable`
   */
  remove(given: string, { by, reason }: Deletion): DeletionReceipt {
    const id = this.idOf(given) ?? given;
    const receipt = this.database.transaction(() => {
      const spaces = this.database.all(
        'SELECT space, count(*) AS n FROM templates WHERE member = ? GROUP BY space',
        id,
      );
      const count = (table: string): number =>
        Number(this.database.get(`SELECT count(*) AS n FROM ${table} WHERE member = ?`, id)?.['n'] ?? 0);
      const deleted = {
        keys: count('member_keys'),
        templates: spaces.reduce((sum, row) => sum + Number(row['n']), 0),
        spaces: spaces.map((row) => String(row['space'])),
        duressIds: count('duress_ids'),
      };
      if (this.database.run('DELETE FROM members WHERE id = ?', id).changes === 0) throw memberUnknown(id);
      this.scrubber.note();
      const receipt = this.receipts.add(id, { at: this.now(), by, reason, deleted });
      // What an import replaces is in the record of the import.
      if (reason !== 'replaced')
        this.ledger.append('deletion', {
          member: id,
          by,
          reason,
          templates: deleted.templates,
          receipt: receipt.member,
        });
      return receipt;
    });
    this.templates.forget(id);
    this.scrubber.run();
    return receipt;
  }

  /** Notes a grant, to the day: one write a member and day. Unknown members are none. */
  markSeen(id: string, at: number): void {
    const day = Math.floor(stampOf(this.database, at) / DAY_MS) * DAY_MS;
    const row = this.database.get('SELECT last_seen_at FROM members WHERE id = ?', id);
    if (row === undefined || Number(row['last_seen_at'] ?? -Infinity) >= day) return;
    this.database.run('UPDATE members SET last_seen_at = ? WHERE id = ?', day, id);
  }

  /** No time that retention counts from lies in the future: after a clock that was ahead. */
  limitStamps(now: number): void {
    this.database.run(
      'UPDATE members SET enrolled_at = min(enrolled_at, ?1), last_seen_at = min(last_seen_at, ?1)',
      Math.floor(now),
    );
  }

  /** In whatever way the id is spelt. */
  find(id: string): Member | null {
    for (const spelling of spellingsOf(id)) {
      const row = this.database.get(`${SELECT} WHERE members.id = ?`, spelling);
      if (row !== undefined) return this.memberOf(row);
    }
    return null;
  }

  /** The id under which a member is kept; null where there is none. */
  idOf(id: string): string | null {
    const known = spellingsOf(id).find(
      (spelling) => this.database.get('SELECT 1 FROM members WHERE id = ?', spelling) !== undefined,
    );
    return known ?? null;
  }

  /** Whose card says this; `duress` when it is an identifier that means "I am being forced". Opens nothing of the member. */
  whose(identifier: string): { readonly id: string; readonly duress: boolean } | null {
    const own = this.idOf(identifier);
    if (own !== null) return { id: own, duress: false };
    for (const spelling of spellingsOf(identifier)) {
      const row = this.database.get('SELECT member FROM duress_ids WHERE identifier = ?', spelling);
      const id = row === undefined ? null : this.idOf(String(row['member']));
      if (id !== null) return { id, duress: true };
    }
    return null;
  }

  /** As `whose`, with the member. @throws UsherError `member-damaged`, `store-unavailable`, `key-unusable` */
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

  /** The id itself, of a member who is there, whatever state the rest is in. @throws UsherError `member-unknown` */
  require(id: string): string {
    if (this.database.get('SELECT 1 FROM members WHERE id = ?', id) === undefined) throw memberUnknown(id);
    return id;
  }

  /** All members, ordered by id. Opens every profile: for people, not for doors. @throws UsherError `member-damaged` */
  list(): MemberSummary[] {
    const { members, damaged: bad } = this.survey();
    if (bad[0] !== undefined) throw damaged(bad[0].id, 'what is stored');
    return members;
  }

  /** All members who can be read, and those who cannot; both ordered by id. @throws UsherError `store-unavailable`, `key-unusable` */
  survey(): { readonly members: MemberSummary[]; readonly damaged: DamagedMember[] } {
    const members: MemberSummary[] = [];
    const bad: DamagedMember[] = [];
    for (const row of this.database.all(`${SELECT} ORDER BY members.id`)) {
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

  /** Of everybody, suspended ones too. */
  ids(): string[] {
    return this.database.all('SELECT id FROM members').map((row) => String(row['id']));
  }

  count(): number {
    return this.database.number('SELECT count(*) FROM members');
  }

  /** Ids of the members who may be recognised: one pass over one table, for the daemon, which asks at every change. */
  activeIds(): string[] {
    return this.database.all(`SELECT id FROM members WHERE status = 'active'`).map((row) => String(row['id']));
  }

  /** Who was last seen or enrolled before the one time, or was valid up to before the other; null: nobody for that reason. */
  overdue(
    inactiveBefore: number | null,
    expiredBefore: number | null,
  ): { id: string; reason: 'expired' | 'inactive' }[] {
    const ids = (condition: string, before: number | null): string[] =>
      before === null
        ? []
        : this.database
            .all(`SELECT id FROM members WHERE ${condition} < ? ORDER BY id`, before)
            .map((row) => String(row['id']));
    const expired = ids('valid_until', expiredBefore);
    const inactive = ids('max(enrolled_at, coalesce(last_seen_at, enrolled_at))', inactiveBefore);
    return [
      ...expired.map((id) => ({ id, reason: 'expired' as const })),
      ...inactive.filter((id) => !expired.includes(id)).map((id) => ({ id, reason: 'inactive' as const })),
    ];
  }

  /** Which fields were changed, without what is personal in them. */
  private recordUpdate(id: string, { consent, ...change }: Parameters<MemberStore['update']>[1]): void {
    if (consent !== undefined) this.ledger.append('consent', { member: id, text: consent.textVersion });
    const fields = Object.keys(change).sort();
    if (fields.length > 0) this.ledger.append('member', { member: id, fields, status: change.status ?? null });
  }

  /** After everything that the profile vouches for. */
  private writeProfile(id: string, profile: Profile, key: Uint8Array): void {
    const row = this.database.get('SELECT status, valid_from, valid_until FROM members WHERE id = ?', id);
    if (row === undefined) throw memberUnknown(id);
    const sealed = this.vault.sealProfile(id, profile, rightsIn(this.database, id, row), key);
    this.database.run('UPDATE members SET profile = ? WHERE id = ?', sealed, id);
  }

  private writeDuressIds(id: string, identifiers: readonly string[]): void {
    this.database.run('DELETE FROM duress_ids WHERE member = ?', id);
    for (const identifier of new Set(identifiers.map(canonicalIdentifier))) {
      this.requireFree(identifier, id);
      this.database.run('INSERT INTO duress_ids (identifier, member) VALUES (?, ?)', identifier, id);
    }
  }

  /** An identifier means one member, whether as id or under duress. */
  private requireFree(identifier: string, duressOf: string | null): void {
    if (this.idOf(identifier) !== null)
      throw duressOf === null
        ? new UsherError('member-exists', `there is already a member ${identifier}`, {
            remedy: 'Choose another id, or add --replace to enrol this member again.',
          })
        : taken();
    for (const spelling of spellingsOf(identifier))
      if (this.database.get('SELECT 1 FROM duress_ids WHERE identifier = ?', spelling) !== undefined) throw taken();
  }

  private memberOf(row: Row): Member {
    const id = String(row['id']);
    const key = this.vault.unwrap(id, row);
    const rights = rightsIn(this.database, id, row);
    const { name, groups, consent } = this.vault.openProfile(id, row['profile'] as Uint8Array, rights, key);
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

/** Not whose: a duress id that somebody types by chance must not be confirmed. */
function taken(): UsherError {
  return new UsherError('member-exists', 'this identifier is taken', { remedy: 'Choose another one.' });
}

function stripped<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
