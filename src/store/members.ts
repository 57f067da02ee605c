import { UsherError } from '../errors';
import type { Database, Row } from './database';
import {
  checkMemberId,
  checkMemberName,
  type Member,
  memberUnknown,
  type MemberStatus,
  type NewTemplate,
} from './member';
import type { TemplateStore } from './templates';

/** A member with what a list shows. */
export interface MemberSummary extends Member {
  /** Templates in all spaces. */
  readonly templates: number;
}

/** Who may be recognised. Every method is one transaction, durable when it returns. */
export class MemberStore {
  constructor(
    private readonly database: Database,
    private readonly templates: TemplateStore,
    private readonly now: () => number,
  ) {}

  /** @throws UsherError `member-exists`, `usage` (id or name), `store-unavailable` */
  add(member: { readonly id: string; readonly name: string }, templates: readonly NewTemplate[] = []): Member {
    const id = checkMemberId(member.id);
    const name = checkMemberName(member.name);
    return this.database.transaction(() => {
      const at = this.now();
      const added = this.database.run(
        `INSERT INTO members (id, name, status, created_at, updated_at) VALUES (?, ?, 'active', ?, ?)
         ON CONFLICT DO NOTHING`,
        id,
        name,
        at,
        at,
      );
      if (added.changes === 0)
        throw new UsherError('member-exists', `there is already a member ${id}`, {
          remedy: 'Choose another id, or add --replace to enrol this member again.',
        });
      this.templates.add(id, templates);
      return this.get(id);
    });
  }

  /** @throws UsherError `member-unknown`, `usage`, `store-unavailable` */
  update(id: string, change: { readonly name?: string; readonly status?: MemberStatus }): Member {
    const name = change.name === undefined ? null : checkMemberName(change.name);
    return this.database.transaction(() => {
      this.get(id);
      this.database.run(
        `UPDATE members SET name = coalesce(?, name), status = coalesce(?, status), updated_at = ? WHERE id = ?`,
        name,
        change.status ?? null,
        this.now(),
        id,
      );
      return this.get(id);
    });
  }

  /** Removes a member and all templates, from the write-ahead log too. @throws UsherError `member-unknown`, `store-unavailable` */
  remove(id: string): void {
    const { changes } = this.database.run('DELETE FROM members WHERE id = ?', id);
    if (changes === 0) throw memberUnknown(id);
    this.database.truncateLog();
  }

  find(id: string): Member | null {
    const row = this.database.get('SELECT * FROM members WHERE id = ?', id);
    return row === undefined ? null : memberOf(row);
  }

  /** @throws UsherError `member-unknown`, `store-unavailable` */
  get(id: string): Member {
    const member = this.find(id);
    if (member === null) throw memberUnknown(id);
    return member;
  }

  /** Ids of the members who may be recognised: one pass over one table, for the daemon, which asks at every change. */
  activeIds(): string[] {
    return this.database.all(`SELECT id FROM members WHERE status = 'active'`).map((row) => String(row['id']));
  }

  /** All members, ordered by id. */
  list(): MemberSummary[] {
    return this.database
      .all(
        `SELECT members.*, count(templates.id) AS templates FROM members
         LEFT JOIN templates ON templates.member = members.id GROUP BY members.id ORDER BY members.id`,
      )
      .map((row) => ({ ...memberOf(row), templates: Number(row['templates']) }));
  }
}

function memberOf(row: Row): Member {
  return {
    id: String(row['id']),
    name: String(row['name']),
    status: row['status'] as MemberStatus,
    createdAt: Number(row['created_at']),
    updatedAt: Number(row['updated_at']),
  };
}
