/**
 * Waits between attempts: full jitter under a ceiling that doubles. A whole site that lost its broker does not come back in
 * step. (Brooker, "Exponential Backoff And Jitter", 2015.) The floor keeps a lucky draw from spinning.
 */
export class Backoff {
  private readonly minMs: number;
  private readonly maxMs: number;
  private readonly random: () => number;
  private attempts = 0;

  constructor(minMs: number, maxMs: number, random: () => number) {
    this.minMs = minMs;
    this.maxMs = maxMs;
    this.random = random;
  }

  /** Milliseconds to wait before the next attempt. */
  next(): number {
    const ceiling = Math.min(this.maxMs, this.minMs * 2 ** Math.min(this.attempts, 30));
    this.attempts++;
    return Math.round(this.minMs / 2 + this.random() * (ceiling - this.minMs / 2));
  }

  reset(): void {
    this.attempts = 0;
  }
}
