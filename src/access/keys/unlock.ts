import type { DeviceKey, TrustedKey } from './device-key';

/**
 * Version 1 of the unlock statement. Another version has another domain, so that neither can be presented as the other.
 */
const DOMAIN = 'usher-unlock-v1';

/** The content of an unlock. Times are epoch ms of the signing box. */
export interface UnlockStatement {
  readonly v: 1;
  readonly door: string;
  /** Id of the decision that granted it. */
  readonly decision: string;
  readonly issuedAt: number;
  /** Expired from then on. */
  readonly notAfter: number;
  /** One run of the daemon, and the number within it, always increasing. */
  readonly bootId: string;
  readonly seq: number;
  /** 16 random bytes in hex. */
  readonly nonce: string;
  readonly durationMs: number;
}

/** The statement, the signer, and the signature over both. */
export interface Unlock extends UnlockStatement {
  readonly key: string;
  readonly sig: string;
}

/** The key id is signed too, so that a signature cannot be presented as another key's. */
export function signUnlock(statement: UnlockStatement, key: DeviceKey): Unlock {
  const named = { ...statement, key: key.keyId };
  return { ...named, sig: key.sign(DOMAIN, named) };
}

/** Whether this key signed exactly this statement. */
export function isSignedBy(key: TrustedKey, unlock: Unlock): boolean {
  const { sig, ...named } = unlock;
  return named.key === key.keyId && key.verify(DOMAIN, named, sig);
}
