import { quantile } from '../../quantile';

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Two-sided 95 %. */
const Z_95 = 1.959963984540054;

/**
 * Wilson's score interval for `hits` of `trials` (E. B. Wilson 1927), 95 %. Valid for independent trials. Face pairs
 * that share a person are not independent, so compare it with the person-level bootstrap of `bootstrap.ts`.
 */
export function wilson(hits: number, trials: number, z = Z_95): Interval {
  if (trials <= 0) return { low: 0, high: 1 };
  const p = hits / trials;
  const z2 = z * z;
  const centre = (p + z2 / (2 * trials)) / (1 + z2 / trials);
  const half = (z / (1 + z2 / trials)) * Math.sqrt((p * (1 - p)) / trials + z2 / (4 * trials * trials));
  return { low: hits === 0 ? 0 : Math.max(0, centre - half), high: hits === trials ? 1 : Math.min(1, centre + half) };
}

/** The smallest interval that holds both. */
export function widest(a: Interval, b: Interval | null): Interval {
  return b === null ? a : { low: Math.min(a.low, b.low), high: Math.max(a.high, b.high) };
}

/** The middle 95 % of resampled values; null if there are too few. */
export function percentileInterval(values: readonly number[]): Interval | null {
  if (values.length < 40) return null;
  return { low: quantile(values, 0.025), high: quantile(values, 0.975) };
}

/**
 * The exact interval of a rate (Garwood 1936), 95 %: `count` events in `exposure` (for example hours). Valid for
 * independent events. Events of one recording that is played in several noises are not independent, so the interval is
 * too narrow there.
 */
export function poisson(count: number, exposure: number): Interval {
  if (exposure <= 0) return { low: 0, high: Infinity };
  const tail = 0.025;
  const low = count === 0 ? 0 : solve((mean) => 1 - poissonUpTo(count - 1, mean) - tail, 0, count);
  const high = solve((mean) => tail - poissonUpTo(count, mean), count, 2 * count + 20 + 5 * Math.sqrt(count));
  return { low: low / exposure, high: high / exposure };
}

/** Probability of at most `count` events where `mean` are expected. */
function poissonUpTo(count: number, mean: number): number {
  // In logarithms, since exp(−mean) is nothing from 745 on.
  let term = -mean;
  let sum = Math.exp(term);
  for (let k = 1; k <= count; k++) {
    term += Math.log(mean / k);
    sum += Math.exp(term);
  }
  return sum;
}

/** Where a rising function crosses 0. */
function solve(rising: (x: number) => number, low: number, high: number): number {
  for (let i = 0; i < 80; i++) {
    const middle = (low + high) / 2;
    if (rising(middle) < 0) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
