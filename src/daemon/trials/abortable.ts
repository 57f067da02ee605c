/** The first of them to settle, unless the signal comes before: then it throws the signal's reason. */
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
  /** Reject when it can hold no more. */
  readonly failed: readonly Promise<never>[];
  /** Before each further time, to throw when a limit is broken. */
  readonly look?: () => void;
}

/** Asks again and again until it holds; ends at once with the first failure, or when the signal comes. */
export async function pollUntil(holds: () => boolean, { signal, failed, look }: LookOptions): Promise<void> {
  while (!holds()) {
    await abortable([new Promise<void>((resolve) => setTimeout(resolve, LOOK_MS)), ...failed], signal);
    look?.();
  }
}
