import type { ServiceManager } from './sd-notify';

/** A part that must make progress for the service to count as alive. Times are monotonic ms. */
export interface Progress {
  readonly name: string;
  /**
   * The last real progress: a cycle of the door logic, an analysed frame or, without those, a step of the supervisor
   * that repairs the part (it reopened a camera or restarted a process).
   */
  readonly at: number;
  /** Longest time without progress. */
  readonly patienceMs: number;
}

/** The door logic runs ten times a second. */
export const LOOP_PATIENCE_MS = 10_000;
/** Longer than a camera or microphone may take to start: the longest wait between two attempts is half of this. */
export const SOURCE_PATIENCE_MS = 60_000;

/** Names of the parts without progress for too long. */
export function stalledParts(parts: readonly Progress[], now: number): string[] {
  return parts.filter(({ at, patienceMs }) => now - at > patienceMs).map(({ name }) => name);
}

/** A third of the manager's limit, so that two lost messages do not kill the service. */
const SHARE = 3;
/** Interval of the check when no watchdog is on; the result is shown by `systemctl status`. */
const LOOK_MS = 10_000;

/**
 * Feeds the service manager's watchdog while all parts make progress, and stops feeding it when one does not. An
 * unplugged camera is no reason to restart the box: the other doors work, and a restart does not plug it in. Repeated
 * attempts to open it count as progress. What stops the feeding is a hang that the supervisors in this process cannot
 * repair: a blocked event loop, a vision process that survives SIGKILL (a driver stuck in the kernel), frames that are
 * never analysed while the camera counts as live.
 * @param onStalled called with the names of stalled parts, and with `''` when all make progress again
 * @returns stops the feeding
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
