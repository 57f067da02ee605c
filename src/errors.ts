import { secrets } from './secrets';

/** Every way in which usher fails towards a person. Closed on purpose: a new code is a decision, and the exit code follows from it. */
export type UsherErrorCode =
  | 'usage'
  | 'config-invalid'
  | 'file-unreadable'
  | 'picture-invalid'
  | 'face-unsuitable'
  | 'camera-failed'
  | 'microphone-failed'
  | 'reader-failed'
  | 'model-missing'
  | 'model-invalid'
  | 'download-failed'
  | 'store-unavailable'
  | 'store-locked'
  | 'key-unusable'
  | 'member-unknown'
  | 'member-exists'
  | 'member-damaged'
  | 'broker-failed'
  | 'server-failed'
  | 'message-invalid'
  | 'release-refused'
  | 'dependency-missing'
  | 'data-invalid'
  | 'cancelled';

/** Exit codes of the command line: 2 for what the caller wrote wrong, 3 for what the machine lacks, 1 for the rest. */
const EXIT_CODES: Partial<Record<UsherErrorCode, number>> = {
  usage: 2,
  'config-invalid': 2,
  'dependency-missing': 3,
  'model-missing': 3,
  cancelled: 130,
};

/**
 * An error for the person who must act: `message` says what is wrong and where, `remedy` what to do about it.
 * Never carries vectors, pictures or keys; passwords that a library's text repeats are taken out.
 */
export class UsherError extends Error {
  readonly code: UsherErrorCode;
  readonly remedy: string | undefined;

  constructor(code: UsherErrorCode, message: string, options: { remedy?: string; cause?: unknown } = {}) {
    super(secrets.hide(message), options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'UsherError';
    this.code = code;
    this.remedy = options.remedy;
  }

  get exitCode(): number {
    return EXIT_CODES[this.code] ?? 1;
  }
}

/** The message of anything that was thrown; libraries here throw strings and plain objects too. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) return secrets.hide(thrown.message);
  return secrets.hide(typeof thrown === 'string' ? thrown : JSON.stringify(thrown));
}

/** The `code` of a Node system error (`ENOENT`, `ENOSPC`, …), if it is one. */
export function systemCode(thrown: unknown): string | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}
