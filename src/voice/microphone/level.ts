/** How loud it was over a stretch of sound. */
export interface SoundLevel {
  /** Root of the mean square without the direct current, dB of full scale; null for nothing but one value. */
  readonly rmsDbfs: number | null;
  /** Highest magnitude, dB of full scale; null for zeros. */
  readonly peakDbfs: number | null;
  /** Share of samples at full scale. */
  readonly clipped: number;
  /** Mean: the direct current, −1 to 1. */
  readonly offset: number;
  /** Samples that were no numbers. */
  readonly invalid: number;
}

/** 16 bits reach 32767 of 32768. */
const FULL_SCALE = 0.9999;

/** Measures sound as it comes by; allocates nothing until it is asked. */
export class LevelMeter {
  private count = 0;
  private sum = 0;
  private squares = 0;
  private peak = 0;
  private clipped = 0;
  private invalid = 0;
  private last = NaN;
  private same = 0;

  /**
   * Number of latest samples in a row with one value: zeros or a DC offset. A working microphone is never that
   * constant.
   */
  get stuckSamples(): number {
    return this.same;
  }

  get stuckAt(): number {
    return this.last;
  }

  add(samples: Float32Array, length: number, invalid = 0): void {
    let { sum, squares, peak, clipped, last, same } = this;
    for (let i = 0; i < length; i++) {
      const value = samples[i] as number;
      const magnitude = value < 0 ? -value : value;
      sum += value;
      squares += value * value;
      if (magnitude > peak) peak = magnitude;
      if (magnitude >= FULL_SCALE) clipped++;
      if (value === last) same++;
      else {
        last = value;
        same = 1;
      }
    }
    this.count += length;
    this.sum = sum;
    this.squares = squares;
    this.peak = peak;
    this.clipped = clipped;
    this.last = last;
    this.same = same;
    this.invalid += invalid;
  }

  /** The level since the last call; null when nothing came. What is stuck goes on being counted. */
  take(): SoundLevel | null {
    const { count, sum, squares, peak, clipped, invalid } = this;
    if (count === 0) return null;
    const offset = sum / count;
    const power = Math.max(0, squares / count - offset * offset);
    this.count = this.sum = this.squares = this.peak = this.clipped = this.invalid = 0;
    return {
      rmsDbfs: decibels(Math.sqrt(power)),
      peakDbfs: decibels(peak),
      clipped: clipped / count,
      offset,
      invalid,
    };
  }

  /** Another opening of the device: what was stuck before says nothing about it. */
  reopened(): void {
    this.last = NaN;
    this.same = 0;
  }
}

/** Below the last of 24 bits it is rounding. */
function decibels(amplitude: number): number | null {
  return amplitude < 2 ** -24 ? null : Math.min(0, 20 * Math.log10(amplitude));
}
