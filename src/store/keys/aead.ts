import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/**
 * ChaCha20-Poly1305 (RFC 8439): equally fast on processors with and without AES instructions. A random 96-bit nonce is
 * safe here: one key seals at most as many texts as there are members, far below the 2^32 at which repeats matter.
 */
const ALGORITHM = 'chacha20-poly1305';
export const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const FORMAT = 1;

/** Bytes that sealing adds. */
export const SEAL_OVERHEAD = 1 + NONCE_BYTES + TAG_BYTES;

/** What sealed bytes belong to, as a list, so that no two bindings have the same encoding. */
export type Binding = readonly (string | number)[];

/** Format byte, nonce, ciphertext, tag. @param key 32 bytes */
export function seal(key: Uint8Array, plain: Uint8Array, binding: Binding): Uint8Array {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(bindingBytes(binding), { plaintextLength: plain.length });
  const sealed = new Uint8Array(plain.length + SEAL_OVERHEAD);
  sealed[0] = FORMAT;
  sealed.set(nonce, 1);
  sealed.set(cipher.update(plain), 1 + NONCE_BYTES);
  cipher.final();
  sealed.set(cipher.getAuthTag(), sealed.length - TAG_BYTES);
  return sealed;
}

/** Null for anything that this key did not seal for this binding: altered, moved, or foreign. */
export function unseal(key: Uint8Array, sealed: Uint8Array, binding: Binding): Buffer | null {
  if (sealed.length < SEAL_OVERHEAD || sealed[0] !== FORMAT) return null;
  const text = sealed.subarray(1 + NONCE_BYTES, sealed.length - TAG_BYTES);
  const decipher = createDecipheriv(ALGORITHM, key, sealed.subarray(1, 1 + NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(bindingBytes(binding), { plaintextLength: text.length });
  decipher.setAuthTag(tagOf(sealed));
  const plain = decipher.update(text);
  try {
    decipher.final();
    return plain;
  } catch {
    plain.fill(0);
    return null;
  }
}

/** The last 16 bytes. They differ for every sealing, so they identify one. */
export function tagOf(sealed: Uint8Array): Uint8Array {
  return sealed.subarray(sealed.length - TAG_BYTES);
}

function bindingBytes(binding: Binding): Buffer {
  return Buffer.from(JSON.stringify(binding), 'utf8');
}
