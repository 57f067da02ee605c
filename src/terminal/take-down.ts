import type { Log } from '../system/log';
import { endSoon } from '../system/signals';

/** A daemon that can be stopped; see `system/take-down.ts`. */
interface Stoppable {
  stop(hurry: AbortSignal): Promise<readonly string[]>;
  readonly unfinished: readonly string[];
}

/**
 * Stops a daemon and says how that went: `stopped`, or the names of what was late. Where a part is late the process ends here
 * with exit code 1, since that part may never come down.
 */
export async function takeDown(daemon: Stoppable, log: Log, hurry: AbortSignal): Promise<void> {
  log.info('stopping');
  const cutShort = (): void =>
    log.error('the process ended before everything was down', { late: daemon.unfinished.join(', ') });
  process.once('exit', cutShort);
  const late = await daemon.stop(hurry);
  process.off('exit', cutShort);
  if (late.length > 0) {
    log.error('stopped, but not everything was down in time', { late: late.join(', ') });
    process.exit(1);
  }
  log.info('stopped');
}

/** To be called after the last `takeDown` of the process. */
export function leave(log: Log): void {
  endSoon((holds) => log.warn('ending the process although something still keeps it running', { holds }));
}
