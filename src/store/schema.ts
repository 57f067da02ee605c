import type { Database, Row } from './database/database';
import { type Binding, seal, unseal } from './keys/aead';
import { isDamage, type Keyring } from './keys/keyring';
import type { TemplateSource } from './members/member';
import { MemberVault, type Profile } from './members/member-vault';
import { rightsIn } from './members/clear-rights';
import { Scrubber } from './database/scrub';
import { SEALED_CODEC, vectorOf } from './members/template-codec';

/** Version 1: members and templates unencrypted. */
export const PLAIN_SCHEMA = `
  CREATE TABLE members (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('active', 'suspended')),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE templates (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    member TEXT NOT NULL REFERENCES members (id) ON UPDATE CASCADE ON DELETE CASCADE,
    space TEXT NOT NULL,
    vector BLOB NOT NULL,
    quality REAL NOT NULL,
    source TEXT NOT NULL CHECK (source IN ('picture', 'camera', 'adapted')),
    created_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX templates_by_member ON templates (member);

  CREATE TABLE meta (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;

/**
 * Version 2: personal data is sealed with the member's own key, which the box key wraps. What the doors look up (ids,
 * status, validity) and what retention needs stays unencrypted.
 */
const SEALED_SCHEMA = `
  CREATE TABLE box_keys (version INTEGER NOT NULL PRIMARY KEY, check_value BLOB NOT NULL) STRICT;

  CREATE TABLE members (
    id TEXT NOT NULL PRIMARY KEY,
    status TEXT NOT NULL CHECK (status IN ('active', 'suspended')),
    profile BLOB NOT NULL,
    valid_from INTEGER,
    valid_until INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    enrolled_at INTEGER NOT NULL,
    last_seen_at INTEGER
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE member_keys (
    member TEXT NOT NULL PRIMARY KEY REFERENCES members (id) ON DELETE CASCADE,
    wrapped BLOB NOT NULL,
    box_version INTEGER NOT NULL REFERENCES box_keys (version)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX member_keys_by_version ON member_keys (box_version);

  CREATE TABLE duress_ids (
    identifier TEXT NOT NULL PRIMARY KEY,
    member TEXT NOT NULL REFERENCES members (id) ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX duress_ids_by_member ON duress_ids (member);

  CREATE TABLE templates (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    member TEXT NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    space TEXT NOT NULL,
    sealed BLOB NOT NULL,
    quality REAL NOT NULL,
    source TEXT NOT NULL CHECK (source IN ('picture', 'camera', 'adapted')),
    created_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX templates_by_member ON templates (member);

  CREATE TABLE receipts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    member TEXT NOT NULL,
    at INTEGER NOT NULL,
    receipt TEXT NOT NULL
  ) STRICT;
  CREATE INDEX receipts_by_member ON receipts (member);
`;

/** From version 1 to 2: seals all personal data. Members from before have no recorded consent, which lists show. */
export function sealStore({ database, keyring }: { readonly database: Database; readonly keyring: Keyring }): void {
  const members = database.all('SELECT * FROM members ORDER BY id');
  const templates = database.all('SELECT * FROM templates ORDER BY id');
  database.exec('DROP TABLE templates; DROP TABLE members;');
  database.exec(SEALED_SCHEMA);
  keyring.found();
  const vault = new MemberVault(database, keyring);
  const keys = new Map(members.map((row) => [String(row['id']), sealMember(database, vault, row)]));
  for (const row of templates) {
    const key = keys.get(String(row['member']));
    if (key !== undefined) sealTemplate(database, row, key);
  }
  for (const key of keys.values()) key.fill(0);
  // Unencrypted data stays on free pages and in the log until the file is rewritten.
  if (members.length > 0) new Scrubber(database).note('rebuild');
}

function sealMember(database: Database, vault: MemberVault, row: Row): Uint8Array {
  const id = String(row['id']);
  const { status = null, created_at: created = null, updated_at: updated = null } = row;
  database.run(
    `INSERT INTO members (id, status, profile, created_at, updated_at, enrolled_at) VALUES (?, ?, x'', ?, ?, ?)`,
    ...[id, status, created, updated, updated],
  );
  const key = vault.createKey(id);
  const profile = seal(key, textOf({ name: String(row['name']), groups: [], consent: null }), profileBinding2(id));
  database.run('UPDATE members SET profile = ? WHERE id = ?', profile, id);
  return key;
}

function sealTemplate(database: Database, row: Row, key: Uint8Array): void {
  const [member, space] = [String(row['member']), String(row['space'])];
  const { id = null, quality = null, source = null, created_at: created = null } = row;
  // Without a check: a broken vector is found later and affects only its member.
  const sealed = seal(key, row['vector'] as Uint8Array, templateBinding2(member, space));
  database.run(
    'INSERT INTO templates (id, member, space, sealed, quality, source, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
    ...[id, member, space, sealed, quality, source, created],
  );
}

const textOf = (profile: Profile): Buffer => Buffer.from(JSON.stringify(profile), 'utf8');

/** What version 2 bound a profile and a template to. */
const profileBinding2 = (member: string): Binding => ['profile', member, 1];
const templateBinding2 = (member: string, space: string): Binding => ['template', member, space, 1];

/**
 * From version 2 to 3: the seals also cover the unencrypted data that decides who may enter (status, validity, duress
 * ids; of a template, its source). Data that cannot be opened is not changed and is found as damaged.
 */
export function bindRights({ database, keyring }: { readonly database: Database; readonly keyring: Keyring }): void {
  const vault = new MemberVault(database, keyring);
  const rows = database.all(
    'SELECT members.*, wrapped, box_version FROM members JOIN member_keys ON member_keys.member = members.id',
  );
  for (const row of rows) {
    const id = String(row['id']);
    try {
      const key = vault.unwrap(id, row);
      bindProfile(database, vault, row, key);
      for (const template of database.all('SELECT * FROM templates WHERE member = ?', id))
        bindTemplate(database, template, key);
      key.fill(0);
    } catch (error) {
      if (!isDamage(error)) throw error;
    }
  }
}

function bindProfile(database: Database, vault: MemberVault, row: Row, key: Uint8Array): void {
  const id = String(row['id']);
  const plain = unseal(key, row['profile'] as Uint8Array, profileBinding2(id));
  if (plain === null) return;
  const profile = JSON.parse(plain.toString('utf8')) as Profile;
  const sealed = vault.sealProfile(id, profile, rightsIn(database, id, row), key);
  database.run('UPDATE members SET profile = ? WHERE id = ?', sealed, id);
}

function bindTemplate(database: Database, row: Row, key: Uint8Array): void {
  const binding = {
    member: String(row['member']),
    space: String(row['space']),
    source: row['source'] as TemplateSource,
  };
  const plain = unseal(key, row['sealed'] as Uint8Array, templateBinding2(binding.member, binding.space));
  if (plain === null || plain.length === 0 || plain.length % 4 !== 0) return;
  const vector = vectorOf(plain);
  plain.fill(0);
  database.run(
    'UPDATE templates SET sealed = ? WHERE id = ?',
    SEALED_CODEC.seal(vector, binding, key),
    Number(row['id']),
  );
  vector.fill(0);
}
