/**
 * A pair of a data set's protocol. `distance` Infinity: a face was not found, so the answer can only be "different".
 */
export interface JudgedPair {
  readonly distance: number;
  readonly same: boolean;
}

export interface FoldAccuracy {
  readonly mean: number;
  /** Standard error of the mean over the folds. */
  readonly standardError: number;
  readonly folds: readonly { readonly accuracy: number; readonly threshold: number }[];
}

/**
 * LFW's "view 2" protocol (Huang et al. 2007): each fold is tested with the threshold that was best on all others, so
 * that no pair influences its own threshold. Null with fewer than two folds that have pairs.
 */
export function crossValidatedAccuracy(folds: readonly (readonly JudgedPair[])[]): FoldAccuracy | null {
  const filled = folds.filter((fold) => fold.length > 0);
  if (filled.length < 2) return null;
  const results = filled.map((fold, held) => {
    const threshold = bestThreshold(filled.flatMap((other, i) => (i === held ? [] : other)));
    return { accuracy: accuracyAt(fold, threshold), threshold };
  });
  const mean = results.reduce((sum, { accuracy }) => sum + accuracy, 0) / results.length;
  const squares = results.reduce((sum, { accuracy }) => sum + (accuracy - mean) ** 2, 0);
  return { mean, standardError: Math.sqrt(squares / (results.length - 1) / results.length), folds: results };
}

export function accuracyAt(pairs: readonly JudgedPair[], threshold: number): number {
  let right = 0;
  for (const { distance, same } of pairs) if (distance <= threshold === same) right++;
  return right / pairs.length;
}

/** Midpoint of the first gap between two distances with the highest accuracy. */
export function bestThreshold(pairs: readonly JudgedPair[]): number {
  const sorted = pairs.filter(({ distance }) => distance !== Infinity).sort((a, b) => a.distance - b.distance);
  // Starts below all distances, where every "different" pair is right. Each step accepts one more pair.
  let score = 0;
  let best = 0;
  let at = -1;
  sorted.forEach(({ distance, same }, i) => {
    score += same ? 1 : -1;
    const tied = sorted[i + 1]?.distance === distance;
    if (!tied && score > best) {
      best = score;
      at = i;
    }
  });
  const below = sorted[at]?.distance;
  const above = sorted[at + 1]?.distance;
  if (below === undefined) return above === undefined ? 0 : above / 2;
  return above === undefined ? below : (below + above) / 2;
}
