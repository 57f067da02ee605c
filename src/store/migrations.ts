import { UsherError } from '../errors';
import type { Database } from './database';

/** Schema versions, oldest first: entry i takes a store from version i to i + 1. Released entries never change. */
const MIGRATIONS: readonly string[] = [
  `
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
  `,
];

export const SCHEMA_VERSION = MIGRATIONS.length;

/**
 * Brings the schema up to date, all steps in one transaction. Forward only: a store that a newer usher wrote is left alone.
 * @throws UsherError `store-unavailable`
 */
export function migrate(database: Database, options: { readonly readonly: boolean }): void {
  if (versionOf(database) === SCHEMA_VERSION) return;
  if (options.readonly)
    throw new UsherError('store-unavailable', `the store ${database.file} was written by an older usher`, {
      remedy: 'Start `usher run` once, or any command that writes, to bring it up to date.',
    });
  database.transaction(() => {
    // Asked again inside the transaction: another process may have migrated meanwhile.
    for (const migration of MIGRATIONS.slice(versionOf(database))) database.exec(migration);
    database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
  });
}

function versionOf(database: Database): number {
  const version = database.number('PRAGMA user_version');
  if (version > SCHEMA_VERSION)
    throw new UsherError(
      'store-unavailable',
      `the store ${database.file} has schema version ${version}, this usher knows up to ${SCHEMA_VERSION}`,
      { remedy: 'Install the newer usher that wrote it, or put back a backup from before.' },
    );
  return version;
}
