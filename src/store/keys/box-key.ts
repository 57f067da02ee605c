import { createHmac, timingSafeEqual } from 'node:crypto';
import { UsherError } from '../../errors';
import { KEY_BYTES } from './aead';

/** A key that is at hand. During a rotation there are two: the store tells by its check value which one it is under. */
export interface BoxKeyCandidate {
  readonly slot: 'current' | 'next';
  /** For people: the file or credential it came from. */
  readonly where: string;
  /** 32 bytes. Whoever asked for it overwrites it when done. */
  readonly key: Uint8Array;
}

/**
 * Where the box key comes from. It wraps the members' own keys and nothing else, and lies outside of the database, so that
 * a copy of the database alone opens nothing.
 */
export interface BoxKeySource {
  readonly name: string;
  /**
   * All keys at hand, `next` before `current`: a rotation that finishes in between moves the one to the other, and
   * read in this order the key that the store needs is always among them.
   * @throws UsherError `key-unusable`: readable by others, someone else's, or no key
   */
  read(): BoxKeyCandidate[];
  /** Makes the first key of a new store. @throws UsherError `key-unusable` where only the operator can */
  create(): void;
  /** The key to rotate to, lasting when this returns. @throws UsherError `key-unusable` where only the operator can make one */
  prepareNext(): BoxKeyCandidate;
  /** `next` in place of `current`, the old one destroyed. Returns what is left for the operator to do, if anything. */
  promoteNext(): string | null;
}

/** No key file is longer than this; a device in its place may be endless. */
export const KEY_FILE_MAX_BYTES = 128;

/** 32 raw bytes, or 64 hexadecimal digits and perhaps a line end. @throws UsherError `key-unusable` */
export function parseBoxKey(bytes: Uint8Array, where: string): Uint8Array {
  if (bytes.length === KEY_BYTES) return Uint8Array.from(bytes);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1').trimEnd();
  if (/^[0-9a-fA-F]{64}$/.test(text)) return Uint8Array.from(Buffer.from(text, 'hex'));
  throw new UsherError('key-unusable', `${where} holds no box key (${bytes.length} bytes)`, {
    remedy: 'A box key is 32 random bytes, raw or as 64 hexadecimal digits: openssl rand -hex 32',
  });
}

/** Tells in the database which key it is under. A one-way function of 256 random bits gives nothing away. 32 bytes. */
export function checkValue(key: Uint8Array): Uint8Array {
  return createHmac('sha256', key).update('usher-box-key-check-v1\n').digest();
}

export function matches(key: Uint8Array, check: Uint8Array): boolean {
  return check.length === 32 && timingSafeEqual(checkValue(key), check);
}

/** Best effort: the garbage collector may have moved a copy before, which nothing in JavaScript reaches. */
export function forget(candidates: readonly BoxKeyCandidate[]): void {
  for (const { key } of candidates) key.fill(0);
}
