import type { WordSpan } from './bank';
import { RATE_HZ } from './rate';

const FRAME = RATE_HZ / 100;
/** Stops of p, t and k inside a word last up to some 120 ms; the pause between words is longer. In frames of 10 ms. */
const BRIDGE = 18;
/** A word of two or three syllables; shorter is a click or a breath. In frames. */
const SHORTEST = 18;
/** Of the way from the noise floor to the loudest frame, in decibels. */
const EDGE_SHARE = 0.3;
/** An edge lies at most so far below the loudest frame: what is softer is the room's decay. In decibels. */
const EDGE_DEPTH_DB = 32;
/** Less above the floor than this, and there is no word to be found. In decibels. */
const LEAST_RANGE_DB = 8;

/**
 * Finds the one spoken word in a clip by energy: frames of 10 ms above an edge between noise floor and loudest frame form
 * islands; islands with gaps as short as a stop consonant's are one; of those the one with most energy (in decibels above the
 * edge, summed) is the word, so that a click at the recording's end, loud but short, is not.
 * @returns null where nothing stands out from the noise
 */
export function findWord(samples: ArrayLike<number>): WordSpan | null {
  const level = frameLevels(samples);
  if (level.length < SHORTEST) return null;
  const sorted = Float32Array.from(level).sort();
  const floor = sorted[Math.floor(sorted.length * 0.15)] as number;
  const peak = sorted[Math.floor(sorted.length * 0.985)] as number;
  if (peak - floor < LEAST_RANGE_DB) return null;
  const edge = Math.max(floor + EDGE_SHARE * (peak - floor), floor + 5, peak - EDGE_DEPTH_DB);

  let best: { start: number; end: number; weight: number } | null = null;
  let start = -1;
  let last = -1;
  let weight = 0;
  const close = (): void => {
    if (start >= 0 && last - start + 1 >= SHORTEST && (best === null || weight > best.weight))
      best = { start, end: last + 1, weight };
    start = -1;
    weight = 0;
  };
  for (let i = 0; i < level.length; i++) {
    const above = (level[i] as number) - edge;
    if (above > 0) {
      if (start < 0) start = i;
      last = i;
      weight += above;
    } else if (start >= 0 && i - last > BRIDGE) close();
  }
  close();
  const found = best as { start: number; end: number } | null;
  return found && { start: found.start * FRAME, end: Math.min(samples.length, found.end * FRAME) };
}

/**
 * Level of each 10 ms in decibels, after the difference filter that takes hum and rumble away and lifts consonants, smoothed over
 * 30 ms.
 */
export function frameLevels(samples: ArrayLike<number>): Float32Array {
  const frames = Math.floor(samples.length / FRAME);
  const energy = new Float32Array(frames);
  let before = 0;
  for (let frame = 0; frame < frames; frame++) {
    let sum = 0;
    for (let i = frame * FRAME; i < (frame + 1) * FRAME; i++) {
      const sample = samples[i] as number;
      const difference = sample - 0.9 * before;
      before = sample;
      sum += difference * difference;
    }
    energy[frame] = sum / FRAME;
  }
  const level = new Float32Array(frames);
  for (let frame = 0; frame < frames; frame++) {
    const left = energy[Math.max(0, frame - 1)] as number;
    const right = energy[Math.min(frames - 1, frame + 1)] as number;
    level[frame] = 10 * Math.log10((left + 2 * (energy[frame] as number) + right) / 4 + 1);
  }
  return level;
}
