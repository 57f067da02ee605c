import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { canonicalJson, signedBytes, type SigningDomain } from '../../canonical';
import { messageOf, systemCode, UsherError } from '../../errors';
import { writeDurably } from '../../files/durable-file';
import { sha256Hex } from '../../digest';

/** What each key signs. Root keys belong in a safe; `targets` signs releases; `online` signs freshness and offers. */
export const KEY_ROLES = ['root', 'targets', 'online'] as const;
export type KeyRole = (typeof KEY_ROLES)[number];

/** The public key as TUF metadata writes it. */
export interface TufKey {
  readonly keytype: 'ed25519';
  readonly scheme: 'ed25519';
  readonly keyval: { readonly public: string };
}

export interface FleetKey {
  /** SHA-256 of the canonical JSON of `tuf`, as python-tuf and others compute it. */
  readonly keyid: string;
  readonly tuf: TufKey;
  readonly file: string;
  sign(bytes: Uint8Array): string;
  signStatement(domain: SigningDomain, statement: Readonly<Record<string, unknown>>): string;
}

/**
 * Makes a key pair; the private key is in `file`, encrypted if there is a passphrase. @throws UsherError `key-unusable`
 */
export function makeKey(file: string, passphrase: string | null): FleetKey {
  const { privateKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({
    format: 'pem',
    type: 'pkcs8',
    ...(passphrase === null ? {} : { cipher: 'aes-256-cbc', passphrase }),
  });
  try {
    writeDurably(file, Buffer.from(pem));
  } catch (error) {
    throw new UsherError('key-unusable', `${file}: ${messageOf(error)}`, { cause: error });
  }
  return fleetKey(file, privateKey);
}

/** @throws UsherError `key-unusable` */
export function readKey(file: string, passphrase: string | null): FleetKey {
  const pem = readPrivate(file);
  try {
    const privateKey = createPrivateKey({ key: pem, format: 'pem', ...(passphrase === null ? {} : { passphrase }) });
    if (privateKey.asymmetricKeyType !== 'ed25519') throw new TypeError('not an Ed25519 key');
    return fleetKey(file, privateKey);
  } catch (error) {
    const locked = pem.includes('ENCRYPTED');
    throw new UsherError('key-unusable', `${file}: ${locked ? 'the passphrase does not open it' : messageOf(error)}`, {
      remedy: locked
        ? 'Name the file that holds the passphrase: --passphrase-file FILE'
        : 'Put back a backup of the key.',
      cause: error,
    });
  }
}

/** Key files of a role in a folder, in the order of their names. */
export function keyFilesOf(folder: string, role: KeyRole): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => new RegExp(`^${role}-\\d+\\.pem$`).test(name))
      .sort((a, b) => Number(/\d+/.exec(a)?.[0]) - Number(/\d+/.exec(b)?.[0]))
      .map((name) => path.join(folder, name));
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw new UsherError('key-unusable', `${folder}: ${messageOf(error)}`, { cause: error });
  }
}

export function keyIdOf(key: TufKey): string {
  return sha256Hex(canonicalJson(key));
}

function fleetKey(file: string, privateKey: KeyObject): FleetKey {
  const raw = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32);
  const tuf: TufKey = { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: raw.toString('hex') } };
  return {
    keyid: keyIdOf(tuf),
    tuf,
    file,
    sign: (bytes) => sign(null, bytes, privateKey).toString('hex'),
    signStatement: (domain, statement) =>
      sign(null, new Uint8Array(signedBytes(domain, statement)), privateKey).toString('hex'),
  };
}

function readPrivate(file: string): string {
  let fd: number;
  try {
    fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    throw new UsherError('key-unusable', `${file}: ${messageOf(error)}`, {
      remedy: 'Bring the key here (from the safe, for a root key), or name its folder with --keys DIR.',
      cause: error,
    });
  }
  try {
    const { mode } = fstatSync(fd);
    if ((mode & 0o077) !== 0)
      throw new UsherError('key-unusable', `${file}: others than its owner may read it`, {
        remedy: `chmod 600 ${file}; if others may have read it, change it: usher fleet rotate`,
      });
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}
