/** The first promise to settle. If the signal comes before, throws the signal's reason. */
export async function abortable<T>(works: readonly Promise<T>[], signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let cut: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    cut = () => reject(signal.reason as Error);
    signal.addEventListener('abort', cut, { once: true });
  });
  try {
    return await Promise.race([...works, aborted]);
  } finally {
    signal.removeEventListener('abort', cut);
  }
}

const LOOK_MS = 250;

export interface LookOptions {
  readonly signal: AbortSignal;
  /** Each rejects when the condition can no longer become true. */
  readonly failed: readonly Promise<never>[];
  /** Called before each further check, to throw when a limit is exceeded. */
  readonly look?: () => void;
}

/** Checks again and again until the condition is true. Ends at once with the first failure, or at the signal. */
export async function pollUntil(holds: () => boolean, { signal, failed, look }: LookOptions): Promise<void> {
  while (!holds()) {
    await abortable([new Promise<void>((resolve) => setTimeout(resolve, LOOK_MS)), ...failed], signal);
    look?.();
  }
}
