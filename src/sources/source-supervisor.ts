import { BehaviorSubject, Observable, type SchedulerLike, type Subscription, asyncScheduler } from 'rxjs';
import { type SourceState } from '../events';
import { type Lent, type Source } from './source';
import { SourceRun } from './source-run';

export interface SourceHealth {
  readonly state: SourceState;
  /** Why it is not live: the fault and its remedy. Null while live. */
  readonly detail: string | null;
  /** Number of items so far, over all restarts. */
  readonly count: number;
  readonly restarts: number;
  /** Epoch ms of the last item. */
  readonly lastAt: number | null;
}

export interface RestartBackoff {
  readonly firstMs: number;
  readonly maxMs: number;
  /** Random part of the delay, 0..1, so that many boxes do not connect to one recorder at the same time. */
  readonly jitter: number;
  /** After this time of items without a gap, the next fault counts as the first again. */
  readonly resetAfterMs: number;
}

export interface SupervisorOptions {
  readonly stallMs: number;
  readonly startMs: number;
  readonly backoff: RestartBackoff;
  /** The message for a source that gave nothing within `limitMs` of its start or of the last item. */
  readonly silence: (atStart: boolean, limitMs: number) => string;
  readonly scheduler?: SchedulerLike | undefined;
  /** Monotonic milliseconds. On a board without clock battery the wall clock jumps by years when NTP answers. */
  readonly now?: (() => number) | undefined;
  readonly random?: (() => number) | undefined;
}

export interface Supervised<T> {
  /**
   * Cold, for one subscriber: subscribing starts the source. Never errors; completes when a source that is not live has
   * ended.
   */
  readonly items: Observable<T>;
  /** The present condition, then each change of `state`, `detail` or `restarts`. */
  readonly status: Observable<SourceHealth>;
  /** The present condition with its counts. */
  health(): SourceHealth;
}

/**
 * Keeps a source running. A source that fails, ends although it is live, or gives nothing within `startMs` of its start
 * or `stallMs` of the last item is closed and opened again after a capped, jittered, exponential delay.
 */
export function superviseSource<T extends Lent>(source: Source<T>, options: SupervisorOptions): Supervised<T> {
  const { backoff, scheduler = asyncScheduler } = options;
  const { now = () => performance.now(), random = Math.random } = options;

  const condition = new Condition();
  const items = new Observable<T>((subscriber) => {
    let faultsInARow = 0;
    let run: SourceRun<T> | null = null;
    let pause: Subscription | undefined;

    const open = (): void => {
      run = new SourceRun(
        source,
        { ...options, scheduler, now },
        {
          item: (item, first) => {
            condition.counted(item);
            if (first) condition.enter('live', null);
            subscriber.next(item);
          },
          over: ({ state, detail, restart, livedMs }) => {
            if (livedMs !== null && livedMs >= backoff.resetAfterMs) faultsInARow = 0;
            condition.enter(state, detail);
            if (restart) openLater();
            else subscriber.complete();
          },
        },
      );
      run.start();
    };

    const openLater = (): void => {
      pause = scheduler.schedule(
        () => {
          condition.restarting();
          open();
        },
        delayOf(faultsInARow++, backoff, random),
      );
    };

    open();
    return () => {
      pause?.unsubscribe();
      run?.stop();
    };
  });

  return { items, status: condition.changes, health: () => condition.health };
}

/** The condition of a supervised source, over its restarts. */
class Condition {
  private count = 0;
  private restarts = 0;
  private lastAt: number | null = null;
  private readonly last = new BehaviorSubject(this.with('starting', null));

  get changes(): Observable<SourceHealth> {
    return this.last.asObservable();
  }

  get health(): SourceHealth {
    const { state, detail } = this.last.value;
    return this.with(state, detail);
  }

  counted({ at }: Lent): void {
    this.lastAt = at;
    this.count++;
  }

  restarting(): void {
    this.restarts++;
    this.enter('starting', this.last.value.detail);
  }

  enter(state: SourceState, detail: string | null): void {
    this.last.next(this.with(state, detail));
  }

  private with(state: SourceState, detail: string | null): SourceHealth {
    const { count, restarts, lastAt } = this;
    return { state, detail, count, restarts, lastAt };
  }
}

function delayOf(faultsInARow: number, { firstMs, maxMs, jitter }: RestartBackoff, random: () => number): number {
  return Math.min(maxMs, firstMs * 2 ** Math.min(faultsInARow, 30)) * (1 - jitter * random());
}
