import { createHmac, timingSafeEqual } from 'node:crypto';
import { UsherError } from '../../errors';
import { KEY_BYTES } from './aead';

/** An available key. During a rotation there are two; the store's check value shows which one it uses. */
export interface BoxKeyCandidate {
  readonly slot: 'current' | 'next';
  /** For people: the file or credential of the key. */
  readonly where: string;
  /** 32 bytes. The caller overwrites it after use. */
  readonly key: Uint8Array;
}

/**
 * The source of the box key. It wraps only the members' own keys, and is stored outside the database, so that a copy of
 * the database alone opens nothing.
 */
export interface BoxKeySource {
  readonly name: string;
  /**
   * All available keys, `next` before `current`. A rotation that finishes in between moves the one to the other, so in
   * this order the key that the store needs is always among them.
   * @throws UsherError `key-unusable`: readable by others, owned by another account, or not a key
   */
  read(): BoxKeyCandidate[];
  /** Creates the first key of a new store. @throws UsherError `key-unusable` if only the operator can */
  create(): void;
  /**
   * The key to rotate to, durable when this returns. @throws UsherError `key-unusable` if only the operator can create
   * one
   */
  prepareNext(): BoxKeyCandidate;
  /** Replaces `current` by `next` and destroys the old key. @returns what the operator must still do, or null */
  promoteNext(): string | null;
}

/** A longer file is not a key file; a device in its place may be endless. */
export const KEY_FILE_MAX_BYTES = 128;

/** Accepts 32 raw bytes, or 64 hexadecimal digits with or without a line end. @throws UsherError `key-unusable` */
export function parseBoxKey(bytes: Uint8Array, where: string): Uint8Array {
  if (bytes.length === KEY_BYTES) return Uint8Array.from(bytes);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1').trimEnd();
  if (/^[0-9a-fA-F]{64}$/.test(text)) return Uint8Array.from(Buffer.from(text, 'hex'));
  throw new UsherError('key-unusable', `${where} contains no box key (${bytes.length} bytes)`, {
    remedy: 'A box key is 32 random bytes, raw or as 64 hexadecimal digits: openssl rand -hex 32',
  });
}

/**
 * Stored in the database to show which key it uses. A one-way function of 256 random bits reveals nothing. 32 bytes.
 */
export function checkValue(key: Uint8Array): Uint8Array {
  return createHmac('sha256', key).update('usher-box-key-check-v1\n').digest();
}

export function matches(key: Uint8Array, check: Uint8Array): boolean {
  return check.length === 32 && timingSafeEqual(checkValue(key), check);
}

/** Overwrites the keys as far as possible: the garbage collector may have moved copies that JavaScript cannot reach. */
export function forget(candidates: readonly BoxKeyCandidate[]): void {
  for (const { key } of candidates) key.fill(0);
}
