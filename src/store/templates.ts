import type { Database, Row } from './database';
import { tagOf } from './keys/aead';
import type { Ledger } from './ledger';
import { checkTemplate, memberUnknown, type NewTemplate, type StoredTemplate, type TemplateSource } from './member';
import type { MemberVault } from './member-vault';
import { stampOf } from './meta';
import type { Scrubber } from './scrub';
import type { TemplateCodec } from './template-codec';

interface Opened {
  readonly member: string;
  readonly tag: Uint8Array;
  readonly vector: Float32Array;
}

/** From which space into which, and how a vector gets there. */
export interface CarryOver {
  readonly from: string;
  readonly to: string;
  /** A function of the old vector alone; what it throws leaves everything as it was. */
  readonly map: (vector: Float32Array) => Float32Array;
  /** Delete the templates of the old space, of members who now have some in the new one. */
  readonly dropOld: boolean;
  readonly by: string;
}

export interface CarriedOver {
  readonly members: number;
  readonly templates: number;
  /** Members who had templates in the new space already: those stay, and nothing is added to them. */
  readonly alreadyThere: number;
  /** Templates of the old space that were deleted. */
  readonly dropped: number;
}

/** What the journal says of an adapted template, besides the member: where it was taken, and how near it was. */
export interface AdaptionRecord {
  readonly door: string;
  readonly distance: number;
}

const SELECT = `SELECT templates.*, wrapped, box_version FROM templates JOIN member_keys ON member_keys.member = templates.member`;

/** Members' reference vectors. Every method is one transaction, durable when it returns. */
export class TemplateStore {
  /** What `inSpace` opened last, by space and template: a change elsewhere then costs the changed ones, not all. */
  private readonly opened = new Map<string, Map<number, Opened>>();

  constructor(
    private readonly database: Database,
    private readonly vault: MemberVault,
    private readonly codec: TemplateCodec,
    private readonly scrubber: Scrubber,
    private readonly ledger: Ledger,
    private readonly now: () => number,
  ) {}

  /** @throws UsherError `data-invalid`, `member-unknown`, `store-unavailable`, `key-unusable` */
  add(member: string, templates: readonly NewTemplate[]): StoredTemplate[] {
    templates.forEach(checkTemplate);
    return this.database.transaction(() => {
      if (this.database.get('SELECT 1 FROM members WHERE id = ?', member) === undefined) throw memberUnknown(member);
      if (templates.length === 0) return [];
      const key = this.vault.keyOf(member);
      const stored = templates.map((template) => {
        const createdAt = this.now();
        const { lastId } = this.database.run(
          'INSERT INTO templates (member, space, sealed, quality, source, created_at) VALUES (?, ?, ?, ?, ?, ?)',
          member,
          template.space,
          this.codec.seal(template.vector, { member, space: template.space }, key),
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

  /** Puts these in place of all the member has: enrolled again. */
  replace(member: string, templates: readonly NewTemplate[]): StoredTemplate[] {
    const stored = this.database.transaction(() => {
      this.database.run('DELETE FROM templates WHERE member = ?', member);
      this.database.run('UPDATE members SET enrolled_at = ? WHERE id = ?', stampOf(this.database, this.now()), member);
      this.scrubber.note();
      const added = this.add(member, templates);
      this.ledger.append('enrolment', { member, templates: added.length, again: true });
      return added;
    });
    this.scrubber.run();
    return stored;
  }

  /**
   * Keeps an accepted face as one more template, the oldest such ones making room.
   * @param most that a member has at a time
   */
  adapt(
    member: string,
    template: Omit<NewTemplate, 'source'>,
    most: number,
    { door, distance }: AdaptionRecord,
  ): StoredTemplate[] {
    const stored = this.database.transaction(() => {
      const adapted = this.adaptedIds(member);
      const old = adapted.slice(0, Math.max(0, adapted.length - most + 1));
      for (const id of old) this.database.run('DELETE FROM templates WHERE id = ?', id);
      if (old.length > 0) this.scrubber.note();
      const added = this.add(member, [{ ...template, source: 'adapted' }]);
      const { quality } = template;
      this.ledger.append('adaptation', { member, door, quality, distance, kept: added[0]?.id, instead: old.length });
      return added;
    });
    this.scrubber.run();
    return stored;
  }

  /**
   * Takes adapted templates back, and records it.
   * @param member null: of all members
   * @param by who decided it
   * @returns how many of which member
   */
  forgetAdapted(member: string | null, by: string): ReadonlyMap<string, number> {
    const forgotten = this.database.transaction(() => {
      const rows = this.database.all(
        `SELECT member, count(*) AS n FROM templates WHERE source = 'adapted' AND (member = ?1 OR ?1 IS NULL) GROUP BY member`,
        member,
      );
      const each = new Map(rows.map((row) => [String(row['member']), Number(row['n'])]));
      for (const [id, count] of each) {
        this.database.run(`DELETE FROM templates WHERE source = 'adapted' AND member = ?`, id);
        this.ledger.append('adaptation', { member: id, forgotten: count, by });
      }
      if (each.size > 0) this.scrubber.note();
      return each;
    });
    this.scrubber.run();
    return forgotten;
  }

  /**
   * Carries all templates of one space over into another, all or none, and records it. To do it twice changes nothing the second
   * time.
   * @throws UsherError `data-invalid`, `store-unavailable`, `key-unusable`, and what `map` throws
   */
  carryOver({ from, to, map, dropOld, by }: CarryOver): CarriedOver {
    const done = this.database.transaction(() => {
      const old = new Map<string, StoredTemplate[]>();
      for (const template of this.inSpace(from))
        old.set(template.member, [...(old.get(template.member) ?? []), template]);
      const known = new Set(
        this.database
          .all('SELECT DISTINCT member FROM templates WHERE space = ?', to)
          .map((row) => String(row['member'])),
      );
      const coming = [...old].filter(([member]) => !known.has(member));
      let templates = 0;
      for (const [member, own] of coming)
        templates += this.add(
          member,
          own.map(({ vector, quality, source }) => ({ space: to, vector: map(vector), quality, source })),
        ).length;
      const { changes: dropped } = dropOld
        ? this.database.run(
            'DELETE FROM templates WHERE space = ? AND member IN (SELECT member FROM templates WHERE space = ?)',
            ...[from, to],
          )
        : { changes: 0 };
      if (dropped > 0) this.scrubber.note();
      const carried = { members: coming.length, templates, alreadyThere: old.size - coming.length, dropped };
      this.ledger.append('encoding', { from, to, by, ...carried });
      return carried;
    });
    this.scrubber.run();
    return done;
  }

  /** False when there was no such template. */
  remove(id: number): boolean {
    const removed = this.database.transaction(() => {
      const { changes } = this.database.run('DELETE FROM templates WHERE id = ?', id);
      if (changes > 0) this.scrubber.note();
      return changes > 0;
    });
    if (removed) this.scrubber.run();
    return removed;
  }

  /** A member's templates, oldest first. */
  list(member: string): StoredTemplate[] {
    const rows = this.database.all(`${SELECT} WHERE templates.member = ? ORDER BY templates.id`, member);
    return this.read(rows, () => undefined).map(({ template }) => template);
  }

  /**
   * Everybody's templates of one space, whatever the members' status: the gallery of an encoder. Ordered by member.
   * The vectors are shared with the next answer: not to be written to.
   */
  inSpace(space: string): StoredTemplate[] {
    const before = this.opened.get(space);
    const now = new Map<number, Opened>();
    const rows = this.database.all(
      `${SELECT} WHERE templates.space = ? ORDER BY templates.member, templates.id`,
      space,
    );
    const all = this.read(rows, (id) => before?.get(id)).map(({ template, tag }) => {
      now.set(template.id, { member: template.member, tag, vector: template.vector });
      return template;
    });
    this.opened.set(space, now);
    return all;
  }

  /** Adapted templates without their vectors, by member, oldest first. @param member null: of all */
  adapted(member: string | null): Omit<StoredTemplate, 'vector'>[] {
    return this.database
      .all(
        `SELECT id, member, space, quality, source, created_at FROM templates
         WHERE source = 'adapted' AND (member = ?1 OR ?1 IS NULL) ORDER BY member, id`,
        member,
      )
      .map(describe);
  }

  countOf(member: string): number {
    return Number(this.database.get('SELECT count(*) AS n FROM templates WHERE member = ?', member)?.['n'] ?? 0);
  }

  /** Number of members that have templates, by space: after a change of encoder, who must be enrolled again. */
  membersBySpace(): ReadonlyMap<string, number> {
    const rows = this.database.all('SELECT space, count(DISTINCT member) AS members FROM templates GROUP BY space');
    return new Map(rows.map((row) => [String(row['space']), Number(row['members'])]));
  }

  /** Lets go of what is in memory of a deleted member. */
  forget(member: string): void {
    for (const space of this.opened.values())
      for (const [id, opened] of space) if (opened.member === member) space.delete(id);
  }

  /** Oldest first. */
  private adaptedIds(member: string): number[] {
    return this.database
      .all(`SELECT id FROM templates WHERE member = ? AND source = 'adapted' ORDER BY id`, member)
      .map((row) => Number(row['id']));
  }

  private read(
    rows: readonly Row[],
    known: (id: number) => Opened | undefined,
  ): { template: StoredTemplate; tag: Uint8Array }[] {
    let key: { readonly member: string; readonly bytes: Uint8Array } | null = null;
    const read = rows.map((row) => {
      const id = Number(row['id']);
      const member = String(row['member']);
      const space = String(row['space']);
      const sealed = row['sealed'] as Uint8Array;
      const tag = tagOf(sealed);
      const held = known(id);
      let vector: Float32Array;
      // The tag was made for this member and space: what it names has not changed.
      if (held?.member === member && Buffer.compare(held.tag, tag) === 0) vector = held.vector;
      else {
        if (key?.member !== member) {
          key?.bytes.fill(0);
          key = { member, bytes: this.vault.unwrap(member, row) };
        }
        vector = this.codec.open(sealed, { member, space }, key.bytes);
      }
      return { template: { ...describe(row), vector }, tag: Uint8Array.from(tag) };
    });
    (key as { readonly bytes: Uint8Array } | null)?.bytes.fill(0);
    return read;
  }
}

function describe(row: Row): Omit<StoredTemplate, 'vector'> {
  return {
    id: Number(row['id']),
    member: String(row['member']),
    space: String(row['space']),
    quality: Number(row['quality']),
    source: row['source'] as TemplateSource,
    createdAt: Number(row['created_at']),
  };
}
