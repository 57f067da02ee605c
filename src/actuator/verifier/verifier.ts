import { messageOf } from '../../errors';
import type { TrustedKey } from '../../access/keys/device-key';
import { isSignedBy, type Unlock } from '../../access/keys/unlock';
import type { UnlockMemory } from './memory';
import { Refusal } from './refusals';

export interface VerifierLimits {
  /** Longest accepted validity of an unlock, ms. */
  readonly maxLifeMs: number;
  /** How far the box's clock may be ahead of this one, ms. */
  readonly skewMs: number;
  readonly maxPerMinute: number;
  /** A longer opening is shortened to this. */
  readonly maxOpenMs: number;
}

export interface VerifierSettings {
  readonly door: string;
  readonly keys: readonly TrustedKey[];
  readonly limits: VerifierLimits;
  /** Epoch ms. */
  readonly wall: () => number;
  /** Null, or why the wall clock cannot be trusted at present. */
  readonly clockDoubt: () => string | null;
  /** Parses bytes to an unlock whose fields all have the right form, or says what is wrong. */
  readonly read: (bytes: Uint8Array) => { ok: true; value: Unlock } | { ok: false; detail: string };
}

export interface Arrival {
  readonly payload: Uint8Array;
  readonly retain: boolean;
}

/** An unlock to obey, already recorded as obeyed. */
export interface Order {
  readonly unlock: Unlock;
  readonly openMs: number;
}

/**
 * Decides whether an unlock is obeyed. Every line is one check and names the attack that it prevents (`REFUSALS`).
 * Order of the checks: no content is believed before its signature is verified, and nothing is recorded before it is
 * believed. The unlock is recorded durably before the caller opens. A crash in between costs one person one opening;
 * the other order would leave a message that opens twice.
 * @throws Refusal
 */
export function verifyUnlock(arrival: Arrival, memory: UnlockMemory, settings: VerifierSettings): Order {
  requireLive(arrival);
  const unlock = readUnlock(arrival, settings);
  requireOurDoor(unlock, settings);
  requireTrustedSignature(unlock, settings);
  const now = requireSureTime(settings);
  requireIssuedBefore(now, unlock, settings);
  requireStillValid(now, unlock);
  requireShortLife(unlock, settings);
  recordOnce(memory, () => {
    requireNotObeyed(unlock, memory);
    requireOrder(unlock, memory, settings);
    requireModerateRate(now, memory, settings);
    memory.record(unlock, now);
  });
  return { unlock, openMs: Math.min(unlock.durationMs, settings.limits.maxOpenMs) };
}

function requireLive({ retain }: Arrival): void {
  if (retain) throw new Refusal('retained', 'a retained message');
}

function readUnlock({ payload }: Arrival, { read }: VerifierSettings): Unlock {
  const decoded = read(payload);
  if (!decoded.ok) throw new Refusal('malformed', decoded.detail);
  return decoded.value;
}

function requireOurDoor(unlock: Unlock, { door }: VerifierSettings): void {
  if (unlock.door !== door) throw new Refusal('wrong-door', `for a door that is not ${door}`);
}

function requireTrustedSignature(unlock: Unlock, { keys }: VerifierSettings): void {
  const key = keys.find(({ keyId }) => keyId === unlock.key);
  if (key === undefined) throw new Refusal('unknown-key', `key ${unlock.key}`);
  if (!isSignedBy(key, unlock)) throw new Refusal('bad-signature', `not signed by key ${unlock.key}`);
}

function requireSureTime({ wall, clockDoubt }: VerifierSettings): number {
  const doubt = clockDoubt();
  if (doubt !== null) throw new Refusal('clock-doubtful', doubt);
  return wall();
}

function requireIssuedBefore(now: number, { issuedAt }: Unlock, { limits }: VerifierSettings): void {
  const ahead = issuedAt - now;
  if (ahead > limits.skewMs) throw new Refusal('from-future', `issued ${ahead} ms ahead, ${limits.skewMs} allowed`);
}

function requireStillValid(now: number, { notAfter }: Unlock): void {
  if (now > notAfter) throw new Refusal('expired', `expired for ${now - notAfter} ms`);
}

function requireShortLife({ issuedAt, notAfter }: Unlock, { limits }: VerifierSettings): void {
  const life = notAfter - issuedAt;
  // An unlock that expires before it is issued is invalid, and its short validity proves nothing.
  if (life < 0 || life > limits.maxLifeMs)
    throw new Refusal('long-lived', `valid for ${life} ms, ${limits.maxLifeMs} allowed`);
}

function requireNotObeyed({ nonce }: Unlock, memory: UnlockMemory): void {
  if (memory.hasObeyed(nonce)) throw new Refusal('seen-nonce', 'obeyed before');
}

/**
 * Within a run the sequence number gives the order, between runs the time of issue. The clock skew is allowed to the
 * run whose first unlock came last, and to an unknown run: the box's clock may have been set back a little between its
 * runs. An unlock of another run does not end the run: an unlock of the previous run that was held back over a quick
 * restart would otherwise shut out the present run.
 */
function requireOrder(
  { key, bootId, seq, issuedAt }: Unlock,
  memory: UnlockMemory,
  { limits }: VerifierSettings,
): void {
  const mark = memory.boot(key, bootId);
  if (mark !== null && seq <= mark.seq) throw new Refusal('sequence', `number ${seq}, but ${mark.seq} was obeyed`);
  const newest = memory.newestIssueOfOtherBoots(key, bootId);
  const latest = mark === null || mark.latest;
  if (newest !== null && (latest ? issuedAt < newest - limits.skewMs : issuedAt <= newest))
    throw new Refusal('older-boot', `issued ${newest - issuedAt} ms before one of another run that was obeyed`);
}

function requireModerateRate(now: number, memory: UnlockMemory, { limits }: VerifierSettings): void {
  const lately = memory.obeyedBetween(now - 60_000, now);
  if (lately >= limits.maxPerMinute) throw new Refusal('rate', `${lately} openings within a minute`);
}

function recordOnce(memory: UnlockMemory, work: () => void): void {
  try {
    memory.atomically(work);
  } catch (error) {
    throw error instanceof Refusal ? error : new Refusal('not-recorded', messageOf(error), error);
  }
}
