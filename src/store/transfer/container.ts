import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from 'node:crypto';
import { UsherError } from '../../errors';

/**
 * The file of an export:
 *   offset 0  "USHERMEM"  8 bytes
 *          8  version     1 byte, 1
 *          9  log2 of scrypt's N   1 byte
 *         10  salt       16 bytes
 *         26  nonce      12 bytes
 *         38  ciphertext, then 16 bytes tag: ChaCha20-Poly1305, the 38 bytes before as associated data
 * scrypt (RFC 7914) with r = 8, p = 1.
 */
const MAGIC = Buffer.from('USHERMEM');
const VERSION = 1;
const HEADER_BYTES = 38;
const TAG_BYTES = 16;
/** 128 MiB and half a second for each guess, the minimum of OWASP's password storage sheet. */
const SCRYPT_LOG2_N = 17;
/** Limits the cost of a hostile header to that of our own, and refuses files with weaker protection. */
const SCRYPT_LOG2_RANGE = { min: 15, max: 17 };

/** About 60,000 members with three templates each. */
export const CONTAINER_MAX_BYTES = 192 * 1024 * 1024;

export const PASSPHRASE_MIN = 12;

/** @throws UsherError `usage` for a passphrase that is too short */
export function sealContainer(plain: Uint8Array, passphrase: string, log2N = SCRYPT_LOG2_N): Uint8Array {
  checkPassphrase(passphrase);
  if (plain.length + HEADER_BYTES + TAG_BYTES > CONTAINER_MAX_BYTES)
    throw new UsherError('data-invalid', 'there are too many members for one export');
  const header = Buffer.concat([MAGIC, Buffer.from([VERSION, log2N]), randomBytes(16), randomBytes(12)]);
  const key = keyOf(passphrase, header);
  const cipher = createCipheriv('chacha20-poly1305', key, header.subarray(26, 38), { authTagLength: TAG_BYTES });
  key.fill(0);
  cipher.setAAD(header, { plaintextLength: plain.length });
  return Buffer.concat([header, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/**
 * Reads no content before all of it is authenticated.
 * @throws UsherError `data-invalid`: not an export, of a newer usher, altered, truncated, or another passphrase
 */
export function openContainer(bytes: Uint8Array, passphrase: string): Buffer {
  const header = Buffer.from(bytes.subarray(0, HEADER_BYTES));
  if (
    bytes.length < HEADER_BYTES + TAG_BYTES ||
    bytes.length > CONTAINER_MAX_BYTES ||
    !MAGIC.equals(header.subarray(0, 8))
  )
    throw new UsherError('data-invalid', 'this is not an export of members', {
      remedy: 'Name a file that `usher members export` wrote.',
    });
  const log2 = header[9] ?? 0;
  if (header[8] !== VERSION || log2 < SCRYPT_LOG2_RANGE.min || log2 > SCRYPT_LOG2_RANGE.max)
    throw new UsherError('data-invalid', 'this usher does not know the version of this export', {
      remedy: 'Export again with this version, or install the newer usher.',
    });
  const key = keyOf(passphrase, header);
  const decipher = createDecipheriv('chacha20-poly1305', key, header.subarray(26, 38), { authTagLength: TAG_BYTES });
  key.fill(0);
  decipher.setAAD(header, { plaintextLength: bytes.length - HEADER_BYTES - TAG_BYTES });
  decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
  const plain = decipher.update(bytes.subarray(HEADER_BYTES, bytes.length - TAG_BYTES));
  try {
    decipher.final();
    return plain;
  } catch {
    plain.fill(0);
    throw new UsherError(
      'data-invalid',
      'the export cannot be opened: the passphrase is wrong or the file was altered',
      {
        remedy: 'Check the passphrase file. If it is correct, copy the export again.',
      },
    );
  }
}

function keyOf(passphrase: string, header: Buffer): Buffer {
  const N = 2 ** (header[9] ?? 0);
  return scryptSync(passphrase.normalize('NFC'), header.subarray(10, 26), 32, { N, r: 8, p: 1, maxmem: 256 * N * 8 });
}

function checkPassphrase(passphrase: string): void {
  if (passphrase.length < PASSPHRASE_MIN)
    throw new UsherError('usage', `the passphrase has fewer than ${PASSPHRASE_MIN} characters`, {
      remedy: 'openssl rand -base64 24 > passphrase; chmod 600 passphrase',
    });
}
