import { setTimeout as sleep } from 'node:timers/promises';
import { UsherError } from '../../errors';
import { TRANSFER_LIMITS, type TransferLimits } from './limits';

export interface PaceOptions {
  readonly bytesPerSecond: number;
  /** Whether a person stands at a door at present, or a decision is being published. */
  readonly isBusy: () => boolean;
  readonly monotonicMs: () => number;
  readonly limits?: TransferLimits;
}

/**
 * When the next piece may be requested: never faster than the configured rate, and not while a door decides. A token
 * bucket of one second. Without the wait for doors a chunk of 32 KiB on a slow line would delay a swipe.
 */
export class Pace {
  private readonly limits: TransferLimits;
  private tokens: number;
  private at: number;

  constructor(private readonly options: PaceOptions) {
    this.limits = options.limits ?? TRANSFER_LIMITS;
    this.tokens = options.bytesPerSecond;
    this.at = options.monotonicMs();
  }

  /** Resolves when this many bytes may be requested. @throws UsherError `cancelled` */
  async turn(bytes: number, signal?: AbortSignal): Promise<void> {
    const { bytesPerSecond, isBusy, monotonicMs } = this.options;
    const { yieldMaxMs, yieldLookMs } = this.limits;
    const began = monotonicMs();
    while (isBusy() && monotonicMs() - began < yieldMaxMs) await rest(yieldLookMs, signal);
    this.fill();
    // One chunk may be larger than the limit for a second: the rest is then waited for.
    this.tokens -= bytes;
    if (this.tokens < 0) await rest((-this.tokens / bytesPerSecond) * 1000, signal);
    if (signal?.aborted === true) throw cancelled();
  }

  private fill(): void {
    const { bytesPerSecond, monotonicMs } = this.options;
    const now = monotonicMs();
    this.tokens = Math.min(bytesPerSecond, this.tokens + ((now - this.at) / 1000) * bytesPerSecond);
    this.at = now;
  }
}

export function cancelled(): UsherError {
  return new UsherError('cancelled', 'the transfer of a release was cancelled');
}

/** @throws UsherError `cancelled` */
export async function rest(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, signal === undefined ? {} : { signal });
  } catch {
    throw cancelled();
  }
}
