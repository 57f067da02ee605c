import { monotonicMs } from './clock';

/** The first promise to settle. If the signal comes before, throws the signal's reason. */
export async function abortable<T>(works: readonly Promise<T>[], signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let abort: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([...works, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

export interface PollOptions {
  /** Default: 250. */
  readonly everyMs?: number;
  /** Default: without end. */
  readonly withinMs?: number;
  readonly signal?: AbortSignal;
  /** Each rejects when the condition can no longer become true. */
  readonly failed?: readonly Promise<never>[];
  /** Called before each further check, to throw when a limit is exceeded. */
  readonly check?: () => void;
}

const NEVER = new AbortController().signal;

/**
 * Checks again and again until the condition is true. Ends at once with the first failure, or at the signal.
 * @returns false when the time is over
 */
export async function pollUntil(
  holds: () => boolean | Promise<boolean>,
  { everyMs = 250, withinMs = Infinity, signal = NEVER, failed = [], check }: PollOptions = {},
): Promise<boolean> {
  const deadline = monotonicMs() + withinMs;
  while (!(await holds())) {
    if (monotonicMs() > deadline) return false;
    await abortable([new Promise<void>((resolve) => setTimeout(resolve, everyMs)), ...failed], signal);
    check?.();
  }
  return true;
}
