import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { messageOf, systemCode, UsherError } from '../../errors';
import { KEY_BYTES } from './aead';
import { type BoxKeyCandidate, type BoxKeySource, KEY_FILE_MAX_BYTES, parseBoxKey } from './box-key';
import { syncFolder, writeDurably } from '../../files/durable-file';

/**
 * A key file that only its owner can read and that usher creates. Prevents that another account of the box reads the
 * key.
 */
export class FileSource implements BoxKeySource {
  readonly name: string;

  /** @param file absolute path; during a rotation the next key is stored next to it */
  constructor(private readonly file: string) {
    this.name = `key file ${file}`;
  }

  private get next(): string {
    return `${this.file}.next`;
  }

  read(): BoxKeyCandidate[] {
    return [candidateOf(this.next, 'next'), candidateOf(this.file, 'current')].filter((each) => each !== null);
  }

  create(): void {
    this.write(this.file);
  }

  prepareNext(): BoxKeyCandidate {
    this.write(this.next);
    const candidate = candidateOf(this.next, 'next');
    if (candidate === null) throw unreadable(this.next, 'it has disappeared again');
    return candidate;
  }

  promoteNext(): null {
    let old: number | null = null;
    try {
      old = openSync(this.file, constants.O_RDWR | constants.O_NOFOLLOW);
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw unreadable(this.file, messageOf(error), error);
    }
    try {
      renameSync(this.next, this.file);
      syncFolder(dirname(this.file));
      if (old !== null) overwrite(old);
    } catch (error) {
      throw unreadable(this.next, messageOf(error), error);
    } finally {
      if (old !== null) closeSync(old);
    }
    return null;
  }

  private write(file: string): void {
    const key = randomBytes(KEY_BYTES);
    try {
      writeDurably(file, Buffer.from(`${key.toString('hex')}\n`));
    } catch (error) {
      throw unreadable(file, messageOf(error), error);
    } finally {
      key.fill(0);
    }
  }
}

/** The file system may keep the old block elsewhere (flash, snapshots, copy on write); otherwise nothing is left. */
function overwrite(fd: number): void {
  writeSync(fd, new Uint8Array(fstatSync(fd).size), 0, null, 0);
  fsyncSync(fd);
}

/** Null if there is no such file. @throws UsherError `key-unusable` */
function candidateOf(file: string, slot: BoxKeyCandidate['slot']): BoxKeyCandidate | null {
  let fd: number;
  try {
    fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw unreadable(file, messageOf(error), error);
  }
  try {
    // Checks the open file, not the path, so that it cannot be replaced between check and read.
    requirePrivate(fd, file);
    const bytes = Buffer.alloc(KEY_FILE_MAX_BYTES + 1);
    const length = readSync(fd, bytes, 0, bytes.length, 0);
    const key = parseBoxKey(bytes.subarray(0, length), file);
    bytes.fill(0);
    return { slot, where: file, key };
  } finally {
    closeSync(fd);
  }
}

function requirePrivate(fd: number, file: string): void {
  const { uid, mode } = fstatSync(fd);
  if ((mode & constants.S_IFMT) !== constants.S_IFREG)
    throw new UsherError('key-unusable', `${file} is not an ordinary file`, { remedy: 'Name a key file.' });
  if ((mode & 0o077) !== 0)
    throw new UsherError(
      'key-unusable',
      `other accounts can open the box key ${file} (mode ${(mode & 0o777).toString(8)})`,
      {
        remedy: `chmod 600 ${file}; if others may have read it, also replace it: usher keys rotate-box`,
      },
    );
  // The owner of the folder can replace the file anyway, so root may use the data of the account that usher runs as.
  if (uid !== process.getuid?.() && uid !== statSync(dirname(file)).uid)
    throw new UsherError('key-unusable', `the box key ${file} belongs to another account (uid ${uid})`, {
      remedy: `Find out who put it there. If it is correct: chown ${process.getuid?.() ?? ''} ${file}`,
    });
}

function unreadable(file: string, why: string, cause?: unknown): UsherError {
  return new UsherError('key-unusable', `the box key ${file}: ${why}`, {
    remedy: 'Check the owner of the file and its folder, and that the disk is mounted and not full.',
    cause,
  });
}
