/** One logged event on its way to the broker. */
export interface QueuedEvent {
  readonly topic: string;
  readonly json: string;
}

/**
 * Logged events that wait for the broker, oldest first. `peek` returns the same object until it is settled or dropped;
 * `settle` is called with it once the broker has acknowledged it. A durable queue may throw; the event then stays.
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
 * A queue that ends with the process, limited by count. When full, the oldest is dropped and counted: the latest events
 * matter most to a person who looks at the door now. The daemon has a durable one, the outbox of its journal.
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
