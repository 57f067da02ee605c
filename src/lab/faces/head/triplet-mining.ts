import type { Triplets } from './triplet-loss';

/**
 * Online semi-hard mining (FaceNet, section 3.2). For every two pictures of one person in the batch, of the strangers who are farther
 * from the anchor than the positive the nearest is taken, if within the margin: ‖A−P‖² < ‖A−N‖² < ‖A−P‖² + α. Strangers who are nearer
 * than the positive are passed over: early in training they are mislabelled or spoilt pictures, and drive everything into one
 * point. Only where all are nearer, the farthest of them is taken, so that the pair is not given up.
 *
 * @param squared batch × batch squared L2 distances
 * @param persons whose picture each row is
 */
export function semiHardTriplets(squared: Float32Array, persons: ArrayLike<number>, margin: number): Triplets {
  const count = persons.length;
  const found: { anchor: number[]; positive: number[]; negative: number[] } = {
    anchor: [],
    positive: [],
    negative: [],
  };
  for (let a = 0; a < count; a++)
    for (let p = 0; p < count; p++) {
      if (p === a || persons[p] !== persons[a]) continue;
      const negative = negativeFor(squared, persons, a, squared[a * count + p] as number);
      if (negative === -1 || (squared[a * count + negative] as number) >= (squared[a * count + p] as number) + margin)
        continue;
      found.anchor.push(a);
      found.positive.push(p);
      found.negative.push(negative);
    }
  return {
    anchor: Int32Array.from(found.anchor),
    positive: Int32Array.from(found.positive),
    negative: Int32Array.from(found.negative),
  };
}

/** The nearest other person beyond `reach`, else the farthest within; -1 if the batch has one person only. */
function negativeFor(squared: Float32Array, persons: ArrayLike<number>, anchor: number, reach: number): number {
  const count = persons.length;
  let beyond = -1;
  let within = -1;
  for (let n = 0; n < count; n++) {
    if (persons[n] === persons[anchor]) continue;
    const distance = squared[anchor * count + n] as number;
    if (distance > reach) {
      if (beyond === -1 || distance < (squared[anchor * count + beyond] as number)) beyond = n;
    } else if (within === -1 || distance > (squared[anchor * count + within] as number)) within = n;
  }
  return beyond === -1 ? within : beyond;
}
