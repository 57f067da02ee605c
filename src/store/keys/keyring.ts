import { randomBytes } from 'node:crypto';
import { UsherError } from '../../errors';
import type { Database } from '../database/database';
import { KEY_BYTES, seal, unseal } from './aead';
import { type BoxKeyCandidate, type BoxKeySource, checkValue, forget, matches } from './box-key';

/** A member's key as stored in the database. */
export interface WrappedKey {
  readonly wrapped: Uint8Array;
  /** Version of the box key it is wrapped with. */
  readonly version: number;
}

/**
 * The box key in use; it wraps and unwraps members' keys. Invariant: the database always says which version it uses
 * (`box_keys`, one row), and changes that together with every wrapped key in one transaction. A process that finds an
 * unknown version reads the source again, so a rotation by another process needs no restart.
 */
export class Keyring {
  private held: { readonly version: number; readonly key: Uint8Array } | null = null;

  constructor(
    private readonly database: Database,
    private readonly source: BoxKeySource,
  ) {}

  /** Binds a new store to the available key, or to a new one. Within a write transaction, so that two starts agree. */
  found(): void {
    let candidates = this.source.read();
    if (!candidates.some(({ slot }) => slot === 'current')) {
      this.source.create();
      candidates = this.source.read();
    }
    const current = candidates.find(({ slot }) => slot === 'current');
    if (current === undefined) throw new UsherError('key-unusable', `${this.source.name} has no key`);
    this.database.run('INSERT INTO box_keys (version, check_value) VALUES (1, ?)', checkValue(current.key));
    forget(candidates);
  }

  /** Call it before reading or writing: the key must be the store's own. @throws UsherError `key-unusable` */
  requireKey(): void {
    this.hold();
  }

  /** Version of the box key that the store is under now. */
  version(): number {
    return this.row().version;
  }

  newMemberKey(): Uint8Array {
    return randomBytes(KEY_BYTES);
  }

  /** Call it within a write transaction, so that no rotation happens meanwhile. */
  wrap(member: string, memberKey: Uint8Array): WrappedKey {
    const version = this.version();
    return { wrapped: seal(this.keyOf(version), memberKey, bindingOf(member, version)), version };
  }

  /** @throws UsherError `member-damaged` for a damaged key, `key-unusable` */
  unwrap(member: string, wrapped: WrappedKey): Uint8Array {
    const key = this.open(member, wrapped);
    if (key === null) throw damaged(member, 'the key');
    return key;
  }

  /** Null for what was not wrapped here for this owner. @throws UsherError `key-unusable`, `store-unavailable` */
  open(owner: string, { wrapped, version }: WrappedKey): Uint8Array | null {
    const key = unseal(this.keyOf(version), wrapped, bindingOf(owner, version));
    return key?.length === KEY_BYTES ? key : null;
  }

  /**
   * The key that the store uses at present; the others are overwritten. Another process may rotate between the two
   * reads of database and source. Then the version has changed, and both are read again.
   * @throws UsherError `key-unusable`
   */
  candidate(): BoxKeyCandidate & { readonly version: number } {
    for (;;) {
      const { version, check } = this.row();
      const candidates = this.source.read();
      const found = candidates.find(({ key }) => matches(key, check));
      forget(candidates.filter((each) => each !== found));
      if (found !== undefined) return { ...found, version };
      if (this.version() === version) throw this.missing(candidates);
    }
  }

  /** Rewraps one key from the present version to a new one. */
  rewrap(member: string, old: WrappedKey, next: { readonly key: Uint8Array; readonly version: number }): Uint8Array {
    const memberKey = this.unwrap(member, old);
    try {
      return seal(next.key, memberKey, bindingOf(member, next.version));
    } finally {
      memberKey.fill(0);
    }
  }

  dispose(): void {
    this.held?.key.fill(0);
    this.held = null;
  }

  private keyOf(version: number): Uint8Array {
    const held = this.held?.version === version ? this.held : this.hold();
    if (held.version === version) return held.key;
    throw new UsherError('store-unavailable', `the store ${this.database.file} changed its box key while it was read`, {
      remedy: 'Try again.',
    });
  }

  private hold(): { readonly version: number; readonly key: Uint8Array } {
    const { version, key } = this.candidate();
    this.dispose();
    return (this.held = { version, key });
  }

  private row(): { version: number; check: Uint8Array } {
    const row = this.database.get('SELECT version, check_value FROM box_keys');
    if (row === undefined)
      throw new UsherError('store-unavailable', `the store ${this.database.file} has no box key`, {
        remedy: 'Restore a backup.',
      });
    return { version: Number(row['version']), check: row['check_value'] as Uint8Array };
  }

  private missing(candidates: readonly BoxKeyCandidate[]): UsherError {
    const store = `the store ${this.database.file}`;
    const remedy =
      'Restore the key of this store from its backup, or name the right source ' +
      '(security.boxKey; for a command by hand as for the service). Nothing was changed. Without the key the members must be enrolled again.';
    return candidates.length === 0
      ? new UsherError('key-unusable', `${store} is sealed, and there is no box key: ${this.source.name}`, { remedy })
      : new UsherError(
          'key-unusable',
          `${candidates.map(({ where }) => where).join(', ')}: not the box key of ${store}`,
          {
            remedy,
          },
        );
  }
}

/** The stored data of one member was changed; other members are not affected. */
export function damaged(member: string, what: string): UsherError {
  return new UsherError('member-damaged', `${what} of member ${member} is damaged or was changed outside usher`, {
    remedy: 'usher members check lists all damage, usher members repair deletes it.',
  });
}

export function isDamage(error: unknown): error is UsherError {
  return error instanceof UsherError && error.code === 'member-damaged';
}

const bindingOf = (member: string, version: number): readonly [string, string, number] => [
  'member-key',
  member,
  version,
];
