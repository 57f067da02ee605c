/** What a candidate must keep to. */
export interface TrialLimits {
  readonly startMs: number;
  /** Beside the running model, on the same frames. */
  readonly shadowMs: number;
  /** … and for so long at most, until somebody was in view: a model that never saw a face is not let onto a door. */
  readonly seenMs: number;
  readonly probationMs: number;
  /** Share of equal decisions, where at least `minCompared` frames could be compared. */
  readonly minAgreement: number;
  readonly minCompared: number;
  /** Slower than so many times the running model, and slower than `latencyMs`: too slow. */
  readonly latencyRatio: number;
  readonly latencyMs: number;
  /** Share of the frames on probation that the running model may have to step in for. */
  readonly maxStepIns: number;
  /** More resident memory than the running child by so much: too much, or a leak. */
  readonly memoryMiB: number;
}
