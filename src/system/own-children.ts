import type { ChildProcess } from 'node:child_process';

const SIGNAL_NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

const own = new Set<ChildProcess>();

/**
 * Ends a program that a command started for itself (a broker, a daemon under measurement) when the command ends for any
 * reason but SIGKILL. Signals that the command itself handles are left to it.
 */
export function endWithUs(child: ChildProcess): void {
  if (own.size === 0) {
    process.on('exit', endAll);
    for (const [signal, number] of Object.entries(SIGNAL_NUMBERS) as [NodeJS.Signals, number][])
      if (process.listenerCount(signal) === 0) process.on(signal, () => process.exit(128 + number));
  }
  own.add(child);
  child.once('exit', () => own.delete(child));
}

function endAll(): void {
  for (const child of own) child.kill('SIGTERM');
}
