import { UsherError } from '../../errors';
import { type VectorShape } from '../../store/members/vector';

/**
 * A row of an encoder card's table: with this limit on the distance, this share of impostor comparisons is accepted.
 */
export interface ThresholdRow {
  readonly fmr: number;
  readonly distance: number;
}

/** The part of an encoder's card that doors use. */
export interface EncoderFacts extends VectorShape {
  readonly space: string;
  readonly thresholds: readonly ThresholdRow[];
}

/**
 * The L2 distance up to which two vectors count as one person, for a false-match rate of one comparison. Between rows:
 * linear over log10(fmr), along which the tail of impostor distances is nearly straight. Stricter than the strictest
 * row: extrapolated along the last segment, or along the table's mean slope where that is steeper, so that a flat end
 * (too few impostor pairs were measured) does not fix the threshold. Looser than the loosest row: that row's distance.
 * A row that is looser than a row of a larger rate measures noise and is lowered to it. Never increases as fmr falls.
 * @throws RangeError for a rate outside 0..1; UsherError `model-invalid` for an unusable table
 */
export function distanceFor(table: readonly ThresholdRow[], fmr: number): number {
  if (!(fmr > 0 && fmr < 1)) throw new RangeError(`a false-match rate lies between 0 and 1, not ${fmr}`);
  const rows = normalise(table);
  const wanted = Math.log10(fmr);
  const loosest = rows[0] as Knot;
  if (wanted >= loosest.decade) return loosest.distance;
  for (let i = 1; i < rows.length; i += 1) {
    const looser = rows[i - 1] as Knot;
    const stricter = rows[i] as Knot;
    if (wanted < stricter.decade) continue;
    const share = (wanted - stricter.decade) / (looser.decade - stricter.decade);
    return stricter.distance + share * (looser.distance - stricter.distance);
  }
  return extrapolate(rows, wanted);
}

/**
 * The threshold of a search among `members` persons, for a rate of the whole search: each of N comparisons may
 * contribute an Nth (union bound, on the safe side of 1 − (1 − t)^(1/N)).
 */
export function oneToMany(table: readonly ThresholdRow[], targetFmr: number, members: number): number {
  return distanceFor(table, targetFmr / Math.max(1, members));
}

/** Whether the table was measured down to this rate, or `distanceFor` extrapolates. */
export function isMeasured(table: readonly ThresholdRow[], fmr: number): boolean {
  return table.some((row) => row.fmr <= fmr);
}

interface Knot {
  readonly decade: number;
  readonly distance: number;
}

/** Loosest first, one row a rate, distances falling. */
function normalise(table: readonly ThresholdRow[]): Knot[] {
  const sorted = [...table].sort((a, b) => b.fmr - a.fmr);
  const knots: Knot[] = [];
  for (const { fmr, distance } of sorted) {
    if (!(fmr > 0 && fmr < 1 && distance > 0 && distance < Infinity))
      throw new UsherError('model-invalid', `a threshold row is impossible: fmr ${fmr}, distance ${distance}`);
    const decade = Math.log10(fmr);
    const lowest = Math.min(distance, knots.at(-1)?.distance ?? Infinity);
    if (knots.at(-1)?.decade === decade) knots.pop();
    knots.push({ decade, distance: lowest });
  }
  if (knots.length === 0) throw new UsherError('model-invalid', 'the encoder’s card has no thresholds');
  return knots;
}

function extrapolate(rows: readonly Knot[], wanted: number): number {
  const strictest = rows.at(-1) as Knot;
  const slopeFrom = (row: Knot): number => (row.distance - strictest.distance) / (row.decade - strictest.decade);
  const slope = rows.length < 2 ? 0 : Math.max(slopeFrom(rows.at(-2) as Knot), slopeFrom(rows[0] as Knot));
  if (!(slope > 0))
    throw new UsherError(
      'model-invalid',
      `the encoder’s thresholds end at a false-match rate of ${10 ** strictest.decade} and have no slope to extend`,
      { remedy: 'Measure more rows with `usher eval faces` and put them into the card, or set a larger rate.' },
    );
  return Math.max(0, strictest.distance - slope * (strictest.decade - wanted));
}
