/** What is wrong with the pace at which samples arrive. */
export type PaceFault =
  { readonly kind: 'rate'; readonly measuredHz: number } | { readonly kind: 'lost'; readonly ms: number };

const WINDOW_MS = 5000;
/** A sound card's clock is off by 0.02 % at most, and what was held up in between comes at once: far apart from another rate. */
const RATE_TOLERANCE = 0.05;
const WRONG_WINDOWS = 2;
/** Shorter ones are lost in the size of a recorder's own periods (125 ms with arecord). */
const LOSS_MS = 150;

/**
 * Compares a live source's samples with the monotonic clock. It detects sound that was lost silently, and a device that
 * runs at another rate than requested: arecord --quiet accepts 48 kHz from a hw: device that cannot do 16, without a
 * message. The delay of each arrival varies with the load; the smallest one of a window is that of the sound itself.
 */
export class SampleClock {
  private startedAt: number | null = null;
  private samples = 0;
  private windowAt = 0;
  private windowSamples = 0;
  private leastDelay = Infinity;
  private before: number | null = null;
  /** Windows in a row that were too fast (positive) or too slow (negative). */
  private wrong = 0;

  constructor(private readonly rateHz: number) {}

  /** A new opening. */
  reset(): void {
    this.startedAt = null;
    this.samples = 0;
    this.leastDelay = Infinity;
    this.before = null;
    this.wrong = 0;
  }

  /** @param now monotonic ms at which `count` samples arrived */
  arrived(now: number, count: number): PaceFault | null {
    if (this.startedAt === null) {
      // The first ones were waiting for who knows how long.
      this.startedAt = this.windowAt = now;
      this.windowSamples = 0;
      return null;
    }
    this.samples += count;
    this.windowSamples += count;
    this.leastDelay = Math.min(this.leastDelay, now - this.startedAt - (this.samples * 1000) / this.rateHz);
    const elapsed = now - this.windowAt;
    return elapsed < WINDOW_MS ? null : this.closeWindow(now, elapsed);
  }

  private closeWindow(now: number, elapsedMs: number): PaceFault | null {
    const measuredHz = (this.windowSamples * 1000) / elapsedMs;
    const late = this.before === null ? 0 : this.leastDelay - this.before;
    this.before = this.leastDelay;
    this.leastDelay = Infinity;
    this.windowAt = now;
    this.windowSamples = 0;
    // Too slow and then too fast is only what was held up.
    const deviation = measuredHz / this.rateHz - 1;
    const side = Math.abs(deviation) > RATE_TOLERANCE ? Math.sign(deviation) : 0;
    this.wrong = side === 0 ? 0 : side === Math.sign(this.wrong) ? this.wrong + side : side;
    if (Math.abs(this.wrong) >= WRONG_WINDOWS) return { kind: 'rate', measuredHz };
    return late > LOSS_MS ? { kind: 'lost', ms: late } : null;
  }
}
