import type { Scores } from './det';
import { percentileInterval, type Interval } from './intervals';
import { seededRandom } from '../../random';

/** How many impostor comparisons each person takes part in, as a function of how often each person was drawn. */
export type ImpostorWeight = (drawn: Int32Array) => number;

/** All pictures against all: Σ over p < q of drawn_p·n_p·drawn_q·n_q. */
export function allPairsWeight(picturesOf: Int32Array): ImpostorWeight {
  return (drawn) => crossWeight(drawn, picturesOf, picturesOf) / 2;
}

/** Enrolled pictures against probes: Σ over p ≠ q of drawn_p·e_p·drawn_q·r_q. */
export function enrolledProbesWeight(enrolledOf: Int32Array, probesOf: Int32Array): ImpostorWeight {
  return (drawn) => crossWeight(drawn, enrolledOf, probesOf);
}

function crossWeight(drawn: Int32Array, left: Int32Array, right: Int32Array): number {
  let lefts = 0;
  let rights = 0;
  let own = 0;
  for (let p = 0; p < drawn.length; p++) {
    const times = drawn[p] as number;
    const l = times * (left[p] as number);
    const r = times * (right[p] as number);
    lefts += l;
    rights += r;
    own += l * r;
  }
  return lefts * rights - own;
}

/**
 * Person-level bootstrap of FNMR at each target FMR (the "subsets bootstrap" of Bolle, Ratha & Pankanti 2004): persons
 * are drawn with replacement, a comparison counts as often as the product of its persons' draws, and the threshold is
 * set again in each replicate. Unlike Wilson's interval, this accounts for pairs that share a person, and for a
 * threshold that is itself measured.
 * @returns an interval for each target FMR; null if the replicates' thresholds lie beyond the exactly kept impostor
 * tail
 */
export function bootstrapFnmr(
  scores: Scores,
  people: number,
  weightOf: ImpostorWeight,
  targetFmrs: readonly number[],
  { replicates = 200, seed = 1 }: { replicates?: number; seed?: number } = {},
): readonly (Interval | null)[] {
  const rates: number[][] = targetFmrs.map(() => []);
  for (const drawn of draws(people, replicates, seed)) {
    const pairs = weightOf(drawn);
    targetFmrs.forEach((fmr, target) => {
      const rate = resampledFnmr(scores, drawn, fmr * pairs);
      if (rate !== null) rates[target]?.push(rate);
    });
  }
  return rates.map((values) => (values.length < replicates * 0.95 ? null : percentileInterval(values)));
}

/**
 * Ratio of the FNMR at one FMR, after / before a change, with both judged on the same draws of persons: a difficult
 * draw is difficult for both, which cancels. Each side has its own threshold for the FMR, set again in each replicate.
 * @returns null if a side cannot be judged, or makes no errors before in more than one draw of twenty
 */
export function bootstrapRatio(
  before: Scores,
  after: Scores,
  people: number,
  weightOf: ImpostorWeight,
  fmr: number,
  { replicates = 1000, seed = 1 }: { replicates?: number; seed?: number } = {},
): Interval | null {
  const ratios: number[] = [];
  for (const drawn of draws(people, replicates, seed)) {
    const allowed = fmr * weightOf(drawn);
    const old = resampledFnmr(before, drawn, allowed);
    const now = resampledFnmr(after, drawn, allowed);
    if (old !== null && now !== null && old > 0) ratios.push(now / old);
  }
  return ratios.length < replicates * 0.95 ? null : percentileInterval(ratios);
}

/** How often each person was drawn, replicate after replicate; the array is reused. */
function* draws(people: number, replicates: number, seed: number): Generator<Int32Array> {
  const random = seededRandom(seed);
  const drawn = new Int32Array(people);
  for (let replicate = 0; replicate < replicates; replicate++) {
    drawn.fill(0);
    for (let i = 0; i < people; i++) {
      const person = random.below(people);
      drawn[person] = (drawn[person] as number) + 1;
    }
    yield drawn;
  }
}

/**
 * FNMR of one draw, at the threshold that accepts at most the weight `allowed`; null if the kept tail ends before that.
 */
function resampledFnmr({ genuine, impostor }: Scores, drawn: Int32Array, allowed: number): number | null {
  const threshold = weightedThreshold(impostor, drawn, allowed * (1 + 1e-12));
  if (threshold === null) return null;
  const { distances, people } = genuine.sorted();
  let refused = 0;
  let all = 0;
  for (let i = 0; i < distances.length; i++) {
    const weight = drawn[people[i] as number] as number;
    all += weight;
    // The threshold itself is excluded: it is the first impostor distance that may no longer be accepted.
    if ((distances[i] as number) >= threshold) refused += weight;
  }
  return all === 0 ? null : refused / all;
}

/** The distance at which the accepted weight would exceed `allowed`. */
function weightedThreshold(impostor: Scores['impostor'], drawn: Int32Array, allowed: number): number | null {
  const tail = impostor.tail();
  let accepted = 0;
  for (let i = 0; i < tail.distances.length; i++) {
    accepted += (drawn[tail.first[i] as number] as number) * (drawn[tail.second[i] as number] as number);
    if (accepted > allowed) return tail.distances[i] as number;
  }
  return tail.distances.length === impostor.count ? Infinity : null;
}
