import { outputGone } from './output';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/**
 * One stop is often signalled twice: `timeout` signals the process and then its group, and so do npm and some service managers.
 * Within this time a further signal is the same request.
 */
export const SAME_STOP_MS = 1000;

/** Of a command that is interrupted, as shells report SIGINT. */
export const INTERRUPTED = 130;

export interface StopRequest {
  /** Aborted at the first signal. */
  readonly asked: AbortSignal;
  /** Aborted at a signal that comes later than `SAME_STOP_MS` after the first: a person does not want to wait. */
  readonly hurried: AbortSignal;
  /** Gives the signals back: from then on they end the process on the spot. */
  release(): void;
}

/** Takes over SIGTERM, SIGINT and SIGHUP: from here on they end nothing by themselves. */
export function listenForStop(): StopRequest {
  const asked = new AbortController();
  const hurried = new AbortController();
  let at = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (!asked.signal.aborted) {
      at = performance.now();
      asked.abort(signal);
    } else if (performance.now() - at > SAME_STOP_MS) hurried.abort(signal);
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return {
    asked: asked.signal,
    hurried: hurried.signal,
    release: () => {
      for (const signal of SIGNALS) process.off(signal, onSignal);
    },
  };
}

/** Resolves when the signal is aborted. */
export function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/**
 * Resolves at the first signal, or when nobody reads the output any more. For commands that only follow something: nothing of theirs is lost when a later signal ends the
 * process at once.
 */
export async function untilStopped(): Promise<void> {
  const { asked, hurried } = listenForStop();
  hurried.addEventListener('abort', () => process.exit(INTERRUPTED), { once: true });
  await Promise.race([whenAborted(asked), whenAborted(outputGone)]);
}

/** The parent decides the order of the end; signals to the whole group (Ctrl-C, `timeout`) are not for its children. */
export function ignoreGroupSignals(): void {
  for (const signal of SIGNALS) process.on(signal, () => undefined);
}

/** After this a process that has nothing left to do is ended, whatever still holds it. */
const LINGER_MS = 2000;

/**
 * Called when all is down. A handle that was left open (a library's socket, a timer) must not keep the process: it would hold its
 * unit until it is killed. @param lingering called with what holds it, just before the end
 */
export function endSoon(lingering: (holds: string) => void): void {
  setTimeout(() => {
    lingering(process.getActiveResourcesInfo().join(' '));
    process.exit();
  }, LINGER_MS).unref();
}
