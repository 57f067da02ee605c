import { bitsOf, fromBits, nextBelow } from './float32';
import type { GenuineDistances } from './genuine-distances';
import type { ImpostorDistances } from './impostor-distances';
import { wilson, type Interval } from './intervals';

/** Detection error trade-off, by ISO/IEC 19795-1: accept when distance ≤ threshold. */
export interface Scores {
  readonly genuine: GenuineDistances;
  readonly impostor: ImpostorDistances;
}

/** Rates at one threshold. */
export interface OperatingPoint {
  readonly threshold: number;
  /** Share of impostor comparisons accepted. */
  readonly fmr: number;
  /** Share of genuine attempts refused; a picture whose face was not found is a refusal. */
  readonly fnmr: number;
  /** The same over the comparisons that could be made; null if there were none. */
  readonly fnmrAcquired: number | null;
}

/** How reliable an operating point at a target FMR is. */
export type Support =
  /** Fewer than one false match is expected in so few pairs, so no threshold can be measured. */
  | 'not-enough-impostor-pairs'
  /** Fewer than 30 false matches: by Doddington's rule of 30 the true FMR is not within ±30 % of the target (90 % confidence). */
  | 'rough'
  | 'good';

export interface FnmrAtFmr {
  readonly targetFmr: number;
  readonly support: Support;
  readonly impostors: number;
  /** null when `support` is 'not-enough-impostor-pairs'. */
  readonly point: OperatingPoint | null;
  /** Wilson's interval of the FNMR, threshold taken as given. */
  readonly interval: Interval | null;
}

/** G. Doddington et al., "The NIST speaker recognition evaluation", Speech Communication 31 (2000). */
const RULE_OF_30 = 30;

/** Floating-point slack of fmr × pairs: 1e-4 of 10,000 pairs is one pair. */
const expectedFalseMatches = (fmr: number, pairs: number): number => Math.floor(fmr * pairs * (1 + 1e-12));

export function supportAt(fmr: number, impostorPairs: number): Support {
  const expected = expectedFalseMatches(fmr, impostorPairs);
  return expected < 1 ? 'not-enough-impostor-pairs' : expected < RULE_OF_30 ? 'rough' : 'good';
}

/** The largest threshold at which at most the share `fmr` of the impostor comparisons is accepted. */
export function thresholdAtFmr(impostor: ImpostorDistances, fmr: number): number {
  return impostor.thresholdAccepting(expectedFalseMatches(fmr, impostor.count));
}

export function operatingPoint({ genuine, impostor }: Scores, threshold: number): OperatingPoint {
  const refused = genuine.refused(threshold);
  const acquired = genuine.count - genuine.failed;
  return {
    threshold,
    fmr: impostor.count === 0 ? 0 : impostor.accepted(threshold) / impostor.count,
    fnmr: genuine.count === 0 ? 0 : refused / genuine.count,
    fnmrAcquired: acquired === 0 ? null : (refused - genuine.failed) / acquired,
  };
}

export function fnmrAtFmr(scores: Scores, targetFmr: number): FnmrAtFmr {
  const impostors = scores.impostor.count;
  const support = supportAt(targetFmr, impostors);
  if (support === 'not-enough-impostor-pairs' || scores.genuine.count === 0)
    return { targetFmr, support, impostors, point: null, interval: null };
  const point = operatingPoint(scores, thresholdAtFmr(scores.impostor, targetFmr));
  const interval = wilson(scores.genuine.refused(point.threshold), scores.genuine.count);
  return { targetFmr, support, impostors, point, interval };
}

export interface EqualErrorRate {
  readonly eer: number;
  readonly threshold: number;
}

/**
 * Where FMR and FNMR cross. Both are step functions and may cross inside a step; then the interval's middle is given,
 * as in Maio et al., "FVC2000", PAMI 24 (2002). Null without genuine or impostor comparisons.
 */
export function equalErrorRate(scores: Scores): EqualErrorRate | null {
  if (scores.genuine.count === 0 || scores.impostor.count === 0) return null;
  // FMR − FNMR never falls with the threshold; bisect over the bit patterns of non-negative float32, which order as numbers.
  let low = -1;
  let high = bitsOf(Infinity);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    const { fmr, fnmr } = operatingPoint(scores, fromBits(middle));
    if (fmr >= fnmr) high = middle;
    else low = middle;
  }
  const threshold = fromBits(high);
  const after = operatingPoint(scores, threshold);
  if (after.fmr === after.fnmr) return { eer: after.fmr, threshold };
  const before = operatingPoint(scores, nextBelow(threshold));
  const nearer = before.fmr + before.fnmr <= after.fmr + after.fnmr ? before : after;
  return { eer: (nearer.fmr + nearer.fnmr) / 2, threshold: nearer.threshold };
}

/** The curve, for plots: `points` thresholds spread evenly over log FMR, from one false match to all. */
export function detCurve(scores: Scores, points = 200): readonly OperatingPoint[] {
  const pairs = scores.impostor.count;
  if (pairs === 0 || scores.genuine.count === 0) return [];
  const curve: OperatingPoint[] = [];
  let lastAllowed = -1;
  for (let i = 0; i < points; i++) {
    const allowed = Math.round(Math.exp((Math.log(pairs) * i) / (points - 1)));
    if (allowed === lastAllowed) continue;
    lastAllowed = allowed;
    curve.push(operatingPoint(scores, scores.impostor.thresholdAccepting(Math.min(allowed, pairs - 1))));
  }
  return curve;
}
