import type { DeviceKey, TrustedKey } from './device-key';

/** Version 1 of the unlock statement. Another version is another domain, so that neither can be shown as the other. */
const DOMAIN = 'usher-unlock-v1';

/** What an unlock says. Times are epoch ms of the box that signs. */
export interface UnlockStatement {
  readonly v: 1;
  readonly door: string;
  /** The decision that granted it. */
  readonly decision: string;
  readonly issuedAt: number;
  /** Void from then on. */
  readonly notAfter: number;
  /** One run of the daemon, and the ordinal within it: strictly rising. */
  readonly bootId: string;
  readonly seq: number;
  /** 16 random bytes in hex. */
  readonly nonce: string;
  readonly durationMs: number;
}

/** The statement, who signed it, and the signature over both. */
export interface Unlock extends UnlockStatement {
  readonly key: string;
  readonly sig: string;
}

/** The key id is signed too: a signature cannot be presented as another key's. */
export function signUnlock(statement: UnlockStatement, key: DeviceKey): Unlock {
  const named = { ...statement, key: key.keyId };
  return { ...named, sig: key.sign(DOMAIN, named) };
}

/** Whether this very statement was signed by this key. */
export function isSignedBy(key: TrustedKey, unlock: Unlock): boolean {
  const { sig, ...named } = unlock;
  return named.key === key.keyId && key.verify(DOMAIN, named, sig);
}
