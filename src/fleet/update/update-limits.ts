/** Limits of an update on one box. Times in ms. */
export const UPDATE_LIMITS = {
  /**
   * Waits between attempts: full jitter below a limit that doubles, so that the boxes of a fleet do not retry at the
   * same time.
   */
  retryMinMs: 2000,
  retryMaxMs: 3_600_000,
  /** Attempts of the test next to the running model, which may fail on a busy machine. */
  trialTries: 3,
  /** How often the daemon may end between switch and commit: the candidate may be the cause. */
  interruptions: 5,
  /** Starts of the daemon under a new configuration before it counts as the cause of the ends. */
  trialBoots: 3,
  deadlineMs: {
    verify: 10 * 60_000,
    /** A week: 4 MB over a bad line. */
    transfer: 7 * 86_400_000,
    stage: 5 * 60_000,
    /** Includes the build of a TensorRT engine. */
    test: 30 * 60_000,
    switch: 60_000,
    settle: 60_000,
    /** Beyond the length of probation, which is a setting. */
    watch: 20 * 60_000,
    revert: 20 * 60_000,
  },
} as const;
