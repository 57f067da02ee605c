import { BehaviorSubject, Observable, type SchedulerLike, Subscription, asyncScheduler } from 'rxjs';
import { type SourceState } from '../events';
import { UsherError, messageOf } from '../errors';
import { type Lent, type Source } from './source';

export interface SourceHealth {
  readonly state: SourceState;
  /** Why it is not live: the fault and what to do about it. */
  readonly detail: string | null;
  /** Items so far, over restarts. */
  readonly count: number;
  readonly restarts: number;
  /** Epoch ms of the last item. */
  readonly lastAt: number | null;
}

export interface RestartBackoff {
  readonly firstMs: number;
  readonly maxMs: number;
  /** Part of the delay that is left to chance, 0..1, so that many boxes do not call on one recorder in step. */
  readonly jitter: number;
  /** Items for so long without a gap: the next fault counts as the first again. */
  readonly resetAfterMs: number;
}

export interface SupervisorOptions {
  readonly stallMs: number;
  readonly startMs: number;
  readonly backoff: RestartBackoff;
  /** What to say of a source that gave nothing within `limitMs` of its start, or of the last item. */
  readonly silence: (atStart: boolean, limitMs: number) => string;
  readonly scheduler?: SchedulerLike | undefined;
  /** Monotonic milliseconds; not the wall clock, which on a board without battery jumps by years when NTP answers. */
  readonly now?: (() => number) | undefined;
  readonly random?: (() => number) | undefined;
}

export interface Supervised<T> {
  /** Cold, for one subscriber: subscribing starts the source. Never fails; completes when a source that is not live has ended. */
  readonly items: Observable<T>;
  /** The condition now, then each change of `state`, `detail` or `restarts`. */
  readonly status: Observable<SourceHealth>;
  /** The condition now, counts included. */
  health(): SourceHealth;
}

/**
 * Keeps a source going: one that fails, ends though it is live, or gives nothing within `startMs` of its start or `stallMs` of the
 * last item is closed and opened again, after a capped, jittered, exponential delay.
 */
export function superviseSource<T extends Lent>(source: Source<T>, options: SupervisorOptions): Supervised<T> {
  const { stallMs, startMs, backoff, silence, scheduler = asyncScheduler } = options;
  const { now = () => performance.now(), random = Math.random } = options;

  let count = 0;
  let restarts = 0;
  let lastAt: number | null = null;
  const initial: SourceHealth = { state: 'starting', detail: null, count, restarts, lastAt };
  const status = new BehaviorSubject(initial);
  const enter = (state: SourceState, detail: string | null): void => {
    status.next({ state, detail, count, restarts, lastAt });
  };

  const items = new Observable<T>((subscriber) => {
    let faultsInARow = 0;
    let stopRun: (() => void) | null = null;
    let pause: Subscription | undefined;

    const restartLater = (): void => {
      const delay = Math.min(backoff.maxMs, backoff.firstMs * 2 ** Math.min(faultsInARow, 30));
      faultsInARow++;
      pause = scheduler.schedule(
        () => {
          restarts++;
          enter('starting', status.value.detail);
          run();
        },
        delay * (1 - backoff.jitter * random()),
      );
    };

    const run = (): void => {
      const openedAt = now();
      let firstItem: number | null = null;
      let lastItem: number | null = null;
      let over = false;
      let watch: Subscription | undefined;
      const opened = new Subscription();

      const finish = (state: SourceState, detail: string | null, restart: boolean): void => {
        if (over) return;
        over = true;
        watch?.unsubscribe();
        if (firstItem !== null && lastItem !== null && lastItem - firstItem >= backoff.resetAfterMs) faultsInARow = 0;
        opened.unsubscribe();
        enter(state, detail);
        if (restart) restartLater();
        else subscriber.complete();
      };

      // One timer that looks again at the earliest moment it could be late, rather than one timer for each item.
      const lookAgain = (inMs: number): void => {
        watch = scheduler.schedule(() => {
          const limit = lastItem === null ? startMs : stallMs;
          const left = (lastItem ?? openedAt) + limit - now();
          if (left > 0) lookAgain(left);
          else finish('stalled', silence(lastItem === null, limit), true);
        }, inMs);
      };

      stopRun = () => {
        over = true;
        watch?.unsubscribe();
        opened.unsubscribe();
      };
      lookAgain(startMs);
      const subscription = source.open().subscribe({
        next: (item) => {
          if (over) return;
          lastItem = now();
          lastAt = item.at;
          count++;
          if (firstItem === null) {
            firstItem = lastItem;
            enter('live', null);
            // The first item may be held to a closer limit than the start was.
            watch?.unsubscribe();
            lookAgain(stallMs);
          }
          subscriber.next(item);
        },
        error: (error: unknown) => {
          finish('failed', describe(error), true);
        },
        complete: () => {
          finish('ended', source.live ? `${source.name}: the stream ended` : null, source.live);
        },
      });
      // Added afterwards: a source that is over before `subscribe` returns is unsubscribed at once.
      opened.add(subscription);
    };

    run();
    return () => {
      pause?.unsubscribe();
      stopRun?.();
    };
  });

  return {
    items,
    status: status.asObservable(),
    health: () => ({ ...status.value, count, restarts, lastAt }),
  };
}

function describe(error: unknown): string {
  const remedy = error instanceof UsherError ? error.remedy : undefined;
  return remedy === undefined ? messageOf(error) : `${messageOf(error)} ${remedy}`;
}
