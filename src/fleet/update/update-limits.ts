/** Bounds of an update on one box. Times in ms. */
export const UPDATE_LIMITS = {
  /** Waits between tries: full jitter under a ceiling that doubles, so that a fleet does not come back in step. */
  retryMinMs: 2000,
  retryMaxMs: 3_600_000,
  /** Tries of the test beside the running model, which a busy machine may fail. */
  trialTries: 3,
  /** Times that a candidate may be cut off between switch and commit by an end of the daemon: it may be what ended it. */
  interruptions: 5,
  /** Starts of the daemon under a new configuration before it counts as the cause of its ends. */
  trialBoots: 3,
  deadlineMs: {
    verify: 10 * 60_000,
    /** A week: 4 MB over a bad line. */
    transfer: 7 * 86_400_000,
    stage: 5 * 60_000,
    /** A TensorRT engine build included. */
    test: 30 * 60_000,
    switch: 60_000,
    settle: 60_000,
    /** Beyond the length of probation, which is a setting. */
    watch: 20 * 60_000,
    revert: 20 * 60_000,
  },
} as const;
