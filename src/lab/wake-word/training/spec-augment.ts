import type { Random } from '../../../random';

const MASKS = 2;
const WIDEST_BANDS = 7;
const LONGEST_FRAMES = 9;

/**
 * Blanks stripes of bands and of frames (Park et al. 2019, "SpecAugment"), so that no single formant and no single instant decides.
 * In place, on [frames, bands].
 */
export function specAugment(features: Float32Array, bands: number, random: Random): void {
  const frames = features.length / bands;
  for (let mask = 0; mask < MASKS; mask++) {
    const width = random.below(WIDEST_BANDS + 1);
    const band = random.below(bands - width + 1);
    for (let frame = 0; frame < frames; frame++) features.fill(0, frame * bands + band, frame * bands + band + width);
    const length = random.below(Math.min(LONGEST_FRAMES, frames) + 1);
    const first = random.below(frames - length + 1);
    features.fill(0, first * bands, (first + length) * bands);
  }
}
