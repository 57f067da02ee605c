import { type SchedulerLike, Subscription } from 'rxjs';
import { type SourceState } from '../events';
import { UsherError, messageOf } from '../errors';
import { type Lent, type Source } from './source';

export interface RunOptions {
  /** Longest wait for the first item, and for each one after it. */
  readonly startMs: number;
  readonly stallMs: number;
  readonly silence: (atStart: boolean, limitMs: number) => string;
  readonly scheduler: SchedulerLike;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** How a run came to its end. */
export interface RunEnd {
  readonly state: SourceState;
  readonly detail: string | null;
  /** Whether the source is to be opened again. */
  readonly restart: boolean;
  /** From the first item to the last; null: none came. */
  readonly livedMs: number | null;
}

export interface RunEvents<T> {
  readonly item: (item: T, first: boolean) => void;
  /** Called once, after the source was closed; never after `stop`. */
  readonly over: (end: RunEnd) => void;
}

/** One opening of a source, from `start` to its fault, its end or `stop`. */
export class SourceRun<T extends Lent> {
  private openedAt = 0;
  private firstItem: number | null = null;
  private lastItem: number | null = null;
  private isOver = false;
  private watch: Subscription | undefined;
  private readonly opened = new Subscription();

  constructor(
    private readonly source: Source<T>,
    private readonly options: RunOptions,
    private readonly events: RunEvents<T>,
  ) {}

  start(): void {
    const { source } = this;
    this.openedAt = this.options.now();
    this.lookAgain(this.options.startMs);
    const subscription = source.open().subscribe({
      next: (item) => this.take(item),
      error: (error: unknown) => this.finish('failed', describe(error), true),
      complete: () => this.finish('ended', source.live ? `${source.name}: the stream ended` : null, source.live),
    });
    // Added afterwards: a source that is over before `subscribe` returns is unsubscribed at once.
    this.opened.add(subscription);
  }

  stop(): void {
    this.isOver = true;
    this.watch?.unsubscribe();
    this.opened.unsubscribe();
  }

  private take(item: T): void {
    if (this.isOver) return;
    this.lastItem = this.options.now();
    const first = this.firstItem === null;
    if (first) {
      this.firstItem = this.lastItem;
      // The first item may be held to a closer limit than the start was.
      this.watch?.unsubscribe();
      this.lookAgain(this.options.stallMs);
    }
    this.events.item(item, first);
  }

  /** One timer that looks again at the earliest moment it could be late, rather than one timer for each item. */
  private lookAgain(inMs: number): void {
    const { scheduler, now, startMs, stallMs, silence } = this.options;
    this.watch = scheduler.schedule(() => {
      const limit = this.lastItem === null ? startMs : stallMs;
      const left = (this.lastItem ?? this.openedAt) + limit - now();
      if (left > 0) this.lookAgain(left);
      else this.finish('stalled', silence(this.lastItem === null, limit), true);
    }, inMs);
  }

  private finish(state: SourceState, detail: string | null, restart: boolean): void {
    if (this.isOver) return;
    this.stop();
    const livedMs = this.firstItem === null || this.lastItem === null ? null : this.lastItem - this.firstItem;
    this.events.over({ state, detail, restart, livedMs });
  }
}

function describe(error: unknown): string {
  const remedy = error instanceof UsherError ? error.remedy : undefined;
  return remedy === undefined ? messageOf(error) : `${messageOf(error)} ${remedy}`;
}
