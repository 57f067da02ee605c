/** When a word that did not activate was nearly one. All in means of the trigger, step by step. */
export interface NearMissState {
  /** Highest mean of the run that is on; 0 when none is. */
  readonly peak: number;
  /** The run activated: what follows it is its end, no near miss. */
  readonly activated: boolean;
}

export const NO_RUN: NearMissState = { peak: 0, activated: false };

/**
 * One more step. A near miss is a run of means at or above `near` that ended without an activation. It is reported
 * once, at its end.
 * @returns the highest mean of the run that has just ended as a near miss, or null
 */
export function stepNearMiss(
  near: number,
  state: NearMissState,
  mean: number,
  fired: boolean,
): { readonly state: NearMissState; readonly missed: number | null } {
  if (mean >= near || fired)
    return { state: { peak: Math.max(state.peak, mean), activated: state.activated || fired }, missed: null };
  if (state.peak === 0) return { state: NO_RUN, missed: null };
  return { state: NO_RUN, missed: state.activated ? null : state.peak };
}
