import { UsherError } from '../errors';
import type { Database } from './database/database';
import type { Keyring } from './keys/keyring';
import { bindRights, PLAIN_SCHEMA, sealStore } from './schema';
import { SealedFacts } from './keys/sealed-facts';

/** What a migration step may need besides the database. */
export interface MigrationContext {
  readonly database: Database;
  readonly keyring: Keyring;
}

/** Schema versions, oldest first: entry i takes a store from version i to i + 1. Released entries never change. */
const MIGRATIONS: readonly ((context: MigrationContext) => void)[] = [
  ({ database }) => database.exec(PLAIN_SCHEMA),
  sealStore,
  bindRights,
  ({ database, keyring }) => new SealedFacts(database, keyring).sealAll(),
];

export const SCHEMA_VERSION = MIGRATIONS.length;

/**
 * Updates the schema, all steps in one transaction. Forward only: a store of a newer usher is not changed.
 * @throws UsherError `store-unavailable`, `key-unusable`
 */
export function migrate(context: MigrationContext, options: { readonly readonly: boolean }): void {
  const { database } = context;
  if (versionOf(database) === SCHEMA_VERSION) return;
  if (options.readonly)
    throw new UsherError('store-unavailable', `the store ${database.file} was written by an older usher`, {
      remedy: 'Start `usher run` once, or any command that writes, to update it.',
    });
  database.transaction(() => {
    // Checked again inside the transaction: another process may have migrated meanwhile.
    for (const migration of MIGRATIONS.slice(versionOf(database))) migration(context);
    database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
  });
}

function versionOf(database: Database): number {
  const version = database.number('PRAGMA user_version');
  if (version > SCHEMA_VERSION)
    throw new UsherError(
      'store-unavailable',
      `the store ${database.file} has schema version ${version}, this usher knows up to ${SCHEMA_VERSION}`,
      { remedy: 'Install the newer usher that wrote it, or restore an older backup.' },
    );
  return version;
}
