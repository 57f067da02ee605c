import { z } from 'zod';
import type { Database, Row } from '../database/database';
import { type Binding, seal, unseal } from '../keys/aead';
import { damaged, type Keyring, type WrappedKey } from '../keys/keyring';
import { memberUnknown } from './member';

/** The personal data of a member beyond the id on the card: sealed together, so that no part can be replaced. */
const Profile = z.strictObject({
  name: z.string(),
  groups: z.array(z.string()),
  consent: z.strictObject({ textVersion: z.string(), by: z.string(), at: z.number() }).nullable(),
});
export type Profile = z.infer<typeof Profile>;

/**
 * Unencrypted data that the doors look up and that decides who may enter. The sealed profile contains it too, so that
 * without the key no one can lift a suspension, prolong a membership, or give a duress id to another member.
 */
export interface ClearRights {
  readonly status: string;
  readonly validFrom: number | null;
  readonly validUntil: number | null;
  /** Sorted. */
  readonly duressIds: readonly string[];
}

const PROFILE_VERSION = 2;

/** Members' own keys, created with the member and destroyed with it, and the profile that they seal. */
export class MemberVault {
  constructor(
    private readonly database: Database,
    private readonly keyring: Keyring,
  ) {}

  /** Creates the key of a member whose row exists. Call it within a write transaction. */
  createKey(member: string): Uint8Array {
    const key = this.keyring.newMemberKey();
    const { wrapped, version } = this.keyring.wrap(member, key);
    this.database.run(
      'INSERT INTO member_keys (member, wrapped, box_version) VALUES (?, ?, ?)',
      member,
      wrapped,
      version,
    );
    return key;
  }

  /** @throws UsherError `member-unknown`, `member-damaged`, `store-unavailable`, `key-unusable` */
  keyOf(member: string): Uint8Array {
    const row = this.database.get('SELECT wrapped, box_version FROM member_keys WHERE member = ?', member);
    if (row === undefined) throw memberUnknown(member);
    return this.unwrap(member, row);
  }

  /** From a row with `wrapped` and `box_version`, read together with the data that the key opens. */
  unwrap(member: string, row: Row): Uint8Array {
    // A member's row without its key exists but opens nothing.
    if (!(row['wrapped'] instanceof Uint8Array)) throw damaged(member, 'the key');
    const wrapped: WrappedKey = { wrapped: row['wrapped'], version: Number(row['box_version']) };
    return this.keyring.unwrap(member, wrapped);
  }

  sealProfile(member: string, profile: Profile, rights: ClearRights, key: Uint8Array): Uint8Array {
    return seal(key, Buffer.from(JSON.stringify(profile), 'utf8'), bindingOf(member, rights));
  }

  /** @throws UsherError `member-damaged`, also for another status, validity or duress id than the sealed one */
  openProfile(member: string, sealed: Uint8Array, rights: ClearRights, key: Uint8Array): Profile {
    const plain = unseal(key, sealed, bindingOf(member, rights));
    if (plain === null) throw damaged(member, 'the profile');
    const profile = Profile.safeParse(jsonOf(plain));
    plain.fill(0);
    if (!profile.success) throw damaged(member, 'the profile');
    return profile.data;
  }
}

function bindingOf(member: string, { status, validFrom, validUntil, duressIds }: ClearRights): Binding {
  return ['profile', member, PROFILE_VERSION, status, validFrom ?? '', validUntil ?? '', ...duressIds];
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}
