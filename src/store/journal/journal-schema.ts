import { randomUUID } from 'node:crypto';
import { UsherError } from '../../errors';
import type { Database } from '../database/database';
import { bodyText } from './journal-body';
import { chained, GENESIS_PREV, type JournalRecord } from './journal-chain';

const SCHEMA_VERSION = 1;

/**
 * `records` is the chain. `outbox` lists the records that must still reach the broker; its `seq` is the number that
 * consumers see, `worth` determines what is dropped first when it is full. `state` has running counts, so that nothing
 * is summed up while a person waits at the door.
 */
const SCHEMA = `
  CREATE TABLE records (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    prev TEXT NOT NULL,
    hash TEXT NOT NULL
  ) STRICT;
  CREATE INDEX records_by_kind ON records (kind, seq) WHERE kind <> 'decision';

  CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY,
    record INTEGER NOT NULL REFERENCES records (seq),
    topic TEXT NOT NULL,
    worth INTEGER NOT NULL,
    bytes INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX outbox_by_worth ON outbox (worth, seq);

  CREATE TABLE state (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    journal TEXT NOT NULL,
    event INTEGER NOT NULL,
    waiting INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    dropped INTEGER NOT NULL
  ) STRICT;
`;

/**
 * Makes an empty file a journal with its genesis record; does not change an existing journal.
 * @throws UsherError `store-unavailable`
 */
export function prepareJournal(database: Database, { readonly, now }: { readonly: boolean; now: () => number }): void {
  if (versionOf(database) === SCHEMA_VERSION) return;
  if (readonly)
    throw new UsherError('store-unavailable', `there is no journal in ${database.file} yet`, {
      remedy: 'Start `usher run` once, or enrol a member.',
    });
  database.transaction(() => {
    // Checked again inside the transaction: another process may have been first.
    if (versionOf(database) === SCHEMA_VERSION) return;
    database.exec(SCHEMA);
    const journal = randomUUID();
    insertRecord(
      database,
      chained(
        { seq: 0, hash: GENESIS_PREV },
        { at: now(), kind: 'genesis', body: bodyText('genesis', { v: 1, journal }) },
      ),
    );
    database.run('INSERT INTO state VALUES (1, ?, 0, 0, 0, 0)', journal);
    database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
  });
}

export function insertRecord(database: Database, { seq, at, kind, body, prev, hash }: JournalRecord): void {
  database.run('INSERT INTO records VALUES (?, ?, ?, ?, ?, ?)', seq, at, kind, body, prev, hash);
}

function versionOf(database: Database): number {
  const version = database.number('PRAGMA user_version');
  if (version > SCHEMA_VERSION)
    throw new UsherError(
      'store-unavailable',
      `the journal ${database.file} has schema version ${version}, this usher knows up to ${SCHEMA_VERSION}`,
      { remedy: 'Install the newer usher that wrote it.' },
    );
  return version;
}
