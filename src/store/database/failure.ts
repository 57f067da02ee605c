import { messageOf, systemCode, UsherError } from '../../errors';

/** Primary result codes of SQLite that a person can do something about (https://sqlite.org/rescode.html). */
const ADVICE: Readonly<Record<string, readonly [what: string, remedy: string]>> = {
  SQLITE_FULL: ['the disk is full', 'Free space on this disk; nothing of the last change was kept.'],
  SQLITE_IOERR: ['reading or writing failed', 'Check the disk: its free space, quota, mount and health (dmesg).'],
  SQLITE_READONLY: ['it cannot be written', 'Check that the disk is mounted for writing and who owns the file.'],
  SQLITE_CANTOPEN: ['it cannot be opened', 'Check that the folder exists and who may read and write it.'],
  SQLITE_PERM: ['access is denied', 'Check who owns the file and its folder.'],
  SQLITE_AUTH: ['access is denied', 'Check who owns the file and its folder.'],
  SQLITE_BUSY: ['another process holds it for too long', 'Wait for the other usher command to end, then try again.'],
  SQLITE_LOCKED: ['another process holds it for too long', 'Wait for the other usher command to end, then try again.'],
  SQLITE_CORRUPT: ['it is damaged', 'Put back a backup, or move the file away and enrol the members again.'],
  SQLITE_NOTADB: ['it is no SQLite database', 'Put back a backup, or move the file away and enrol the members again.'],
};

/** The symbolic name of a SQLite failure, such as `SQLITE_FULL`; undefined for every other error. */
export function sqliteCode(thrown: unknown): string | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('sqliteCodeName' in thrown)) return undefined;
  return typeof thrown.sqliteCodeName === 'string' ? thrown.sqliteCodeName : undefined;
}

/** What went wrong with the store at `file`, for the person who must act. An `UsherError` passes unchanged. */
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
        : 'Check that the folder exists on a disk mounted for writing, and who owns it.',
    cause: thrown,
  });
}
