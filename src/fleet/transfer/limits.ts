/** Bounds of a transfer. */
export const TRANSFER_LIMITS = {
  connectMs: 20_000,
  /** Between two pieces of an answer. A link of 64 kbit/s that loses a tenth of its packets has pauses of many seconds. */
  idleMs: 45_000,
  redirects: 3,
  /** Slower than this over `slowWindowMs`, and a transfer counts as stuck: somebody drips bytes to hold the box. */
  minBytesPerSecond: 128,
  slowWindowMs: 60_000,
  /** One part over MQTT, asked for until it is there. */
  partMs: 45_000,
  /** Attempts in a row that bring not one new chunk. */
  attemptsInVain: 6,
  backoffMs: 500,
  backoffMaxMs: 20_000,
  /** Chunks of one archive that may be wrong before its source is given up. */
  wrongChunks: 16,
  /** How long a transfer steps aside for a door that is busy without a pause. */
  yieldMaxMs: 10_000,
  yieldLookMs: 25,
  /** Synced to disk after so many bytes; what lies behind is looked at again after a power cut. */
  syncBytes: 1024 * 1024,
  /** Left free on the disk beside the archive and its unpacked files. */
  spareBytes: 32 * 1024 * 1024,
  cardBytes: 256 * 1024,
} as const;
export type TransferLimits = Readonly<Record<keyof typeof TRANSFER_LIMITS, number>>;
