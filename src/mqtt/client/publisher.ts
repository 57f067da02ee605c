import { UsherError } from '../../errors';
import { type Connection } from '../link/connection';
import { type DeliveryWatch } from './delivery-watch';
import { type EventQueue } from './event-queue';
import { MQTT_LIMITS } from '../topics/limits';
import { type OutKey, type OutKeyOf, type PayloadOf, TOPICS } from '../topics/topics';
import { type ParamsOf, type TopicBase, topicOf } from '../topics/topic-names';

/**
 * `kept`: state, sent at the next connect. `queued`: event, sent in order. `dropped`: momentary and not connected, gone for good.
 * `sent` is not "received": a momentary message has no acknowledgement that could be waited for.
 */
export type PublishOutcome = 'sent' | 'kept' | 'queued' | 'dropped';

/** The status is the client's own business. */
export type PublishKey = Exclude<OutKey, 'status'>;

/** MQTT 5 only, and a second line of defence (the payload says itself when it is void). Covers the longest configurable unlock life. */
const MOMENTARY_EXPIRY_SECONDS = 10;

export interface PublisherOptions {
  readonly base: TopicBase;
  /** Where events wait. */
  readonly queue: EventQueue;
  /** Check payloads against their schema as well as at compile time. */
  readonly check: boolean;
  /** The connection for unlocks; null: the one for everything else. */
  readonly door: () => Connection | null;
  readonly watch: DeliveryWatch;
  /** The queue cannot be read: nothing continues until the next call. */
  readonly stuck: (error: unknown) => void;
  /** Something is kept by the broker from now on; an empty payload: no more. */
  readonly kept: (topic: string, payload: string) => void;
}

/**
 * What goes out, by its topic's way of delivery: state is remembered and sent again on every connection, events wait in a
 * bounded queue until acknowledged, momentary messages are sent now or dropped.
 *
 * Invariants: one draining of the queue a connection; nothing momentary is ever held.
 */
export class Publisher {
  private readonly options: PublisherOptions;
  private readonly queue: EventQueue;
  private readonly states = new Map<string, string>();
  private connection: Connection | null = null;
  private draining: { readonly on: Connection; readonly done: Promise<void> } | null = null;
  /** The connection whose first delivery has begun. */
  private drained: Connection | null = null;
  private dropped = 0;

  constructor(options: PublisherOptions) {
    this.options = options;
    this.queue = options.queue;
  }

  get stats(): { dropped: number; queued: number; overflowed: number } {
    return { dropped: this.dropped, queued: this.queue.size, overflowed: this.queue.overflowed };
  }

  /** Momentary messages may go from now on. */
  attach(connection: Connection): void {
    this.connection = connection;
  }

  /** Sends all state that is known. */
  restate(connection: Connection): void {
    for (const [topic, json] of this.states) this.sendKept(connection, topic, json);
  }

  publish<K extends PublishKey>(key: K, params: ParamsOf<K>, payload: PayloadOf<K>): PublishOutcome {
    if (this.options.check) assertPayload(key, payload);
    const topic = topicOf(key, params, this.options.base);
    const json = JSON.stringify(payload);
    switch (TOPICS[key].delivery) {
      case 'state':
        return this.state(topic, json);
      case 'event':
        this.queue.push({ topic, json });
        this.wake();
        return 'queued';
      case 'momentary':
        return this.momentary(key, topic, json);
    }
  }

  /** Whether this is what the broker is to keep there, as far as this device has said anything since it started. */
  keeps(topic: string): boolean {
    return (this.states.get(topic) ?? '') !== '';
  }

  /** Takes back what an earlier run had kept. @throws what `Connection.send` throws */
  takeBack(connection: Connection, topic: string): Promise<void> {
    return connection.send(topic, '', { qos: 1, retain: true });
  }

  clear<K extends PublishKey>(key: K, params: ParamsOf<K>): PublishOutcome {
    return this.state(topicOf(key, params, this.options.base), '');
  }

  /**
   * The topic of an event that is put into the queue by other means than `publish`.
   * @throws UsherError `message-invalid`, RangeError as `publish`
   */
  topicOfEvent<K extends OutKeyOf<'event'>>(key: K, params: ParamsOf<K>, payload: PayloadOf<K>): string {
    if (this.options.check) assertPayload(key, payload);
    return topicOf(key, params, this.options.base);
  }

  /** Sends what waits, if there is a connection. The first draining of a connection belongs to the greeting. */
  wake(): void {
    if (this.live !== null && this.drained === this.live) void this.drain(this.live);
  }

  /** Sends what waits; ends when all is acknowledged or the connection is gone. Whoever asks again joins the one under way. */
  drain(connection: Connection): Promise<void> {
    if (!connection.connected) return Promise.resolve();
    this.drained = connection;
    if (this.draining?.on === connection) return this.draining.done;
    const draining = { on: connection, done: this.sendQueued(connection) };
    this.draining = draining;
    void draining.done.then(() => {
      if (this.draining === draining) this.draining = null;
    });
    return draining.done;
  }

  private get live(): Connection | null {
    return this.connection?.connected === true ? this.connection : null;
  }

  private state(topic: string, json: string): PublishOutcome {
    this.states.set(topic, json);
    this.options.kept(topic, json);
    if (this.live === null) return 'kept';
    this.sendKept(this.live, topic, json);
    return 'sent';
  }

  private sendKept(connection: Connection, topic: string, json: string): void {
    if (!this.options.watch.mayGo(topic)) return;
    void this.watched(connection.send(topic, json, { qos: 1, retain: true }), topic, json, connection);
  }

  /** Keeps account of a message; never rejects. What a broken connection took with it is sent again on the next. */
  private async watched(sending: Promise<void>, topic: string, payload: string, on: Connection): Promise<boolean> {
    const { watch } = this.options;
    watch.sent(topic, payload);
    try {
      await sending;
      watch.acknowledged(topic);
      return true;
    } catch (error) {
      if (on.connected) watch.failed(topic, error);
      return false;
    }
  }

  private momentary(key: PublishKey, topic: string, json: string): PublishOutcome {
    const connection = (key === 'unlock' ? this.options.door() : null) ?? this.live;
    // Behind a stuck network the socket would hold the message and deliver it when the network is back.
    if (connection === null || connection.backlogBytes > MQTT_LIMITS.stalledBytes) {
      this.dropped++;
      return 'dropped';
    }
    const { qos } = TOPICS[key];
    const sending = connection.send(topic, json, { qos, retain: false, expirySeconds: MOMENTARY_EXPIRY_SECONDS });
    if (qos === 1) void this.watched(sending, topic, json, connection);
    else {
      this.options.watch.sent(topic, json);
      sending.catch((error: unknown) => {
        if (connection.connected) this.options.watch.failed(topic, error);
      });
    }
    return 'sent';
  }

  /** One at a time, each until its acknowledgement and a sign that it was passed on: after a broken connection at most one event is repeated, and none overtakes. */
  private async sendQueued(connection: Connection): Promise<void> {
    try {
      for (let event = this.queue.peek(); event !== undefined; event = this.queue.peek()) {
        const { topic, json } = event;
        const sending = connection.send(topic, json, { qos: 1, retain: false });
        // Refused, or acknowledged and dropped: it stays, and is retried at the next call.
        if (!(await this.watched(sending, topic, json, connection))) return;
        if ((await this.options.watch.confirm(topic)) === 'held') return;
        this.queue.settle(event);
      }
    } catch (error) {
      // Where the connection ended, what is left waits for the next one.
      if (connection.connected) this.options.stuck(error);
    }
  }
}

function assertPayload(key: OutKey, payload: unknown): void {
  const parsed = TOPICS[key].payload.safeParse(payload);
  if (parsed.success) return;
  throw new UsherError('message-invalid', `payload for ${key}: ${parsed.error.message}`, {
    remedy: 'this is a defect in usher: please report it',
  });
}
