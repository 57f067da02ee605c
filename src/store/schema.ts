import type { Database, Row } from './database';
import type { Keyring } from './keys/keyring';
import { MemberVault } from './member-vault';
import { Scrubber } from './scrub';
import { openPlain, SEALED_CODEC } from './template-codec';

/** Version 1: members and templates in the clear. */
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
 * Version 2: what is personal is sealed under the member's own key, which the box key wraps. In the clear remains what the
 * doors look up (ids, status, validity) and what retention needs.
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

/** From version 1 to 2: seals everything. Members of that time have no consent on record, which lists show. */
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
  // What was in the clear still lies on free pages' remains and in the log until the file is written anew.
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
  const profile = vault.sealProfile(id, { name: String(row['name']), groups: [], consent: null }, key);
  database.run('UPDATE members SET profile = ? WHERE id = ?', profile, id);
  return key;
}

function sealTemplate(database: Database, row: Row, key: Uint8Array): void {
  const binding = { member: String(row['member']), space: String(row['space']) };
  const vector = openPlain(row['vector'] as Uint8Array, binding);
  const { id = null, quality = null, source = null, created_at: created = null } = row;
  database.run(
    'INSERT INTO templates (id, member, space, sealed, quality, source, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
    ...[id, binding.member, binding.space, SEALED_CODEC.seal(vector, binding, key), quality, source, created],
  );
  vector.fill(0);
}
