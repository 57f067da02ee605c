import { messageOf } from '../../errors';
import type { Database, Row } from '../database/database';
import { tagOf } from '../keys/aead';
import { isDamage } from '../keys/keyring';
import type { BrokenTemplate, StoredTemplate, TemplateSource } from './member';
import type { MemberVault } from './member-vault';
import type { TemplateCodec } from './template-codec';
import { vectorFault } from './vector';

/** The readable and the damaged templates, both in order. */
export interface TemplatesRead {
  readonly templates: readonly StoredTemplate[];
  readonly broken: readonly BrokenTemplate[];
}

interface Opened {
  readonly member: string;
  readonly source: TemplateSource;
  readonly tag: Uint8Array;
  readonly vector: Float32Array;
}

/** Without an inner join: a template whose member lost the key must be found and named. */
const SELECT = `SELECT templates.*, wrapped, box_version FROM templates LEFT JOIN member_keys ON member_keys.member = templates.member`;

/** Decrypts templates: a damaged one is named and does not stop the others. */
export class TemplateReader {
  /**
   * The last result of `inSpace`, by space and template: a change by another process then costs only the changed ones.
   */
  private readonly opened = new Map<string, Map<number, Opened>>();

  constructor(
    private readonly database: Database,
    private readonly vault: MemberVault,
    private readonly codec: TemplateCodec,
  ) {}

  /** Oldest first. */
  ofMember(member: string): TemplatesRead {
    const rows = this.database.all(`${SELECT} WHERE templates.member = ? ORDER BY templates.id`, member);
    return this.read(rows, () => undefined);
  }

  /** Ordered by member. The vectors are shared with the next result: do not write to them. */
  inSpace(space: string): TemplatesRead {
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

  all(): TemplatesRead {
    return this.read(this.database.all(`${SELECT} ORDER BY templates.member, templates.id`), () => undefined);
  }

  /** Drops the decrypted templates of a deleted member from memory. */
  forget(member: string): void {
    for (const space of this.opened.values())
      for (const [id, opened] of space) if (opened.member === member) space.delete(id);
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
      const about = describeTemplate(row);
      const { id, member, source } = about;
      try {
        const sealed = row['sealed'] as Uint8Array;
        const tag = tagOf(sealed);
        const held = known(id);
        // The tag was made for this member, space and source, so they have not changed.
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

/** The last member's key: rows are ordered by member. */
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

/** A row without its vector. */
export function describeTemplate(row: Row): Omit<StoredTemplate, 'vector'> {
  return {
    id: Number(row['id']),
    member: String(row['member']),
    space: String(row['space']),
    quality: Number(row['quality']),
    source: row['source'] as TemplateSource,
    createdAt: Number(row['created_at']),
  };
}
