import type { Subscription } from 'rxjs';
import { messageOf, UsherError } from '../errors';
import { Backoff } from '../rx/backoff';
import { monotonicMs } from '../system/clock';
import { type AttachedSource, LISTENING } from './source';

export interface AttachedEvents<T> {
  onRead(said: T): void;
  /** Null while the device is open; else why it is not, and what to do. */
  condition(trouble: { readonly detail: string; readonly remedy: string | null } | null): void;
}

const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 30_000;
/** After it was open this long, the next loss counts as the first again. */
const SETTLED_MS = 10_000;

/**
 * Keeps a device open. When it closes for any reason (unplugged, program killed, missing permission), it is opened
 * again after a capped, jittered delay. Invariants: at most one open attempt at a time; no callback after `stop()`.
 */
export class Attached<T> {
  private readonly backoff: Backoff;
  private opened: Subscription | null = null;
  private timer: NodeJS.Timeout | null = null;
  private listeningSince: number | null = null;
  private wanted = false;

  constructor(
    private readonly source: AttachedSource<T>,
    private readonly events: AttachedEvents<T>,
    delays: { readonly firstMs: number; readonly maxMs: number } = { firstMs: FIRST_DELAY_MS, maxMs: MAX_DELAY_MS },
    random: () => number = Math.random,
  ) {
    this.backoff = new Backoff(delays.firstMs, delays.maxMs, random);
  }

  start(): void {
    if (this.wanted) return;
    this.wanted = true;
    this.open();
  }

  stop(): void {
    this.wanted = false;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.opened?.unsubscribe();
    this.opened = null;
  }

  private open(): void {
    this.timer = null;
    this.listeningSince = null;
    this.opened = this.source.open().subscribe({
      next: (said) => {
        if (!this.wanted) return;
        if (said === LISTENING) {
          this.listeningSince = monotonicMs();
          this.events.condition(null);
        } else this.events.onRead(said);
      },
      error: (error: unknown) => this.lost(messageOf(error), error instanceof UsherError ? error.remedy : undefined),
      complete: () => this.lost(`${this.source.name}: the input ended`, undefined),
    });
  }

  private lost(detail: string, remedy: string | undefined): void {
    if (!this.wanted) return;
    if (this.listeningSince !== null && monotonicMs() - this.listeningSince >= SETTLED_MS) this.backoff.reset();
    this.events.condition({ detail, remedy: remedy ?? null });
    this.timer = setTimeout(() => this.open(), this.backoff.next());
  }
}
