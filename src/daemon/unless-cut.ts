/** The first of them to settle, unless the signal comes before: then it throws the signal's reason. */
export async function unlessCut<T>(works: readonly Promise<T>[], signal: AbortSignal): Promise<T> {
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
