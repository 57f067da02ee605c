import { messageOf } from '../../errors';
import type { Database, Row } from '../database/database';
import { SEAL_OVERHEAD, tagOf } from '../keys/aead';
import { damaged, isDamage } from '../keys/keyring';
import type { Ledger } from '../journal/ledger';
import {
  type BrokenTemplate,
  checkTemplate,
  memberUnknown,
  type NewTemplate,
  type StoredTemplate,
  type TemplateSource,
} from './member';
import type { MemberVault } from './member-vault';
import { stampOf } from '../database/meta';
import type { Scrubber } from '../database/scrub';
import type { TemplateCodec } from './template-codec';
import { vectorFault } from './vector';

interface Opened {
  readonly member: string;
  readonly source: TemplateSource;
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
  /** Templates of the old space that cannot be read: they are not carried over. */
  readonly broken: number;
}

/** What the journal says of an adapted template, in addition to the member: where it was taken, and how close it was. */
export interface AdaptionRecord {
  readonly door: string;
  readonly distance: number;
}

const FLOAT_BYTES = 4;

/** What could be read, and what not: both in order. */
export interface TemplatesRead {
  readonly templates: readonly StoredTemplate[];
  readonly broken: readonly BrokenTemplate[];
}

/** Without an inner join: a template whose member has lost the key must be seen, to be named. */
const SELECT = `SELECT templates.*, wrapped, box_version FROM templates LEFT JOIN member_keys ON member_keys.member = templates.member`;

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
    for (const template of templates) checkTemplate(template);
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
      const { templates: readable, broken } = this.readSpace(from);
      for (const template of readable) old.set(template.member, [...(old.get(template.member) ?? []), template]);
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
      const alreadyThere = old.size - coming.length;
      const carried = { members: coming.length, templates, alreadyThere, dropped, broken: broken.length };
      this.ledger.append('encoding', { from, to, by, ...carried });
      return carried;
    });
    this.scrubber.run();
    return done;
  }

  /** A member's templates of one space. */
  removeInSpace(member: string, space: string): void {
    this.database.transaction(() => {
      this.database.run('DELETE FROM templates WHERE member = ? AND space = ?', member, space);
      this.scrubber.note();
    });
    this.scrubber.run();
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

  /** A member's templates, oldest first. @throws UsherError `member-damaged` when one cannot be read */
  list(member: string): StoredTemplate[] {
    return whole(this.readMember(member));
  }

  /** As `list`, with those that cannot be used apart. @throws UsherError `store-unavailable`, `key-unusable` */
  readMember(member: string): TemplatesRead {
    const rows = this.database.all(`${SELECT} WHERE templates.member = ? ORDER BY templates.id`, member);
    return this.read(rows, () => undefined);
  }

  /** As `readSpace`, of templates that can all be read. @throws UsherError `member-damaged` when one cannot be */
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
    const before = this.opened.get(space);
    const now = new Map<number, Opened>();
    const rows = this.database.all(
      `${SELECT} WHERE templates.space = ? ORDER BY templates.member, templates.id`,
      space,
    );
    const read = this.read(
      rows,
      (id) => before?.get(id),
      ({ id, member, source, vector }, tag) => now.set(id, { member, source, tag, vector }),
    );
    this.opened.set(space, now);
    return read;
  }

  /** All of everybody, of every space: for a check. */
  readAll(): TemplatesRead {
    return this.read(this.database.all(`${SELECT} ORDER BY templates.member, templates.id`), () => undefined);
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

  /** Of most vectors in this space; null where there is none. Nothing is opened for it. */
  dimensionsOf(space: string): number | null {
    const row = this.database.get(
      'SELECT length(sealed) AS bytes FROM templates WHERE space = ? GROUP BY bytes ORDER BY count(*) DESC LIMIT 1',
      space,
    );
    return row === undefined ? null : (Number(row['bytes']) - SEAL_OVERHEAD) / FLOAT_BYTES;
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
    opened: (template: StoredTemplate, tag: Uint8Array) => void = () => undefined,
  ): { templates: StoredTemplate[]; broken: BrokenTemplate[] } {
    const keys = new OneKey(this.vault);
    const templates: StoredTemplate[] = [];
    const broken: BrokenTemplate[] = [];
    for (const row of rows) {
      const about = describe(row);
      const { id, member, source } = about;
      try {
        const sealed = row['sealed'] as Uint8Array;
        const tag = tagOf(sealed);
        const held = known(id);
        // The tag was made for this member, space and source: what it names has not changed.
        const same = held?.member === member && held.source === source && Buffer.compare(held.tag, tag) === 0;
        const vector = same ? held.vector : this.codec.open(sealed, about, keys.of(member, row));
        const fault = vectorFault(vector);
        if (fault !== null) broken.push({ ...about, fault: `it has ${fault}` });
        else {
          const template = { ...about, vector };
          templates.push(template);
          opened(template, Uint8Array.from(tag));
        }
      } catch (error) {
        if (!isDamage(error)) throw error;
        broken.push({ ...about, fault: messageOf(error) });
      }
    }
    keys.forget();
    return { templates, broken };
  }
}

/** The last member's key: rows come ordered by member. */
class OneKey {
  private held: { readonly member: string; readonly bytes: Uint8Array } | null = null;

  constructor(private readonly vault: MemberVault) {}

  of(member: string, row: Row): Uint8Array {
    if (this.held?.member === member) return this.held.bytes;
    this.forget();
    this.held = { member, bytes: this.vault.unwrap(member, row) };
    return this.held.bytes;
  }

  forget(): void {
    this.held?.bytes.fill(0);
    this.held = null;
  }
}

function whole({ templates, broken: [first] }: TemplatesRead): StoredTemplate[] {
  if (first === undefined) return [...templates];
  throw damaged(first.member, `template ${first.id}`);
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
