import type { ChildProcess } from 'node:child_process';

const SIGNAL_NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

const own = new Set<ChildProcess>();

/**
 * A program that a command has started for itself (a broker, a daemon that is measured) ends with it, whatever ends the command
 * short of SIGKILL. Where the command listens for signals itself, those stay its own business.
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
