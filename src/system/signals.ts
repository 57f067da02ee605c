import { outputGone } from './output';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/**
 * One stop often sends two signals: `timeout` signals the process and then its group, and so do npm and some service
 * managers. Within this time a second signal belongs to the same request.
 */
export const SAME_STOP_MS = 1000;

/** Exit code of an interrupted command, as shells report SIGINT. */
export const INTERRUPTED = 130;

export interface StopRequest {
  /** Aborted at the first signal. */
  readonly asked: AbortSignal;
  /** Aborted at a signal later than `SAME_STOP_MS` after the first: the person does not want to wait. */
  readonly hurried: AbortSignal;
  /** Stops handling the signals: from then on they end the process at once. */
  release(): void;
}

/** Handles SIGTERM, SIGINT and SIGHUP: from here on they do not end the process by themselves. */
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
 * Resolves at the first signal, or when the output has no reader. For commands that only watch: they lose nothing if a
 * second signal ends the process at once.
 */
export async function untilStopped(): Promise<void> {
  const { asked, hurried } = listenForStop();
  hurried.addEventListener('abort', () => process.exit(INTERRUPTED), { once: true });
  await Promise.race([whenAborted(asked), whenAborted(outputGone)]);
}

/** The parent controls how children end. Signals to the whole group (Ctrl-C, `timeout`) are not for them. */
export function ignoreGroupSignals(): void {
  for (const signal of SIGNALS) process.on(signal, () => undefined);
}

/** A process without further work is ended after this time, even if a handle is open. */
const LINGER_MS = 2000;

/**
 * Call it when everything has stopped. An open handle (a library's socket, a timer) must not keep the process alive,
 * since its unit would hang until it is killed. @param lingering called with the open handles, just before the exit
 */
export function endSoon(lingering: (holds: string) => void): void {
  setTimeout(() => {
    lingering(process.getActiveResourcesInfo().join(' '));
    process.exit();
  }, LINGER_MS).unref();
}
