/** At most `burst` at once, and one more every `everyMs`. */
export interface RateLimit {
  readonly burst: number;
  readonly everyMs: number;
}

/** A rate limit in constant memory. Times are monotonic ms. */
export class TokenBucket {
  private tokens: number;
  private filledAt = -Infinity;

  constructor(private readonly limit: RateLimit) {
    this.tokens = limit.burst;
  }

  take(now: number): boolean {
    this.fill(now);
    if (this.tokens < 1) return false;
    this.tokens--;
    return true;
  }

  /** Milliseconds until `take` succeeds again; 0: it does now. */
  waitMs(now: number): number {
    this.fill(now);
    return this.tokens >= 1 ? 0 : Math.ceil((1 - this.tokens) * this.limit.everyMs);
  }

  private fill(now: number): void {
    if (now <= this.filledAt) return;
    const { burst, everyMs } = this.limit;
    this.tokens = Math.min(burst, this.tokens + (now - this.filledAt) / everyMs);
    this.filledAt = now;
  }
}
