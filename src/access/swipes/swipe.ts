import { createHmac, timingSafeEqual } from 'node:crypto';
import { signedBytes, type SigningDomain } from '../../canonical';
import { sha256Hex } from '../../digest';

/**
 * A reader sends an identifier, not a secret: a card number is printed on the card, and any client that may publish on the broker
 * can write one. Only a key that reader and box share makes it trustworthy.
 *
 * For people who build a reader. The MAC of a swipe is HMAC-SHA256 under the 32 bytes of the reader's key file, as 64 lower-case
 * hex digits, over `usher-swipe-v1`, a newline, and this JSON text: keys in this order, no spaces (RFC 8785):
 *
 *     {"at":1800000000000,"counter":7,"device":"entrance-1","id":"04A211","reader":"reader-1","site":"gym","v":1}
 *
 * `at` is epoch ms. `counter` increases with every swipe and never decreases, even over a restart; a reader without storage
 * uses max(last + 1, epoch ms). What is published on `usher/v1/gym/entrance-1/in/reader-1/swipe` (QoS 1, not retained) is
 *
 *     {"v":1,"id":"04A211","at":1800000000000,"counter":7,"mac":"…"}
 *
 * A door contact does the same under `usher-contact-v1`, with `"door"` for `"reader"` and `"open":true` for `"id"`. On a serial
 * line there is no `at`; what is sent is `SWIPE 04A211 7 <mac>`.
 */
export type SwipeScope = Readonly<Record<'site' | 'device', string>> &
  (Readonly<Record<'reader', string>> | Readonly<Record<'door', string>>);

/** The protected part: the message without its MAC. */
export interface Protected {
  readonly v: 1;
  readonly counter?: number | undefined;
  readonly id?: string;
  readonly open?: boolean;
  /** Absent on a serial line, where a message arrives when it is sent. */
  readonly at?: number;
}

const SWIPE_DOMAIN = 'usher-swipe-v1';
const CONTACT_DOMAIN = 'usher-contact-v1';

/** Prevents that a swipe is altered, or carried to another reader, box or site. */
export function swipeMac(key: Uint8Array, scope: SwipeScope, message: Protected): string {
  return hmac(key, 'door' in scope ? CONTACT_DOMAIN : SWIPE_DOMAIN, { ...withoutMac(message), ...scope });
}

/** Compares in constant time: the duration must not reveal how much of a guess was right. */
export function isMacOf(mac: string, key: Uint8Array, scope: SwipeScope, message: Protected): boolean {
  const expected = Buffer.from(swipeMac(key, scope, message), 'latin1');
  const given = Buffer.from(mac, 'latin1');
  return given.length === expected.length && timingSafeEqual(new Uint8Array(given), new Uint8Array(expected));
}

/** Distinguishes the keys of one reader in the store of counters and reveals nothing about them. */
export function readerKeyId(key: Uint8Array): string {
  return sha256Hex('usher-reader-key-id\n', key).slice(0, 16);
}

function withoutMac(message: Protected): Record<string, unknown> {
  const { v, counter, id, open, at } = message;
  return {
    v,
    ...(counter === undefined ? {} : { counter }),
    ...(id === undefined ? {} : { id }),
    ...(open === undefined ? {} : { open }),
    ...(at === undefined ? {} : { at }),
  };
}

function hmac(key: Uint8Array, domain: SigningDomain, statement: Readonly<Record<string, unknown>>): string {
  return createHmac('sha256', key)
    .update(new Uint8Array(signedBytes(domain, statement)))
    .digest('hex');
}
