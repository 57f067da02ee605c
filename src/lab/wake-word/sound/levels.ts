import { RATE_HZ } from './rate';

const { log10, max, sqrt } = Math;

export const ratioOf = (db: number): number => 10 ** (db / 20);
export const decibels = (ratio: number): number => 20 * log10(max(ratio, 1e-9));

export function rms(samples: Float32Array, start = 0, stop = samples.length): number {
  let sum = 0;
  for (let i = start; i < stop; i++) sum += (samples[i] as number) ** 2;
  return stop > start ? sqrt(sum / (stop - start)) : 0;
}

const FRAME = RATE_HZ / 50;

/**
 * Level of speech where it is active: the root mean square over the 20 ms frames within 15 dB of the loudest (in the manner of
 * ITU-T P.56), so that pauses do not make a speaker soft. The level that signal-to-noise ratios here refer to.
 */
export function activeLevel(samples: Float32Array, start = 0, stop = samples.length): number {
  let loudest = 0;
  for (let at = start; at + FRAME <= stop; at += FRAME) loudest = max(loudest, rms(samples, at, at + FRAME));
  const least = loudest * ratioOf(-15);
  let sum = 0;
  let frames = 0;
  for (let at = start; at + FRAME <= stop; at += FRAME) {
    const level = rms(samples, at, at + FRAME);
    if (level < least || level === 0) continue;
    sum += level * level;
    frames++;
  }
  return frames === 0 ? rms(samples, start, stop) : sqrt(sum / frames);
}

/** Adds `source` times `scale` into `target` from `at` on, as far as either reaches. */
export function mixInto(
  target: Float32Array,
  source: Float32Array,
  at: number,
  scale: number,
  length = source.length,
): void {
  const from = max(0, -at);
  const to = Math.min(length, target.length - at);
  for (let i = from; i < to; i++) target[at + i] = (target[at + i] as number) + scale * (source[i] as number);
}

/** Fades both ends linearly, in place: a cut through a sound is a click otherwise. */
export function fadeEnds(samples: Float32Array, length: number, fade: number): void {
  for (let i = 0; i < fade && i < length; i++) {
    const gain = i / fade;
    samples[i] = (samples[i] as number) * gain;
    samples[length - 1 - i] = (samples[length - 1 - i] as number) * gain;
  }
}
