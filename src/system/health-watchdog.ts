import type { ServiceManager } from './sd-notify';

/** One thing that must keep going for the service to count as alive. Times are monotonic ms. */
export interface Progress {
  readonly name: string;
  /**
   * The last real progress: a turn of the door logic, a frame that was analysed, or, while there are none, a step of the
   * supervision that is mending it (a camera opened again, a process started again).
   */
  readonly at: number;
  /** It may take so long until the next. */
  readonly patienceMs: number;
}

/** A turn of the door logic is due ten times a second. */
export const LOOP_PATIENCE_MS = 10_000;
/** Beyond the time that a camera or microphone may take to start: the longest wait between two attempts is half of this. */
export const SOURCE_PATIENCE_MS = 60_000;

/** Names of what has made no progress for too long. */
export function stalledParts(parts: readonly Progress[], now: number): string[] {
  return parts.filter(({ at, patienceMs }) => now - at > patienceMs).map(({ name }) => name);
}

/** A third of the time that the manager allows, so that two lost messages do not kill the service. */
const SHARE = 3;
/** How often what has stalled is looked at when no watchdog is on: for `systemctl status`. */
const LOOK_MS = 10_000;

/**
 * Feeds the service manager's watchdog for as long as everything makes progress, and tells it otherwise by keeping silent.
 *
 * An unplugged camera is no reason to restart the whole box: its other doors work, and a restart plugs nothing in. While the
 * supervision opens it again and again, that is the progress. What does starve the watchdog is a hang that the supervision in this
 * process cannot mend: an event loop that stands still, a vision process that even SIGKILL does not end (a driver stuck in the
 * kernel), frames that are never analysed while the camera counts as live.
 *
 * @param onStalled what stands still, and `''` when it goes again
 * @returns ends it
 */
export function feedWatchdog(
  manager: Pick<ServiceManager, 'watchdog' | 'status' | 'watchdogMs'>,
  stalled: () => readonly string[],
  onStalled: (stalled: string) => void,
): () => void {
  let before: string | null = null;
  const look = (): void => {
    const parts = stalled();
    const now = parts.join(', ');
    if (now !== before) {
      if (now !== '' || before !== null) onStalled(now);
      void manager.status(now === '' ? 'watching the doors' : `no progress: ${now}`);
    }
    before = now;
    if (parts.length === 0) void manager.watchdog();
  };
  look();
  const timer = setInterval(look, manager.watchdogMs === null ? LOOK_MS : manager.watchdogMs / SHARE);
  return () => clearInterval(timer);
}
