import { randomBytes } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { messageOf, systemCode, UsherError } from '../../errors';
import { createDurably } from '../../files/durable-file';

export const READER_KEY_BYTES = 32;
/** A key file has one line; anything longer is another file. */
const MAX_BYTES = 256;

/**
 * The key that a reader and this box share: 32 bytes as 64 hex digits or 44 characters of base64, in a file that only
 * its owner can read.
 * @throws UsherError `file-unreadable`, or `data-invalid` if it has no key or others may read it
 */
export function readReaderKey(file: string): Uint8Array {
  let text: string;
  let mode: number;
  try {
    const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      // Checks the open file, so that the checked file is the one that is read.
      mode = fstatSync(fd).mode;
      const bytes = new Uint8Array(MAX_BYTES);
      text = Buffer.from(bytes.subarray(0, readSync(fd, bytes))).toString('latin1');
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw new UsherError('file-unreadable', `reader key ${file}: ${systemCode(error) ?? messageOf(error)}`, {
      remedy: 'Make one with `usher reader key new FILE`, or correct the path.',
      cause: error,
    });
  }
  if ((mode & 0o077) !== 0)
    throw new UsherError('data-invalid', `reader key ${file}: other accounts may read or write it`, {
      remedy: `Make it private with chmod 600 ${file}. If another person may have read it, make a new one.`,
    });
  const key = decodeReaderKey(text);
  if (key === null)
    throw new UsherError('data-invalid', `reader key ${file}: not 32 bytes in hex or base64`, {
      remedy: 'Make one with `usher reader key new FILE`.',
    });
  return key;
}

export function decodeReaderKey(text: string): Uint8Array | null {
  const line = text.trim();
  if (/^[0-9a-fA-F]{64}$/.test(line)) return new Uint8Array(Buffer.from(line, 'hex'));
  if (/^[A-Za-z0-9+/]{43}=$/.test(line)) return new Uint8Array(Buffer.from(line, 'base64'));
  return null;
}

/** Never overwrites a file. @throws UsherError `usage` if it exists, `file-unreadable` if it cannot be written */
export function createReaderKey(file: string): void {
  try {
    createDurably(file, `${randomBytes(READER_KEY_BYTES).toString('hex')}\n`);
  } catch (error) {
    if (systemCode(error) === 'EEXIST')
      throw new UsherError('usage', `${file} already exists and was not changed`, {
        remedy: 'Name a new file; the old key stays valid until the configuration names the new one.',
      });
    throw new UsherError('file-unreadable', `reader key ${file}: ${messageOf(error)}`, { cause: error });
  }
}
