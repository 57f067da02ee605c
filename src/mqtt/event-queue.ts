/** One logged event on its way to the broker. */
export interface QueuedEvent {
  readonly topic: string;
  readonly json: string;
}

/**
 * Logged events that wait for the broker, oldest first, bounded by count. When full, the oldest goes and is counted: what
 * happened last matters most to whoever looks at the door now, and the audit keeps everything.
 */
export class EventQueue {
  private readonly limit: number;
  private readonly events: QueuedEvent[] = [];
  private lost = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  get size(): number {
    return this.events.length;
  }

  /** Events that were pushed out unsent since the start. */
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
