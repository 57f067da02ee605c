import type { Scores } from './det';
import { percentileInterval, type Interval } from './intervals';
import { seededRandom } from './random';

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
 * Person-level bootstrap of FNMR at each target FMR (the "subsets bootstrap" of Bolle, Ratha & Pankanti 2004): persons are drawn with
 * replacement, a comparison counts as often as the product of its persons' draws, and the threshold is set anew in each
 * replicate. This carries what Wilson's interval cannot: pairs that share a person, and a threshold that is itself measured.
 *
 * @returns an interval per target FMR; null where the replicates' thresholds lie beyond the exactly kept impostor tail
 */
export function bootstrapFnmr(
  { genuine, impostor }: Scores,
  people: number,
  weightOf: ImpostorWeight,
  targetFmrs: readonly number[],
  { replicates = 200, seed = 1 }: { replicates?: number; seed?: number } = {},
): readonly (Interval | null)[] {
  const random = seededRandom(seed);
  const drawn = new Int32Array(people);
  const tail = impostor.tail();
  const complete = tail.distances.length === impostor.count;
  const measured = genuine.sorted();
  const rates: number[][] = targetFmrs.map(() => []);

  for (let replicate = 0; replicate < replicates; replicate++) {
    drawn.fill(0);
    for (let i = 0; i < people; i++) {
      const person = random.below(people);
      drawn[person] = (drawn[person] as number) + 1;
    }
    const pairs = weightOf(drawn);
    targetFmrs.forEach((fmr, target) => {
      const threshold = weightedThreshold(fmr * pairs * (1 + 1e-12));
      const rate = threshold === null ? null : weightedFnmr(threshold);
      if (rate !== null) rates[target]?.push(rate);
    });
  }
  return rates.map((values) => (values.length < replicates * 0.95 ? null : percentileInterval(values)));

  /** The distance at which the accepted weight would exceed `allowed`; null when the kept tail ends before that. */
  function weightedThreshold(allowed: number): number | null {
    let accepted = 0;
    for (let i = 0; i < tail.distances.length; i++) {
      accepted += (drawn[tail.first[i] as number] as number) * (drawn[tail.second[i] as number] as number);
      if (accepted > allowed) return tail.distances[i] as number;
    }
    return complete ? Infinity : null;
  }

  /** The threshold itself is excluded: it is the first impostor distance that may no longer be accepted. */
  function weightedFnmr(threshold: number): number | null {
    let refused = 0;
    let all = 0;
    for (let i = 0; i < measured.distances.length; i++) {
      const weight = drawn[measured.people[i] as number] as number;
      all += weight;
      if ((measured.distances[i] as number) >= threshold) refused += weight;
    }
    return all === 0 ? null : refused / all;
  }
}
