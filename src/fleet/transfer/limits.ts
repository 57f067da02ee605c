/** Bounds of a transfer. */
export const TRANSFER_LIMITS = {
  connectMs: 20_000,
  /**
   * Between two pieces of an answer. A connection of 64 kbit/s that loses a tenth of its packets has pauses of many
   * seconds.
   */
  idleMs: 45_000,
  redirects: 3,
  /**
   * A transfer slower than this over `slowWindowMs` counts as stuck: an attacker may send bytes slowly to keep the box
   * busy.
   */
  minBytesPerSecond: 128,
  slowWindowMs: 60_000,
  /** Limit for one chunk over MQTT. */
  partMs: 45_000,
  /** Attempts in a row without a single new chunk. */
  attemptsInVain: 6,
  backoffMs: 500,
  backoffMaxMs: 20_000,
  /** Number of wrong chunks of one archive after which its source is given up. */
  wrongChunks: 16,
  /** Longest time that a transfer pauses for a door that is busy without a break. */
  yieldMaxMs: 10_000,
  yieldLookMs: 25,
  /** Synced to disk after this many bytes; later bytes are checked again after a power cut. */
  syncBytes: 1024 * 1024,
  /** Kept free on the disk in addition to the archive and its unpacked files. */
  spareBytes: 32 * 1024 * 1024,
  cardBytes: 256 * 1024,
} as const;
export type TransferLimits = Readonly<Record<keyof typeof TRANSFER_LIMITS, number>>;
