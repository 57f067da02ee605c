import { createHmac, timingSafeEqual } from 'node:crypto';
import { UsherError } from '../../errors';
import type { Database } from '../database/database';
import type { Keyring, WrappedKey } from './keyring';
import { metaOf, setMetaOf } from '../database/meta';

/**
 * Facts that open a door or decide whether a message is new: orders and who is inside, accepted commands, counters of
 * readers.
 */
const SEALED = /^(policy\.state|commands\.ledger|counter\..+)$/;
const KEY = 'facts.key';
/** Not a possible member id. */
const OWNER = '#facts';
/** Between a value and its seal, 64 hexadecimal digits. */
const MARK = '\n#';
const SEAL_CHARS = MARK.length + 64;

export function isSealedFact(key: string): boolean {
  return SEALED.test(key);
}

/**
 * Small facts with a seal, so that without the box key no one can write an order that keeps a door open, or make old
 * messages valid again. An older value with its own seal passes here; the journal detects it.
 */
export class SealedFacts {
  constructor(
    private readonly database: Database,
    private readonly keyring: Keyring,
  ) {}

  /** @throws UsherError `data-invalid` for a value that was not written here; `key-unusable`, `store-unavailable` */
  get(key: string): string | null {
    const stored = metaOf(this.database, key);
    if (stored === null) return null;
    const value = stored.slice(0, -SEAL_CHARS);
    const factKey = this.key();
    if (factKey !== null && sameText(stored.slice(-SEAL_CHARS), MARK + sealOf(factKey, key, value))) return value;
    throw new UsherError('data-invalid', `"${key}" in the store ${this.database.file} was changed outside usher`, {
      remedy: 'Restore a backup, or set it again, and find out who can write to the data folder.',
    });
  }

  set(key: string, value: string): void {
    this.database.transaction(() => {
      const factKey = this.key() ?? this.newKey();
      setMetaOf(this.database, key, value + MARK + sealOf(factKey, key, value));
    });
  }

  /** For a store that is older than the seals. */
  sealAll(): void {
    const rows = this.database.all('SELECT key, value FROM meta');
    for (const { key, value } of rows) if (isSealedFact(String(key))) this.set(String(key), String(value));
  }

  /** Null if no key opens it. */
  private key(): Uint8Array | null {
    // Twice: another process may replace the box key between the two reads.
    for (let look = 0; look < 2; look++) {
      const stored = metaOf(this.database, KEY);
      const wrapped = stored === null ? null : parse(stored);
      if (wrapped?.version === this.keyring.version()) return this.keyring.open(OWNER, wrapped);
    }
    return null;
  }

  private newKey(): Uint8Array {
    const key = this.keyring.newMemberKey();
    setMetaOf(this.database, KEY, format(this.keyring.wrap(OWNER, key)));
    return key;
  }
}

/**
 * During a rotation of the box key. A key that can no longer be opened is left unchanged; what it sealed is then
 * invalid.
 */
export function rewrapFactKey(
  database: Database,
  keyring: Keyring,
  old: number,
  next: { readonly key: Uint8Array; readonly version: number },
): void {
  const stored = metaOf(database, KEY);
  const wrapped = stored === null ? null : parse(stored);
  if (wrapped === null || wrapped.version !== old || keyring.open(OWNER, wrapped) === null) return;
  const bytes = keyring.rewrap(OWNER, wrapped, next);
  setMetaOf(database, KEY, format({ wrapped: bytes, version: next.version }));
}

function sealOf(factKey: Uint8Array, key: string, value: string): string {
  return createHmac('sha256', factKey)
    .update(JSON.stringify(['usher-fact-v1', key, value]))
    .digest('hex');
}

function sameText(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

function format({ wrapped, version }: WrappedKey): string {
  return `${version}:${Buffer.from(wrapped).toString('base64')}`;
}

function parse(text: string): WrappedKey | null {
  const [, version = '', wrapped = ''] = /^(\d{1,9}):([A-Za-z0-9+/=]+)$/.exec(text) ?? [];
  return version === '' ? null : { version: Number(version), wrapped: Buffer.from(wrapped, 'base64') };
}
