/**
 * Decides whether the date can be trusted for deletion by age. A wall clock can be wrong at every start (no battery, a forged time
 * server), so trust has to be earned by running time, which CLOCK_MONOTONIC measures and no one can set.
 *
 * Every check of both clocks adds the running time to a credit, and subtracts what the wall clock moved in addition. Time for which
 * the box was off looks like a clock that was set forward, so the limits let a box that is off for a third of the day, or over a
 * long weekend, still earn its credit. A forged clock that is moved by less than `leapMs` at a time makes time pass at most
 * `1 + offPerOn` times as fast as it does; one that is moved further is not trusted until a person confirms it.
 */
const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

export const PROOF_LIMITS = {
  /** Running time that a date needs before it is trusted. */
  steadyMs: DAY_MS,
  /** Upper limit of the credit. */
  creditMaxMs: 2 * DAY_MS,
  /** Time during which the box is off that costs as much credit as running for 1 ms earns. */
  offPerOn: 3,
  /** A longer leap is not trusted until a person accepts the date. */
  leapMs: 7 * DAY_MS,
  /** How far the date may be behind the last trusted one. */
  behindMs: HOUR_MS,
  /** Deviation that costs nothing: this much for each check, and this share of the running time. */
  slackMs: 1000,
  slackShare: 0.01,
  /** A clock before this was never set. */
  earliest: Date.UTC(2025, 0, 1),
} as const;

export interface Look {
  /** Identifies the boot of the machine, during which the monotonic clock is continuous. */
  readonly boot: string;
  /** Monotonic ms, from 0 at the boot of the machine. */
  readonly mono: number;
  /** Epoch ms. */
  readonly wall: number;
}

export interface DateProof {
  readonly last: Look | null;
  readonly creditMs: number;
  /** Epoch ms; the latest date that was trusted. Null if none was. */
  readonly trustedAt: number | null;
  /** Running time since then. */
  readonly sinceTrustMs: number;
}

export const NO_PROOF: DateProof = { last: null, creditMs: 0, trustedAt: null, sinceTrustMs: 0 };

export type DateDoubt = 'unsteady' | 'leapt' | 'behind';

/** One check of both clocks. @param believed whether the clock watch trusts the clock at present */
export function lookAt(proof: DateProof, look: Look, believed: boolean): DateProof {
  const { last } = proof;
  const elapsed = last === null ? 0 : elapsedSince(last, look);
  const strayed = last === null ? 0 : Math.abs(look.wall - last.wall - elapsed);
  const cost = Math.max(0, strayed - PROOF_LIMITS.slackMs - elapsed * PROOF_LIMITS.slackShare) / PROOF_LIMITS.offPerOn;
  const earned = Math.min(PROOF_LIMITS.creditMaxMs, proof.creditMs + elapsed - cost);
  const next = {
    ...proof,
    last: look,
    // The debt is limited, so that a clock that was wrong once can be trusted again.
    creditMs: Math.max(-PROOF_LIMITS.leapMs / PROOF_LIMITS.offPerOn, believed ? earned : Math.min(0, earned)),
    sinceTrustMs: proof.sinceTrustMs + elapsed,
  };
  return dateDoubt(next) === null
    ? { ...next, trustedAt: Math.max(next.trustedAt ?? 0, look.wall), sinceTrustMs: 0 }
    : next;
}

/** Null: the date of the last check can be trusted. */
export function dateDoubt({ last, creditMs, trustedAt, sinceTrustMs }: DateProof): DateDoubt | null {
  if (last === null) return 'unsteady';
  if (trustedAt !== null) {
    if (last.wall < trustedAt - PROOF_LIMITS.behindMs) return 'behind';
    if (last.wall - trustedAt > PROOF_LIMITS.leapMs + sinceTrustMs) return 'leapt';
  }
  return creditMs < PROOF_LIMITS.steadyMs || last.wall < PROOF_LIMITS.earliest ? 'unsteady' : null;
}

/** A person confirms the date of this check. It must still be steady as long as any other. */
export function acceptDate(look: Look): DateProof {
  return { last: look, creditMs: 0, trustedAt: look.wall, sinceTrustMs: 0 };
}

/** The least time that has passed between two checks. */
function elapsedSince(last: Look, { boot, mono }: Look): number {
  if (boot === '') return 0;
  if (boot !== last.boot) return mono;
  return Math.max(0, mono - last.mono);
}
