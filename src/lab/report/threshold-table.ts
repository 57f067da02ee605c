import type { ThresholdRow } from '../../inference/card';
import { fnmrAtFmr, supportAt, type Scores } from './det';

/** Rates that a door may be asked for; a card's table holds those that the data can tell. */
const CARD_FMRS = [1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6, 1e-6] as const;

/**
 * The rows of a card's threshold table. Rates that rest on fewer than 30 false matches are left out: a card outlives the
 * measurement, and a threshold that two chance pairs decided would look as sure as the others.
 */
export function thresholdRows(scores: Scores, measuredOn: string): ThresholdRow[] {
  return CARD_FMRS.flatMap((fmr) => {
    const { point } = fnmrAtFmr(scores, fmr);
    if (point === null || point.threshold <= 0 || supportAt(fmr, scores.impostor.count) !== 'good') return [];
    // Rounded down: a looser threshold would break the promise of the row.
    return [{ fmr, distance: Math.floor(point.threshold * 1e5) / 1e5, fnmr: point.fnmr, measuredOn }];
  });
}
