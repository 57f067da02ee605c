/** One wrong comparison: indices of two pictures, and their distance. */
export interface WrongPair {
  readonly i: number;
  readonly j: number;
  readonly distance: number;
}

/**
 * Collects the comparisons that are wrong at one threshold from a stream of all. Comparisons that could not be made are
 * left out: there a picture is at fault, not a pair.
 */
export class WrongPairs {
  /** Same person, refused. */
  readonly falseNonMatches: WrongPair[] = [];
  /** Two persons, accepted. */
  readonly falseMatches: WrongPair[] = [];

  constructor(readonly threshold: number) {}

  visit(i: number, j: number, distance: number, same: boolean): void {
    if (distance === Infinity) return;
    if (same === distance <= this.threshold) return;
    (same ? this.falseNonMatches : this.falseMatches).push({ i, j, distance });
  }
}
