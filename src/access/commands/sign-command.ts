import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto';
import { UsherError } from '../../errors';
import { signedBytes } from '../../canonical';
import { COMMAND_DOMAIN, type CommandScope, commandStatement } from './command-authority';
import { sha256Hex } from '../../digest';

/** A fleet's or a site's signing key, on the machine of the person who gives orders; never on a box. */
export interface CommandKey {
  readonly keyId: string;
  /** The key that boxes trust. */
  readonly publicKeyPem: string;
  readonly privateKey: KeyObject;
}

/** @param pem Ed25519 private key (`openssl genpkey -algorithm ed25519`). @throws UsherError `data-invalid` */
export function commandKey(pem: string): CommandKey {
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(pem);
  } catch (error) {
    throw notAKey(error);
  }
  if (privateKey.asymmetricKeyType !== 'ed25519') throw notAKey();
  const publicKey = createPublicKey(privateKey);
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  return {
    keyId: sha256Hex(new Uint8Array(raw)).slice(0, 16),
    publicKeyPem: publicKey.export({ format: 'pem', type: 'spki' }).toString(),
    privateKey,
  };
}

export interface CommandTime {
  /** Epoch ms. */
  readonly issuedAt: number;
  readonly lifeMs: number;
}

/** The payload of a signed command, ready to publish. @param args the verb's arguments */
export function signCommand(
  key: CommandKey,
  scope: CommandScope,
  verb: string,
  { id, args }: { readonly id: string; readonly args: Readonly<Record<string, unknown>> },
  { issuedAt, lifeMs }: CommandTime,
): Record<string, unknown> {
  const named = {
    ...args,
    v: 1,
    id,
    issuedAt,
    notAfter: issuedAt + lifeMs,
    nonce: randomBytes(16).toString('hex'),
    key: key.keyId,
  };
  const bytes = new Uint8Array(signedBytes(COMMAND_DOMAIN, commandStatement(scope, verb, named)));
  return { ...named, sig: sign(null, bytes, key.privateKey).toString('hex') };
}

function notAKey(cause?: unknown): UsherError {
  return new UsherError('data-invalid', 'not an Ed25519 private key in PEM', {
    remedy: 'Make one with `usher command-key new FILE`.',
    ...(cause === undefined ? {} : { cause }),
  });
}
