import { stampOf } from '../database/meta';
import { SEAL_OVERHEAD } from '../keys/aead';
import { damaged } from '../keys/keyring';
import { carryOver, type CarriedOver, type CarryOver } from './carry-over';
import { checkTemplate, memberUnknown, type NewTemplate, type StoredTemplate } from './member';
import type { StoreParts } from './parts';
import type { TemplateCodec } from './template-codec';
import { describeTemplate, TemplateReader, type TemplatesRead } from './template-reader';

/** What the journal records of an adapted template besides the member: where it was taken, and the distance. */
export interface AdaptionRecord {
  readonly door: string;
  readonly distance: number;
}

const FLOAT_BYTES = 4;

/** Members' reference vectors. Every method is one transaction, durable when it returns. */
export class TemplateStore {
  private readonly reader: TemplateReader;

  constructor(
    private readonly parts: StoreParts,
    private readonly codec: TemplateCodec,
  ) {
    this.reader = new TemplateReader(parts.database, parts.vault, codec);
  }

  /** @throws UsherError `data-invalid`, `member-unknown`, `store-unavailable`, `key-unusable` */
  add(member: string, templates: readonly NewTemplate[]): StoredTemplate[] {
    for (const template of templates) checkTemplate(template);
    return this.parts.database.transaction(() => {
      if (this.parts.database.get('SELECT 1 FROM members WHERE id = ?', member) === undefined)
        throw memberUnknown(member);
      if (templates.length === 0) return [];
      const key = this.parts.vault.keyOf(member);
      const stored = templates.map((template) => {
        const createdAt = this.parts.now();
        const { lastId } = this.parts.database.run(
          'INSERT INTO templates (member, space, sealed, quality, source, created_at) VALUES (?, ?, ?, ?, ?, ?)',
          member,
          template.space,
          this.codec.seal(template.vector, { ...template, member }, key),
          template.quality,
          template.source,
          createdAt,
        );
        return { ...template, id: lastId, member, createdAt };
      });
      key.fill(0);
      return stored;
    });
  }

  /** Replaces all templates of the member: enrolled again. */
  replace(member: string, templates: readonly NewTemplate[]): StoredTemplate[] {
    const stored = this.parts.database.transaction(() => {
      this.parts.database.run('DELETE FROM templates WHERE member = ?', member);
      this.parts.database.run(
        'UPDATE members SET enrolled_at = ? WHERE id = ?',
        stampOf(this.parts.database, this.parts.now()),
        member,
      );
      this.parts.scrubber.note();
      const added = this.add(member, templates);
      this.parts.ledger.append('enrolment', { member, templates: added.length, again: true });
      return added;
    });
    this.parts.scrubber.run();
    return stored;
  }

  /**
   * Stores an accepted face as another template; the oldest adapted one makes room.
   * @param most limit for a member's adapted templates
   */
  adapt(
    member: string,
    template: Omit<NewTemplate, 'source'>,
    most: number,
    { door, distance }: AdaptionRecord,
  ): StoredTemplate[] {
    const stored = this.parts.database.transaction(() => {
      const adapted = this.adaptedIds(member);
      const old = adapted.slice(0, Math.max(0, adapted.length - most + 1));
      for (const id of old) this.parts.database.run('DELETE FROM templates WHERE id = ?', id);
      if (old.length > 0) this.parts.scrubber.note();
      const added = this.add(member, [{ ...template, source: 'adapted' }]);
      const { quality } = template;
      this.parts.ledger.append('adaptation', {
        member,
        door,
        quality,
        distance,
        kept: added[0]?.id,
        instead: old.length,
      });
      return added;
    });
    this.parts.scrubber.run();
    return stored;
  }

  /**
   * Deletes adapted templates and records it.
   * @param member null for all members
   * @param by who decided it
   * @returns number of deleted templates by member
   */
  forgetAdapted(member: string | null, by: string): ReadonlyMap<string, number> {
    const forgotten = this.parts.database.transaction(() => {
      const rows = this.parts.database.all(
        `SELECT member, count(*) AS n FROM templates WHERE source = 'adapted' AND (member = ?1 OR ?1 IS NULL) GROUP BY member`,
        member,
      );
      const each = new Map(rows.map((row) => [String(row['member']), Number(row['n'])]));
      for (const [id, count] of each) {
        this.parts.database.run(`DELETE FROM templates WHERE source = 'adapted' AND member = ?`, id);
        this.parts.ledger.append('adaptation', { member: id, forgotten: count, by });
      }
      if (each.size > 0) this.parts.scrubber.note();
      return each;
    });
    this.parts.scrubber.run();
    return forgotten;
  }

  /**
   * Maps all templates of one space to another, all or none, and records it. A second call changes nothing.
   * @throws UsherError `data-invalid`, `store-unavailable`, `key-unusable`, and what `map` throws
   */
  carryOver(order: CarryOver): CarriedOver {
    return carryOver(this.parts, this, order);
  }

  /** A member's templates of one space. */
  removeInSpace(member: string, space: string): void {
    this.parts.database.transaction(() => {
      this.parts.database.run('DELETE FROM templates WHERE member = ? AND space = ?', member, space);
      this.parts.scrubber.note();
    });
    this.parts.scrubber.run();
  }

  /** False if there was no such template. */
  remove(id: number): boolean {
    const removed = this.parts.database.transaction(() => {
      const { changes } = this.parts.database.run('DELETE FROM templates WHERE id = ?', id);
      if (changes > 0) this.parts.scrubber.note();
      return changes > 0;
    });
    if (removed) this.parts.scrubber.run();
    return removed;
  }

  /** A member's templates, oldest first. @throws UsherError `member-damaged` if one cannot be read */
  list(member: string): StoredTemplate[] {
    return whole(this.readMember(member));
  }

  /** Like `list`, with the unusable ones apart. @throws UsherError `store-unavailable`, `key-unusable` */
  readMember(member: string): TemplatesRead {
    return this.reader.ofMember(member);
  }

  /** Like `readSpace`, if all templates can be read. @throws UsherError `member-damaged` if one cannot */
  inSpace(space: string): StoredTemplate[] {
    return whole(this.readSpace(space));
  }

  /**
   * Everybody's templates of one space, whatever the members' status: the gallery of an encoder. Ordered by member. One that
   * cannot be used concerns its member alone.
   * The vectors are shared with the next answer: not to be written to.
   * @throws UsherError `store-unavailable`, `key-unusable`
   */
  readSpace(space: string): TemplatesRead {
    return this.reader.inSpace(space);
  }

  /** All templates of all members and spaces, for a check. */
  readAll(): TemplatesRead {
    return this.reader.all();
  }

  /** Adapted templates without their vectors, by member, oldest first. @param member null for all */
  adapted(member: string | null): Omit<StoredTemplate, 'vector'>[] {
    return this.parts.database
      .all(
        `SELECT id, member, space, quality, source, created_at FROM templates
         WHERE source = 'adapted' AND (member = ?1 OR ?1 IS NULL) ORDER BY member, id`,
        member,
      )
      .map(describeTemplate);
  }

  /** The dimensions of most vectors in this space; null if there are none. Decrypts nothing. */
  dimensionsOf(space: string): number | null {
    const row = this.parts.database.get(
      'SELECT length(sealed) AS bytes FROM templates WHERE space = ? GROUP BY bytes ORDER BY count(*) DESC LIMIT 1',
      space,
    );
    return row === undefined ? null : (Number(row['bytes']) - SEAL_OVERHEAD) / FLOAT_BYTES;
  }

  countOf(member: string): number {
    return Number(this.parts.database.get('SELECT count(*) AS n FROM templates WHERE member = ?', member)?.['n'] ?? 0);
  }

  /** Number of members with templates, by space: after a change of encoder it shows who must be enrolled again. */
  membersBySpace(): ReadonlyMap<string, number> {
    const rows = this.parts.database.all(
      'SELECT space, count(DISTINCT member) AS members FROM templates GROUP BY space',
    );
    return new Map(rows.map((row) => [String(row['space']), Number(row['members'])]));
  }

  /** Drops the data of a deleted member from memory. */
  forget(member: string): void {
    this.reader.forget(member);
  }

  /** Oldest first. */
  private adaptedIds(member: string): number[] {
    return this.parts.database
      .all(`SELECT id FROM templates WHERE member = ? AND source = 'adapted' ORDER BY id`, member)
      .map((row) => Number(row['id']));
  }
}

function whole({ templates, broken: [first] }: TemplatesRead): StoredTemplate[] {
  if (first === undefined) return [...templates];
  throw damaged(first.member, `template ${first.id}`);
}
