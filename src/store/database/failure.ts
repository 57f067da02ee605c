import { messageOf, systemCode, UsherError } from '../../errors';

/** Primary result codes of SQLite that a person can act on (https://sqlite.org/rescode.html). */
const ADVICE: Readonly<Record<string, readonly [what: string, remedy: string]>> = {
  SQLITE_FULL: ['the disk is full', 'Free space on this disk. The last change was not stored.'],
  SQLITE_IOERR: ['reading or writing failed', 'Check the disk: its free space, quota, mount and health (dmesg).'],
  SQLITE_READONLY: ['it cannot be written', 'Check that the disk is mounted for writing, and the owner of the file.'],
  SQLITE_CANTOPEN: ['it cannot be opened', 'Check that the folder exists, and its permissions.'],
  SQLITE_PERM: ['access is denied', 'Check the owner of the file and of its folder.'],
  SQLITE_AUTH: ['access is denied', 'Check the owner of the file and of its folder.'],
  SQLITE_BUSY: ['another process locked it for too long', 'Wait for the other usher command to end, then try again.'],
  SQLITE_LOCKED: ['another process locked it for too long', 'Wait for the other usher command to end, then try again.'],
  SQLITE_CORRUPT: ['it is damaged', 'Restore a backup, or move the file away and enrol the members again.'],
  SQLITE_NOTADB: [
    'it is not an SQLite database',
    'Restore a backup, or move the file away and enrol the members again.',
  ],
};

/** The symbolic name of a SQLite failure, such as `SQLITE_FULL`; undefined for every other error. */
export function sqliteCode(thrown: unknown): string | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('sqliteCodeName' in thrown)) return undefined;
  return typeof thrown.sqliteCodeName === 'string' ? thrown.sqliteCodeName : undefined;
}

/** The error for a person about the store at `file`. An `UsherError` passes unchanged. */
export function storeUnavailable(file: string, thrown: unknown): UsherError {
  if (thrown instanceof UsherError) return thrown;
  const advice = ADVICE[sqliteCode(thrown) ?? ''];
  if (advice !== undefined)
    return new UsherError('store-unavailable', `the store ${file}: ${advice[0]} (${messageOf(thrown)})`, {
      remedy: advice[1],
      cause: thrown,
    });
  return new UsherError('store-unavailable', `the store ${file}: ${messageOf(thrown)}`, {
    remedy:
      systemCode(thrown) === 'ENOSPC'
        ? 'Free space on this disk.'
        : 'Check that the folder exists on a disk mounted for writing, and its owner.',
    cause: thrown,
  });
}
