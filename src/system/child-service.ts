import { messageOf, UsherError } from '../errors';
import type { ChildFailed } from '../events';
import { ignoreGroupSignals } from './signals';

/**
 * The child's side of a SupervisedChild: receives its job, works, and never outlives its parent.
 * @returns how to end the work and, if the work takes orders after its job, how to obey them
 */
export type ChildWork<Job, Event, Order = never> = (
  job: Job,
  send: (event: Event) => void,
  fail: (error: unknown) => void,
) => Promise<(() => void) | ServedWork<Order>>;

export interface ServedWork<Order> {
  stop(): void;
  /** Called with one order after the other. */
  obey(order: Order): Promise<void>;
}

/** A program that this process started gets SIGTERM, then SIGKILL if it hangs. This is the time for both. */
const LEAVE_MS = 2500;

/**
 * Serves this process's parent. The first message is the job; a closed channel means stop. An error of the work goes to the
 * parent as a `ChildFailed`. Call it once.
 */
export function serveParent<Job, Event extends object, Order = never>(work: ChildWork<Job, Event, Order>): void {
  let stop: () => void = () => undefined;
  let leaving = false;
  process.once('message', (message) => {
    const job = message as Job;
    const fail = (error: unknown): void => void process.send?.(failureOf(error), () => process.exit(1));
    const send = (event: Event): void => {
      // The parent may go away between the check and the send. `disconnect` then ends this process.
      if (process.connected) process.send?.(event, undefined, undefined, () => undefined);
    };
    work(job, send, fail).then((stopped) => {
      const served = typeof stopped === 'function' ? { stop: stopped, obey: null } : stopped;
      stop = () => served.stop();
      if (leaving) stop();
      if (served.obey === null) return;
      const working = served;
      let last = Promise.resolve();
      process.on('message', (order) => {
        last = last.then(() => working.obey(order as Order)).catch(fail);
      });
    }, fail);
  });
  const leave = (): void => {
    leaving = true;
    stop();
    if (process.connected) process.disconnect();
    setTimeout(() => process.exit(0), LEAVE_MS).unref();
  };
  process.once('disconnect', leave);
  ignoreGroupSignals();
}

function failureOf(error: unknown): ChildFailed {
  const remedy = error instanceof UsherError ? (error.remedy ?? null) : null;
  return { kind: 'failed', message: messageOf(error), remedy };
}
