import { TokenBucket } from '../../rx/token-bucket';
import { BROKER_LIMITS } from '../topics/limits';

interface Guest {
  readonly publishes: TokenBucket;
  subscriptions: number;
  retainedBytes: number;
}

/**
 * What a client of the embedded broker may use of the machine. Every limit is for one client or for all, and every
 * refusal is reported. The box itself and its actuators always find a place and room.
 */
export class BrokerRules {
  private readonly monotonicMs: () => number;
  private readonly guests = new Map<string, Guest>();
  /** Topic → who keeps how much there. */
  private readonly retained = new Map<string, { readonly owner: string; readonly bytes: number }>();
  private retainedBytes = 0;
  private readonly lasting = new Set<string>();
  private readonly queued = new Map<string, { messages: number; bytes: number }>();

  constructor(monotonicMs: () => number) {
    this.monotonicMs = monotonicMs;
  }

  /** Why a client is not taken; null: it is. @param connected identifiers of those that are there */
  connect(id: string, clean: boolean, connected: Iterable<string>): string | null {
    // Of two clients with one name the newer takes the place of the older; without a name, each is another one.
    const others = [...connected].filter((other) => (id === '' || other !== id) && isOwn(other) === isOwn(id));
    const places = isOwn(id) ? BROKER_LIMITS.ownPlaces : BROKER_LIMITS.places;
    if (others.length >= places) return `all ${places} places for such clients are taken`;
    if (clean) {
      this.lasting.delete(id);
      this.queued.delete(id);
    } else if (!this.lasting.has(id)) {
      if (this.lasting.size >= BROKER_LIMITS.lastingSessions)
        return `at most ${BROKER_LIMITS.lastingSessions} lasting sessions`;
      this.lasting.add(id);
    }
    return null;
  }

  /** Why a message is not taken; its sender is cut off then. */
  publish(id: string, topic: string, bytes: number, retain: boolean): string | null {
    if (topic.startsWith('$SYS/')) return '$SYS/ topics are those of the broker';
    const guest = this.guest(id);
    if (!guest.publishes.take(this.monotonicMs()))
      return `more than ${1000 / BROKER_LIMITS.publishes.everyMs} messages a second`;
    return retain ? this.retain(id, topic, bytes) : null;
  }

  /** Whether one more subscription is granted. */
  subscribe(id: string, filter: string): boolean {
    const guest = this.guest(id);
    if (filter.length > BROKER_LIMITS.filterLength || guest.subscriptions >= BROKER_LIMITS.subscriptions) return false;
    guest.subscriptions++;
    return true;
  }

  unsubscribe(id: string, count: number): void {
    const guest = this.guest(id);
    guest.subscriptions = Math.max(0, guest.subscriptions - count);
  }

  /** Whether a message still fits what waits for a lasting session. */
  enqueue(id: string, bytes: number): boolean {
    const queue = this.queued.get(id) ?? { messages: 0, bytes: 0 };
    if (queue.messages >= BROKER_LIMITS.queuedMessages || queue.bytes + bytes > BROKER_LIMITS.queuedBytes) return false;
    this.queued.set(id, { messages: queue.messages + 1, bytes: queue.bytes + bytes });
    return true;
  }

  dequeued(id: string, bytes: number): void {
    const queue = this.queued.get(id);
    if (queue === undefined) return;
    queue.messages--;
    queue.bytes -= bytes;
  }

  /** The client has gone; what it has had kept stays, and counts. */
  gone(id: string): void {
    const guest = this.guests.get(id);
    if (guest !== undefined && guest.retainedBytes === 0) this.guests.delete(id);
    else if (guest !== undefined) guest.subscriptions = 0;
  }

  private retain(id: string, topic: string, payloadBytes: number): string | null {
    const before = this.retained.get(topic);
    const bytes = payloadBytes === 0 ? 0 : payloadBytes + topic.length;
    const mine = this.guest(id).retainedBytes - (before?.owner === id ? before.bytes : 0) + bytes;
    const all = this.retainedBytes - (before?.bytes ?? 0) + bytes;
    const own = isOwn(id);
    if (bytes > 0) {
      if (mine > BROKER_LIMITS.retainedBytesOfOne && !own)
        return `more than ${BROKER_LIMITS.retainedBytesOfOne} bytes to be kept for one client`;
      if (all > BROKER_LIMITS.retainedBytes + (own ? BROKER_LIMITS.retainedBytesOwn : 0))
        return `more than ${BROKER_LIMITS.retainedBytes} bytes to be kept`;
      const room = BROKER_LIMITS.retainedMessages + (own ? BROKER_LIMITS.retainedMessagesOwn : 0);
      if (before === undefined && this.retained.size >= room)
        return `more than ${BROKER_LIMITS.retainedMessages} topics to be kept`;
    }
    if (before !== undefined) this.guest(before.owner).retainedBytes -= before.bytes;
    this.retainedBytes = all;
    if (bytes === 0) this.retained.delete(topic);
    else {
      this.retained.set(topic, { owner: id, bytes });
      this.guest(id).retainedBytes += bytes;
    }
    return null;
  }

  private guest(id: string): Guest {
    const guest = this.guests.get(id) ?? {
      publishes: new TokenBucket(BROKER_LIMITS.publishes),
      subscriptions: 0,
      retainedBytes: 0,
    };
    this.guests.set(id, guest);
    return guest;
  }
}

/** The box, its actuators and its tools call themselves so. Nobody is kept from doing the same: this broker knows no passwords. */
function isOwn(id: string): boolean {
  return id.startsWith('usher-');
}
