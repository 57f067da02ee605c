import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { constants } from 'node:fs';
import { dirname, join } from 'node:path';
import { messageOf, systemCode, UsherError } from '../../errors';
import { signedBytes, type SigningDomain } from '../../canonical';
import { createDurably } from '../../files/durable-file';
import { makeFolder } from '../../files/owner';
import { sha256Hex } from '../../digest';

type Statement = Readonly<Record<string, unknown>>;

/** The box's identity: a party that trusts its public key can distinguish the box's messages from forged ones. */
export interface DeviceKey {
  /** First 16 hex digits of the SHA-256 of the raw public key. */
  readonly keyId: string;
  readonly publicKeyPem: string;
  /** `ed25519:` and the raw public key in base64: one line for a configuration. */
  readonly publicKeyText: string;
  /** Ed25519 over `signedBytes`, 128 lower-case hex digits. */
  sign(domain: SigningDomain, statement: Statement): string;
}

/** A public key that a person decided to trust. */
export interface TrustedKey {
  readonly keyId: string;
  verify(domain: SigningDomain, statement: Statement, signature: string): boolean;
}

const TEXT_FORM = /^ed25519:([A-Za-z0-9+/]{43}=)$/;
/** DER of an Ed25519 SubjectPublicKeyInfo up to the 32 raw bytes (RFC 8410, section 4). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const SIGNATURE = /^[0-9a-f]{128}$/;

export function deviceKeyFile(dataDir: string): string {
  return join(dataDir, 'keys', 'device.pem');
}

/**
 * The box's signing key, created at the first start. The file appears complete or not at all, readable only by its
 * owner. If two processes create it at once, both use the one that was first.
 * @throws UsherError `data-invalid` if others may read the file or it has no Ed25519 key; `store-unavailable` if it
 * cannot be created
 */
export function openDeviceKey(dataDir: string): DeviceKey {
  const file = deviceKeyFile(dataDir);
  try {
    return readKey(file);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw explain(file, error);
  }
  try {
    createKey(file);
    return readKey(file);
  } catch (error) {
    throw explain(file, error);
  }
}

/**
 * @param text `ed25519:BASE64`, or a PEM public key
 * @throws UsherError `data-invalid`
 */
export function trustedKey(text: string): TrustedKey {
  const key = publicKeyOf(text.trim());
  return {
    keyId: keyIdOf(key),
    verify: (domain, statement, signature) =>
      SIGNATURE.test(signature) &&
      verify(null, signedBytes(domain, statement), key, new Uint8Array(Buffer.from(signature, 'hex'))),
  };
}

function publicKeyOf(text: string): KeyObject {
  const raw = TEXT_FORM.exec(text)?.[1];
  try {
    const key =
      raw === undefined
        ? createPublicKey(text)
        : createPublicKey({
            key: Buffer.concat([SPKI_PREFIX, Buffer.from(raw, 'base64')]),
            format: 'der',
            type: 'spki',
          });
    if (key.asymmetricKeyType === 'ed25519' && !text.includes('PRIVATE KEY')) return requireSound(key);
  } catch (error) {
    if (error instanceof UsherError) throw error;
    // The error below does not repeat the text: it may be a private key that was pasted by mistake.
  }
  throw new UsherError('data-invalid', 'not an Ed25519 public key', {
    remedy: 'Take the line that `usher actuator key --box FILE` prints on the box: ed25519: and 44 characters.',
  });
}

/**
 * Points of small order (RFC 7748 and 8032; the list is libsodium's), without their sign bit. Anyone can make
 * signatures under such a key. The first is the placeholder of earlier sample files.
 */
const SMALL_ORDER = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]);

function requireSound(key: KeyObject): KeyObject {
  const raw = Buffer.from(rawOf(key));
  raw[31] = (raw[31] ?? 0) & 0x7f;
  if (!SMALL_ORDER.has(raw.toString('hex'))) return key;
  throw new UsherError('data-invalid', 'this is not a box’s key: anyone can make signatures under it', {
    remedy: 'Replace it by the line that `usher actuator key --box FILE` prints on the box.',
  });
}

function readKey(file: string): DeviceKey {
  // One descriptor for check and read, without following a link, so that the checked file is the one that is read.
  const descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  let pem: string;
  try {
    const { mode } = fstatSync(descriptor);
    if ((mode & 0o077) !== 0)
      throw new UsherError('data-invalid', `${file}: other accounts may read or write it`, {
        remedy: `If no other person can have read it: chmod 600 ${file}. Otherwise delete it; the box makes a new one, which every actuator must then trust.`,
      });
    pem = readFileSync(descriptor, 'utf8');
  } finally {
    closeSync(descriptor);
  }
  const privateKey = createPrivateKey(pem);
  if (privateKey.asymmetricKeyType !== 'ed25519') throw new TypeError('not an Ed25519 key');
  const publicKey = createPublicKey(privateKey);
  return {
    keyId: keyIdOf(publicKey),
    publicKeyPem: String(publicKey.export({ format: 'pem', type: 'spki' })),
    publicKeyText: `ed25519:${rawOf(publicKey).toString('base64')}`,
    sign: (domain, statement) => sign(null, signedBytes(domain, statement), privateKey).toString('hex'),
  };
}

function createKey(file: string): void {
  const { privateKey } = generateKeyPairSync('ed25519');
  makeFolder(dirname(file), 0o700);
  try {
    createDurably(file, privateKey.export({ format: 'pem', type: 'pkcs8' }));
  } catch (error) {
    // Another process has made it meanwhile.
    if (systemCode(error) !== 'EEXIST') throw error;
  }
}

function rawOf(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' }).subarray(SPKI_PREFIX.length);
}

function keyIdOf(key: KeyObject): string {
  return sha256Hex(rawOf(key)).slice(0, 16);
}

function explain(file: string, error: unknown): UsherError {
  if (error instanceof UsherError) return error;
  if (systemCode(error)?.startsWith('E') === true && !String(systemCode(error)).startsWith('ERR_'))
    return new UsherError('store-unavailable', `device key ${file}: ${messageOf(error)}`, {
      remedy: 'Check the disk. The user that runs usher must own the data folder.',
      cause: error,
    });
  return new UsherError('data-invalid', `device key ${file}: it contains no Ed25519 private key in PEM`, {
    remedy: 'Restore a backup of it, or delete it: the box makes a new one, which every actuator must then trust.',
  });
}
