import type { Log } from '../system/log';
import { endSoon } from '../system/signals';

/** A daemon that can be stopped; see `system/take-down.ts`. */
interface Stoppable {
  stop(hurry: AbortSignal): Promise<readonly string[]>;
  readonly unfinished: readonly string[];
}

/**
 * Stops a daemon and logs the result: `stopped`, or the names of the parts that did not stop in time. In that case the
 * process exits here with code 1, since such a part may never stop.
 */
export async function takeDown(daemon: Stoppable, log: Log, hurry: AbortSignal): Promise<void> {
  log.info('stopping');
  const cutShort = (): void =>
    log.error('the process ended before all parts had stopped', { late: daemon.unfinished.join(', ') });
  process.once('exit', cutShort);
  const late = await daemon.stop(hurry);
  process.off('exit', cutShort);
  if (late.length > 0) {
    log.error('stopped, but some parts did not stop in time', { late: late.join(', ') });
    process.exit(1);
  }
  log.info('stopped');
}

/** Call it after the last `takeDown` of the process. */
export function leave(log: Log): void {
  endSoon((holds) => log.warn('ending the process although something still keeps it running', { holds }));
}
