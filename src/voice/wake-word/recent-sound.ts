import { SampleRing } from '../capture/sample-ring';
import { PIECE_SAMPLES, SOUND_RATE_HZ } from '../sources/sound';

/** The latest sound, for a second check of a detected word. */
export const RECENT_MS = 1500;
const RECENT_SAMPLES = (RECENT_MS * SOUND_RATE_HZ) / 1000;

/** Frames of 10 ms over which speech is looked for. */
const FRAME_SAMPLES = 160;
/** A pause between words; within one (a stop like the p of "computer") it is shorter. */
const PAUSE_FRAMES = 12;
/** Speech is louder than the quietest tenth by so much (power). */
const ABOVE_FLOOR = 8;
/** … and not below the loudest frame by more than this (power, 26 dB). */
const BELOW_PEAK = 0.0025;

/** The last 1.5 s, as they were up to two pieces ago. */
export class RecentSound {
  private readonly ring = new SampleRing(RECENT_SAMPLES + 2 * PIECE_SAMPLES);

  add(samples: Float32Array, from: number, length: number): void {
    this.ring.add(samples.subarray(from, from + length));
  }

  reset(): void {
    this.ring.reset();
  }

  /**
   * A copy of the sound before the last `ago` samples (at most two pieces), oldest first; shorter if less was recorded.
   */
  copy(ago = 0): Float32Array {
    return this.ring.last(RECENT_SAMPLES, ago);
  }
}

/** Frames of 10 ms that are louder than the quiet ones around them. */
function speechFrames(sound: Float32Array): boolean[] {
  const frames = Math.floor(sound.length / FRAME_SAMPLES);
  const powers = new Float64Array(frames);
  for (let frame = 0; frame < frames; frame++) {
    let power = 0;
    for (let i = 0; i < FRAME_SAMPLES; i++) power += (sound[frame * FRAME_SAMPLES + i] as number) ** 2;
    powers[frame] = power;
  }
  const sorted = [...powers].sort((a, b) => a - b);
  const floor = sorted[Math.floor(frames / 10)] ?? 0;
  const threshold = Math.max(floor * ABOVE_FLOOR, (sorted.at(-1) ?? 0) * BELOW_PEAK);
  return Array.from(powers, (power) => power > threshold);
}

/**
 * Where the utterance that ends at the end of `sound` began, in samples from its start: back from the last frame of speech to the first
 * pause of 120 ms. An estimate from loudness alone, for people and logs; 0 where speech goes on through all of it.
 */
export function utteranceStart(sound: Float32Array): number {
  const speech = speechFrames(sound);
  let frame = speech.lastIndexOf(true);
  let first = Math.max(frame, 0);
  for (let quiet = 0; frame >= 0 && quiet < PAUSE_FRAMES; frame--) {
    if (speech[frame] === true) {
      first = frame;
      quiet = 0;
    } else quiet++;
  }
  return first * FRAME_SAMPLES;
}

/** Where the last speech in `sound` ends, in samples from its start; 0 if there is none. */
export function utteranceEnd(sound: Float32Array): number {
  return (speechFrames(sound).lastIndexOf(true) + 1) * FRAME_SAMPLES;
}
