/** One logged event on its way to the broker. */
export interface QueuedEvent {
  readonly topic: string;
  readonly json: string;
}

/**
 * Logged events that wait for the broker, oldest first. `peek` gives the same object until it is settled or given up; `settle`
 * is told of it once the broker has acknowledged it. A queue that lasts may throw; the event then stays where it is.
 */
export interface EventQueue {
  readonly size: number;
  /** Events that were given up unsent. */
  readonly overflowed: number;
  push(event: QueuedEvent): void;
  peek(): QueuedEvent | undefined;
  settle(event: QueuedEvent): void;
}

/**
 * A queue that ends with the process, bounded by count. When full, the oldest goes and is counted: what happened last
 * matters most to whoever looks at the door now. The daemon has a lasting one: the outbox of its journal.
 */
export class MemoryEventQueue implements EventQueue {
  private readonly limit: number;
  private readonly events: QueuedEvent[] = [];
  private lost = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  get size(): number {
    return this.events.length;
  }

  get overflowed(): number {
    return this.lost;
  }

  push(event: QueuedEvent): void {
    if (this.events.length >= this.limit) {
      this.events.shift();
      this.lost++;
    }
    this.events.push(event);
  }

  peek(): QueuedEvent | undefined {
    return this.events[0];
  }

  /** Removes an acknowledged event, unless it was pushed out meanwhile. */
  settle(event: QueuedEvent): void {
    if (this.events[0] === event) this.events.shift();
  }
}
