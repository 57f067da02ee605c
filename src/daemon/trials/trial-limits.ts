/** Limits for a candidate. */
export interface TrialLimits {
  readonly startMs: number;
  /** Time next to the running model, on the same frames. */
  readonly shadowMs: number;
  /** At most this long until a person was in view: a model that never saw a face must not decide at a door. */
  readonly seenMs: number;
  readonly probationMs: number;
  /** Required share of equal decisions, if at least `minCompared` frames could be compared. */
  readonly minAgreement: number;
  readonly minCompared: number;
  /** Too slow is slower than this many times the running model and slower than `latencyMs`. */
  readonly latencyRatio: number;
  readonly latencyMs: number;
  /** Highest share of the frames on probation for which the running model steps in. */
  readonly maxStepIns: number;
  /** More resident memory than the running child by this much is too much, or a leak. */
  readonly memoryMiB: number;
}
