/** Which channel of a stereo signal to use. `mix`: the mean of both. */
export type ChannelChoice = 'mix' | 'left' | 'right';

/**
 * If the mean has less than this share of the louder channel's power (-10 dB), it has lost the sound. Two equal
 * channels in phase keep all power, unrelated ones half, one dead channel a quarter. In antiphase (a balanced
 * microphone in a stereo socket, a swapped wire) nothing is left.
 */
const LOST_SHARE = 0.1;
/** A channel this far below the other (-20 dB) does not pick up the room. */
const DEAD_SHARE = 0.01;
/** A block below -55 dB of full scale is electronic noise and says nothing about the wiring. */
const AUDIBLE_POWER = 10 ** -5.5;
const BLOCK_SAMPLES = 4000;
/** Consecutive blocks that must agree: half a second to leave the mean, ten seconds of sound to return to it. */
const LEAVE_AFTER = 2;
const RETURN_AFTER = 40;

export const STEREO_TROUBLES = {
  antiphase: (kept: string) =>
    `its two channels are in antiphase and cancel each other: only the ${kept} one is used. Check the wiring, or set channel: ${kept}`,
  dead: (kept: string) => `only its ${kept} channel carries sound; the other one is not used`,
} as const;
export type StereoFault = keyof typeof STEREO_TROUBLES;

export interface ChannelVerdict {
  readonly choice: ChannelChoice;
  readonly fault: StereoFault | null;
}

/**
 * Chooses the channel, from the power of each channel without its DC offset and their covariance (all per sample, full
 * scale 1).
 * @returns null if the sound is too quiet to judge
 */
export function judgeChannels(left: number, right: number, covariance: number): ChannelVerdict | null {
  const louder = Math.max(left, right);
  if (!(louder >= AUDIBLE_POWER)) return null;
  const choice = left >= right ? 'left' : 'right';
  if (Math.min(left, right) < DEAD_SHARE * louder) return { choice, fault: 'dead' };
  const mean = (left + right + 2 * covariance) / 4;
  return mean < LOST_SHARE * louder ? { choice, fault: 'antiphase' } : { choice: 'mix', fault: null };
}

/** Sums over interleaved stereo samples, from which the powers are computed. */
class StereoPower {
  private count = 0;
  private l = 0;
  private r = 0;
  private ll = 0;
  private rr = 0;
  private lr = 0;

  get samples(): number {
    return this.count;
  }

  add(stereo: Float32Array, from: number, to: number): void {
    let { l, r, ll, rr, lr } = this;
    for (let i = 2 * from; i < 2 * to; i += 2) {
      const left = stereo[i] as number;
      const right = stereo[i + 1] as number;
      l += left;
      r += right;
      ll += left * left;
      rr += right * right;
      lr += left * right;
    }
    this.l = l;
    this.r = r;
    this.ll = ll;
    this.rr = rr;
    this.lr = lr;
    this.count += to - from;
  }

  /** The verdict on the samples since the last call. */
  take(): ChannelVerdict | null {
    const { count, l, r, ll, rr, lr } = this;
    this.count = this.l = this.r = this.ll = this.rr = this.lr = 0;
    if (count === 0) return null;
    return judgeChannels(
      Math.max(0, ll / count - (l / count) ** 2),
      Math.max(0, rr / count - (r / count) ** 2),
      lr / count - (l / count) * (r / count),
    );
  }
}

/**
 * Makes one channel of two. A fixed choice only picks; `auto` starts with the mean and leaves it while the mean loses
 * the sound. The result does not depend on how the samples are split into blocks. Allocates nothing.
 */
export class ChannelMixer {
  private readonly power = new StereoPower();
  private verdict: ChannelVerdict;
  private against = 0;

  constructor(private readonly wanted: ChannelChoice | 'auto') {
    this.verdict = { choice: wanted === 'auto' ? 'mix' : wanted, fault: null };
  }

  /** What is wrong with the two channels. Null if nothing is, or if the choice is fixed. */
  get trouble(): string | null {
    const { choice, fault } = this.verdict;
    return fault === null ? null : STEREO_TROUBLES[fault](choice);
  }

  /**
   * @param stereo interleaved samples, left first
   * @param mono receives `length` samples
   */
  mix(stereo: Float32Array, mono: Float32Array, length: number): void {
    for (let from = 0; from < length;) {
      const to = this.wanted === 'auto' ? Math.min(length, from + BLOCK_SAMPLES - this.power.samples) : length;
      if (this.wanted === 'auto') this.power.add(stereo, from, to);
      pick(stereo, mono, from, to, this.verdict.choice);
      from = to;
      if (this.power.samples === BLOCK_SAMPLES) this.judge();
    }
  }

  private judge(): void {
    const found = this.power.take();
    if (found === null) return;
    if (found.choice === this.verdict.choice && found.fault === this.verdict.fault) {
      this.against = 0;
      return;
    }
    this.against++;
    if (this.against < (found.fault === null ? RETURN_AFTER : LEAVE_AFTER)) return;
    this.verdict = found;
    this.against = 0;
  }
}

/** One channel of a whole recording: the mean of both, or the louder one if the mean loses the sound. */
export function mixRecording(stereo: Float32Array): Float32Array {
  const length = stereo.length >> 1;
  const mono = new Float32Array(length);
  const power = new StereoPower();
  power.add(stereo, 0, length);
  pick(stereo, mono, 0, length, power.take()?.choice ?? 'mix');
  return mono;
}

function pick(stereo: Float32Array, mono: Float32Array, from: number, to: number, choice: ChannelChoice): void {
  if (choice === 'mix') {
    for (let i = from; i < to; i++) mono[i] = ((stereo[2 * i] as number) + (stereo[2 * i + 1] as number)) / 2;
    return;
  }
  const offset = choice === 'left' ? 0 : 1;
  for (let i = from; i < to; i++) mono[i] = stereo[2 * i + offset] as number;
}
