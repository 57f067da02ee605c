import type { RequestLimits } from '../../system/http-request';

/** How far a download may go, and how long it may take. */
export interface PullLimits extends RequestLimits {
  /** Attempts in a row that may end without a single new byte. */
  readonly attempts: number;
  /** Ceiling of the first wait; doubles with each attempt in vain, full jitter. */
  readonly backoffMs: number;
  readonly backoffMaxMs: number;
  /** Beginnings again from the first byte, after what was kept turned out to be of no use. */
  readonly restarts: number;
  /** One file, all attempts together: a server that trickles must not hold us for days. */
  readonly totalMs: number;
}

export const PULL_LIMITS: PullLimits = {
  connectMs: 15_000,
  idleMs: 20_000,
  attempts: 5,
  backoffMs: 500,
  backoffMaxMs: 10_000,
  redirects: 5,
  restarts: 2,
  totalMs: 3_600_000,
};

/** For set-up, which has a fallback and must not keep a machine without network waiting. */
export const HASTY_LIMITS: PullLimits = { ...PULL_LIMITS, connectMs: 4_000, attempts: 2 };
