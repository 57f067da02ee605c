import { FRAME_SAMPLES, HOP_SAMPLES } from '../../../voice/features/features';
import { STRIDE_FRAMES } from '../network/parameters';

const STEP_SAMPLES = STRIDE_FRAMES * HOP_SAMPLES;
/** Samples that have been heard at the end of step 0. */
const FIRST_STEP_END = (STRIDE_FRAMES - 1) * HOP_SAMPLES + FRAME_SAMPLES;
/** A run of ones after the word has ended (Ng's lecture: a single one would be drowned by zeros); 0.42 s. */
const ONES = 14;
/** Steps on either side of it in which no answer is clearly right, so that any answer is accepted. */
const UNDECIDED = 8;
/** A word is rarer than its absence. */
const WORD_WEIGHT = 1.5;

/** The first step at whose end the sample `end` has been heard. */
export function stepOf(end: number): number {
  return Math.max(0, Math.ceil((end - FIRST_STEP_END) / STEP_SAMPLES));
}

/** Writes target and weight of every step of one clip, `stride` values apart from `offset` on. */
export function labelSteps(
  ends: readonly number[],
  steps: number,
  targets: Float32Array,
  weights: Float32Array,
  { offset, stride }: { offset: number; stride: number },
): void {
  for (let step = 0; step < steps; step++) {
    let target = 0;
    let weight = 1;
    for (const end of ends) {
      const since = step - stepOf(end);
      if (since >= 0 && since < ONES) {
        target = 1;
        weight = WORD_WEIGHT;
        break;
      }
      if (since >= -UNDECIDED && since < ONES + UNDECIDED) weight = 0;
    }
    targets[offset + step * stride] = target;
    weights[offset + step * stride] = weight;
  }
}
