import { execFile } from 'node:child_process';
import { messageOf } from '../errors';

/** The messages to the service manager; see sd_notify(3). */
export interface ServiceManager {
  /** Ready: units ordered after this one start, and the watchdog starts to count. */
  ready(): Promise<void>;
  stopping(): Promise<void>;
  /** Reports progress. */
  watchdog(): Promise<void>;
  /** One line for `systemctl status`. */
  status(text: string): Promise<void>;
  /** A `watchdog()` is due within this time, or the manager kills the service. Null: no watchdog is on. */
  readonly watchdogMs: number | null;
}

export type Environment = Record<string, string | undefined>;
/** Runs `systemd-notify` with these arguments and this environment. */
export type Notifier = (args: readonly string[], socket: string) => Promise<void>;

const NO_MANAGER: ServiceManager = {
  ready: () => Promise.resolve(),
  stopping: () => Promise.resolve(),
  watchdog: () => Promise.resolve(),
  status: () => Promise.resolve(),
  watchdogMs: null,
};

/** `systemd-notify` waits until the manager has read the message. If it takes longer than this, the manager hangs. */
const NOTIFY_MS = 5000;

/**
 * The service manager that started this process, or one that does nothing. Removes its variables from `environment`, so
 * that no child (ffmpeg, a recorder) inherits the socket. Node has no AF_UNIX datagram sockets, so this runs
 * `systemd-notify`, which comes with systemd. That is another process, so the unit needs `NotifyAccess=all`. It waits
 * until the manager has read the message (systemd 246): if it had ended by then, the manager could not find its unit
 * and would drop the message.
 */
export function serviceManager(
  environment: Environment,
  pid: number,
  failed: (why: string) => void,
  notify: Notifier = runSystemdNotify,
): ServiceManager {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: usec, WATCHDOG_PID: watched } = environment;
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) Reflect.deleteProperty(environment, name);
  if (socket === undefined || !/^[/@]./.test(socket)) return NO_MANAGER;

  // One at a time: READY must not overtake STOPPING.
  let last = Promise.resolve();
  const send = (...args: string[]): Promise<void> => {
    last = last.then(() => notify(args, socket)).catch((error: unknown) => failed(messageOf(error)));
    return last;
  };
  return {
    ready: () => send('--ready'),
    // `--stopping` exists since systemd 253.
    stopping: () => send('STOPPING=1'),
    watchdog: () => send('WATCHDOG=1'),
    status: (text) => send(`STATUS=${text.replace(/[\u0000-\u001f\u007f]+/g, ' ').slice(0, 500)}`),
    watchdogMs: watchdogMs(usec, watched, pid),
  };
}

/** WATCHDOG_PID names the one process that is watched. An inherited watchdog belongs to another process. */
function watchdogMs(usec: string | undefined, watched: string | undefined, pid: number): number | null {
  if (usec === undefined || !/^[1-9]\d{0,17}$/.test(usec)) return null;
  if (watched !== undefined && watched !== String(pid)) return null;
  return Number(usec) / 1000;
}

function runSystemdNotify(args: readonly string[], socket: string): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile('systemd-notify', args, { env: { NOTIFY_SOCKET: socket }, timeout: NOTIFY_MS }, (error) => {
      if (error === null) resolve();
      else reject(new Error(`systemd-notify ${args.join(' ')}: ${error.message.trim()}`));
    });
  });
}
