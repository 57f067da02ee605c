import { messageOf } from '../errors';
import { monotonicMs } from './clock';
import type { Log } from './log';

type Undo = () => void | Promise<void>;

/**
 * A part whose turn comes after the time is up is still stopped, and gets this long: enough to close a file or write a
 * record.
 */
const LEAST_MS = 250;

export interface TakeDownLimits {
  /** Limit for all parts together. */
  readonly totalMs: number;
  /** Limit for one part, so that one that hangs leaves time for the others. */
  readonly partMs: number;
}

/**
 * The started parts, by name, with how to stop each: the last started is stopped first. Invariants: each part's stop is
 * called exactly once, in order, whatever the others do. A part that throws or hangs never blocks the next one. When
 * `run` resolves, every part has stopped or is named as late.
 */
export class TakeDown {
  private readonly parts: { readonly name: string; readonly undo: Undo }[] = [];
  private readonly open = new Set<string>();
  private running: Promise<readonly string[]> | null = null;

  constructor(
    private readonly log: Log,
    private readonly limits: TakeDownLimits,
  ) {}

  push(name: string, undo: Undo): void {
    this.parts.push({ name, undo });
  }

  /** Parts that `run` has not stopped yet; empty before the call and after success. */
  get unfinished(): readonly string[] {
    return this.running === null ? [] : [...this.open, ...this.parts.map(({ name }) => name).reverse()];
  }

  /**
   * May be called more than once: every call returns the result of the first.
   * @param hurry once aborted, each part gets only the time to write a record
   * @param first work that must end before the parts can stop: the start, if it still runs
   * @returns the names of the parts that did not stop in time
   */
  run(hurry: AbortSignal | null = null, first: Promise<unknown> | null = null): Promise<readonly string[]> {
    this.running ??= this.all(hurry, first);
    return this.running;
  }

  private async all(hurry: AbortSignal | null, first: Promise<unknown> | null): Promise<readonly string[]> {
    const deadline = monotonicMs() + this.limits.totalMs;
    if (first !== null) await this.one('start', () => first.then(() => undefined), deadline, hurry);
    for (let part = this.parts.pop(); part !== undefined; part = this.parts.pop())
      await this.one(part.name, part.undo, deadline, hurry);
    return [...this.open];
  }

  private async one(name: string, undo: Undo, deadline: number, hurry: AbortSignal | null): Promise<void> {
    this.open.add(name);
    const done = (async () => {
      try {
        await undo();
      } catch (error) {
        this.log.error('stopping', { part: name, why: messageOf(error) });
      }
      this.open.delete(name);
    })();
    const left = deadline - monotonicMs();
    await within(Math.max(LEAST_MS, Math.min(this.limits.partMs, left)), done, hurry);
  }
}

/**
 * Resolves when `done` has settled or the time is up. Its timer keeps the event loop alive, so that a stop cannot end
 * early for lack of work.
 */
function within(ms: number, done: Promise<void>, hurry: AbortSignal | null): Promise<void> {
  return new Promise((resolve) => {
    let timer = setTimeout(finish, hurry?.aborted === true ? LEAST_MS : ms);
    function onHurry(): void {
      clearTimeout(timer);
      timer = setTimeout(finish, LEAST_MS);
    }
    function finish(): void {
      clearTimeout(timer);
      hurry?.removeEventListener('abort', onHurry);
      resolve();
    }
    hurry?.addEventListener('abort', onHurry, { once: true });
    void done.then(finish);
  });
}
