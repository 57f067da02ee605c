import type { Database, Row, SqlValue } from './database';
import { checkTemplate, memberUnknown, type NewTemplate, type StoredTemplate, type TemplateSource } from './member';
import type { TemplateCodec } from './template-codec';

/** Members' reference vectors. Every method is one transaction, durable when it returns. */
export class TemplateStore {
  constructor(
    private readonly database: Database,
    private readonly codec: TemplateCodec,
    private readonly now: () => number,
  ) {}

  /** @throws UsherError `data-invalid`, `member-unknown`, `store-unavailable` */
  add(member: string, templates: readonly NewTemplate[]): StoredTemplate[] {
    templates.forEach(checkTemplate);
    return this.database.transaction(() => {
      if (this.database.get('SELECT 1 FROM members WHERE id = ?', member) === undefined) throw memberUnknown(member);
      return templates.map((template) => {
        const createdAt = this.now();
        const { lastId } = this.database.run(
          'INSERT INTO templates (member, space, vector, quality, source, created_at) VALUES (?, ?, ?, ?, ?, ?)',
          member,
          template.space,
          this.codec.seal(template.vector, { member, space: template.space }),
          template.quality,
          template.source,
          createdAt,
        );
        return { ...template, id: lastId, member, createdAt };
      });
    });
  }

  /** Puts these in place of all the member has. */
  replace(member: string, templates: readonly NewTemplate[]): StoredTemplate[] {
    const stored = this.database.transaction(() => {
      this.database.run('DELETE FROM templates WHERE member = ?', member);
      return this.add(member, templates);
    });
    this.database.truncateLog();
    return stored;
  }

  /** False when there was no such template. */
  remove(id: number): boolean {
    const removed = this.database.run('DELETE FROM templates WHERE id = ?', id).changes > 0;
    if (removed) this.database.truncateLog();
    return removed;
  }

  /** A member's templates, oldest first. */
  list(member: string): StoredTemplate[] {
    return this.select('member = ?', member);
  }

  /** Everybody's templates of one space, whatever the members' status: the gallery of an encoder. */
  inSpace(space: string): StoredTemplate[] {
    return this.select('space = ?', space);
  }

  /** Number of members that have templates, by space: after a change of encoder, who must be enrolled again. */
  membersBySpace(): ReadonlyMap<string, number> {
    const rows = this.database.all('SELECT space, count(DISTINCT member) AS members FROM templates GROUP BY space');
    return new Map(rows.map((row) => [String(row['space']), Number(row['members'])]));
  }

  private select(condition: string, value: SqlValue): StoredTemplate[] {
    return this.database
      .all(`SELECT * FROM templates WHERE ${condition} ORDER BY id`, value)
      .map((row) => this.templateOf(row));
  }

  private templateOf(row: Row): StoredTemplate {
    const member = String(row['member']);
    const space = String(row['space']);
    return {
      id: Number(row['id']),
      member,
      space,
      vector: this.codec.open(row['vector'] as Uint8Array, { member, space }),
      quality: Number(row['quality']),
      source: row['source'] as TemplateSource,
      createdAt: Number(row['created_at']),
    };
  }
}
