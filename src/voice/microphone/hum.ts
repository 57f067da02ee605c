import { SOUND_RATE_HZ } from '../sources/sound';

/** Samples are averaged in groups of so many: 1 kHz is plenty for the low harmonics of the mains. */
const GROUP = 16;
const RATE_HZ = SOUND_RATE_HZ / GROUP;
/** One second gives a resolution of 1 Hz, well above what the mains' frequency wanders. */
const WINDOW = RATE_HZ;
const MAINS_HZ = [50, 60] as const;
const HARMONICS = 5;
/** Share of the sound's power in one mains' harmonics. A voice moves on within a second and stays far below. */
const HUM_SHARE = 0.9;
/** Seconds in a row: nothing but hum, not a pause between two words. */
const HUM_SECONDS = 10;
/** -80 dB of full scale: below it is the converter's own noise. */
const AUDIBLE_POWER = 1e-8;

export type MainsHz = (typeof MAINS_HZ)[number];

/**
 * Notices sound that is nothing but the hum of the mains, as an open or badly shielded cable gives it. The powers at 50 or 60 Hz and
 * their harmonics come from Goertzel's filters over each second ("An Algorithm for the Evaluation of Finite Trigonometric Series",
 * 1958). Allocates nothing.
 */
export class HumMeter {
  private readonly window = new Float32Array(WINDOW);
  private filled = 0;
  private group = 0;
  private inGroup = 0;
  private power = 0;
  private mean = 0;
  private seconds = 0;
  private current: MainsHz | null = null;

  /** Mains frequency if its hum is the only sound of the last seconds; null if there is other sound. */
  get mainsHz(): MainsHz | null {
    return this.seconds >= HUM_SECONDS ? this.current : null;
  }

  add(samples: Float32Array, length: number): void {
    for (let i = 0; i < length; i++) {
      const value = samples[i] as number;
      this.power += value * value;
      this.group += value;
      if (++this.inGroup < GROUP) continue;
      this.window[this.filled++] = this.group / GROUP;
      this.mean += this.group;
      this.group = this.inGroup = 0;
      if (this.filled === WINDOW) this.judge();
    }
  }

  /** The source was opened again. */
  reset(): void {
    this.filled = this.inGroup = this.group = this.power = this.mean = this.seconds = 0;
    this.current = null;
  }

  private judge(): void {
    const mean = this.mean / SOUND_RATE_HZ;
    const power = this.power / SOUND_RATE_HZ - mean * mean;
    this.filled = this.power = this.mean = 0;
    const heard = power < AUDIBLE_POWER ? null : this.mainsIn(power, mean);
    this.seconds = heard !== null && heard === this.current ? this.seconds + 1 : heard === null ? 0 : 1;
    this.current = heard;
  }

  private mainsIn(power: number, mean: number): MainsHz | null {
    for (const mains of MAINS_HZ) {
      let hum = 0;
      for (let k = 1; k <= HARMONICS; k++) hum += powerAt(this.window, mains * k, mean);
      if (hum >= HUM_SHARE * power) return mains;
    }
    return null;
  }
}

/** Mean power of the sine at `hz` (half its squared amplitude). */
function powerAt(window: Float32Array, hz: number, mean: number): number {
  const turn = 2 * Math.cos((2 * Math.PI * hz) / RATE_HZ);
  let before = 0;
  let last = 0;
  for (let i = 0; i < WINDOW; i++) {
    const next = (window[i] as number) - mean + turn * last - before;
    before = last;
    last = next;
  }
  return (2 * (last * last + before * before - turn * last * before)) / (WINDOW * WINDOW);
}
