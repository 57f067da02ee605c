import { UsherError } from '../errors';
import { type Connection } from './connection';
import { type CredentialFiles } from './credentials';
import { withDeadline } from './deadline';
import { decode } from './decode';
import { type EventQueue, MemoryEventQueue } from './event-queue';
import { type InboundHandler, InboundRouter, type Only, type Rejection, type RejectReason } from './inbound';
import { MQTT_LIMITS } from './limits';
import { Link, type LinkHealth, type LinkLimits } from './link';
import { StatusPayload } from './payloads';
import { Presence } from './presence';
import { type PublishKey, type PublishOutcome, Publisher, sendState } from './publisher';
import { type InKey, type OutKeyOf, paramsOf, type ParamsOf, type PayloadOf, type TopicBase, topicOf } from './topics';
import { RetainedReader } from './retained-reader';
import { type InboundPacket } from './wire';

export interface MqttClientOptions extends TopicBase, CredentialFiles {
  readonly url: string;
  readonly username?: string | undefined;
  /** 4 (MQTT 3.1.1, default) or 5. */
  readonly protocolVersion?: 4 | 5 | undefined;
  /** UUID of this run of the process. */
  readonly bootId: string;
  /** Told of every message that is not acted on; the caller limits how often it logs. */
  readonly rejected?: (rejection: Rejection) => void;
  /** Told of every change of `health`. */
  readonly changed?: (health: LinkHealth) => void;
  /** Check outgoing payloads against their schema as well; on in tests. */
  readonly checkOutgoing?: boolean;
  /** Where events wait for the broker; without one, in memory. */
  readonly queue?: EventQueue | undefined;
  readonly limits?: Partial<LinkLimits & Readonly<Record<'queuedEvents', number>>>;
  readonly now?: () => number;
  readonly random?: () => number;
}

export interface ClientStats {
  readonly connects: number;
  /** Momentary messages that were not sent because there was no connection. */
  readonly dropped: number;
  /** Events that wait now, and events that were pushed out unsent. */
  readonly queued: number;
  readonly overflowed: number;
  readonly rejected: Readonly<Partial<Record<RejectReason, number>>>;
}

/**
 * The device's voice and ear on MQTT: what the rest of usher publishes to and subscribes on. Sees to the device's status, and
 * hands outgoing messages to the `Publisher`, incoming ones to the `InboundRouter`, the connection to the `Link`.
 */
export class MqttClient {
  private readonly base: TopicBase;
  private readonly stopMs: number;
  private readonly statusTopic: string;
  private readonly presence: Presence;
  private readonly publisher: Publisher;
  private readonly router: InboundRouter;
  private readonly link: Link;
  private readonly retained: RetainedReader;
  private repairTimer: NodeJS.Timeout | null = null;
  private connects = 0;

  constructor(options: MqttClientOptions) {
    const limits = { ...MQTT_LIMITS, ...options.limits };
    this.base = { site: options.site, device: options.device, discoveryPrefix: options.discoveryPrefix };
    this.stopMs = limits.stopMs;
    this.statusTopic = topicOf('status', {}, this.base);
    this.presence = new Presence(options.bootId, options.now ?? Date.now);
    this.publisher = new Publisher({
      base: this.base,
      queue: options.queue ?? new MemoryEventQueue(limits.queuedEvents),
      check: options.checkOutgoing ?? false,
      stuck: (error) => this.link.complain(error),
    });
    this.router = new InboundRouter(this.base, (rejection) => options.rejected?.(rejection));
    this.link = new Link(
      {
        ...options,
        clientId: `usher-${options.site}-${options.device}`,
        protocolVersion: options.protocolVersion ?? 4,
        limits,
        random: options.random ?? Math.random,
      },
      {
        will: () => this.will(),
        up: (connection) => void this.greet(connection),
        message: (packet) => this.receive(packet),
        changed: (health) => options.changed?.(health),
      },
    );
    this.retained = new RetainedReader(() => this.link.live);
  }

  get connected(): boolean {
    return this.link.live !== null;
  }

  get health(): LinkHealth {
    return this.link.health;
  }

  get stats(): ClientStats {
    return { connects: this.connects, ...this.publisher.stats, rejected: this.router.rejections };
  }

  /** Does not wait for the broker, which may be down: see `health`. */
  start(): void {
    this.link.start();
  }

  /** Sends what can be sent, says offline and closes, all within a deadline. Safe to call twice. */
  stop(): Promise<void> {
    this.cancelRepair();
    return this.link.stop(async (connection) => {
      // Half of the time for what waits; "offline" must still get its turn.
      await withDeadline(this.stopMs / 2, this.publisher.drain(connection), () => undefined);
      const offline = JSON.stringify(this.presence.message('offline'));
      await connection.send(this.statusTopic, offline, { qos: 1, retain: true });
    });
  }

  /**
   * One handler a topic key, before `start`. Payloads arrive checked; retained ones of momentary topics do not arrive at all.
   * @param only values of the topic's placeholders to listen to, like the groups that this device belongs to
   */
  subscribe<K extends InKey>(key: K, handler: InboundHandler<K>, only: Only<K> = {}): void {
    this.router.on(key, handler, only);
  }

  /**
   * One retained message, like a part of a release; see `RetainedReader`.
   * @throws UsherError `broker-failed`, `cancelled`
   */
  take(topic: string, timeoutMs: number, signal?: AbortSignal): Promise<Buffer> {
    return this.retained.take(topic, timeoutMs, signal);
  }

  /** For handlers that refuse what the schema allows: counted and reported like any other refusal. */
  reject(key: InKey, topic: string, reason: RejectReason, detail: string): void {
    this.router.reject(key, topic, reason, detail);
  }

  /**
   * Never waits. What becomes of the message depends on the topic's way of delivery.
   * @throws UsherError `message-invalid` when `checkOutgoing` is on and the payload is not what the topic promises.
   * @throws RangeError when a parameter is not an identifier.
   */
  publish<K extends PublishKey>(key: K, params: ParamsOf<K>, payload: PayloadOf<K>): PublishOutcome {
    return this.publisher.publish(key, params, payload);
  }

  /** The topic of an event that its producer puts into the queue itself, checked like `publish`; then `wake`. */
  topicOfEvent<K extends OutKeyOf<'event'>>(key: K, params: ParamsOf<K>, payload: PayloadOf<K>): string {
    return this.publisher.topicOfEvent(key, params, payload);
  }

  /** Something was put into the queue; also the way to try again after a failure, so call it now and then. Never waits. */
  wake(): void {
    this.publisher.wake();
  }

  /** Takes a retained message back from the broker. */
  clear<K extends PublishKey>(key: K, params: ParamsOf<K>): PublishOutcome {
    return this.publisher.clear(key, params);
  }

  private will(): { topic: string; payload: string } {
    this.presence.nextBirth();
    return { topic: this.statusTopic, payload: JSON.stringify(this.presence.message('offline')) };
  }

  /**
   * The order on a new connection: hear our own status first (so that a retained birth ahead of ours is noticed before it is
   * overwritten), then be online, then state, then swipes and commands, then the events that waited.
   */
  private async greet(connection: Connection): Promise<void> {
    this.connects++;
    this.publisher.attach(connection);
    const hear = (filters: { filter: string; qos: 0 | 1 }[]): Promise<void> =>
      connection.subscribe(filters).catch((error: unknown) => this.link.complain(error));
    await hear([{ filter: this.statusTopic, qos: 1 }]);
    this.sayOnline(connection);
    this.publisher.restate(connection);
    await hear(this.router.filters);
    this.retained.up(connection);
    await this.publisher.drain(connection);
  }

  private receive(packet: InboundPacket): void {
    if (packet.topic === this.statusTopic) this.hearOwnStatus(packet);
    // A second copy that came before the broker heard that we had left is for nobody.
    else if (this.retained.deliver(packet) || paramsOf('updateData', packet.topic, this.base) !== null) return;
    else this.router.dispatch(packet);
  }

  private hearOwnStatus(packet: InboundPacket): void {
    const seen = decode(StatusPayload, packet.payload);
    switch (seen.ok ? this.presence.judge(seen.value) : 'stale') {
      case 'ours':
        this.cancelRepair();
        return;
      case 'ahead':
        this.link.renew(
          new UsherError('broker-failed', `a later status than ours stands on ${this.statusTopic}`, {
            remedy: 'usher reconnects above it; if this repeats, two devices share one device.site and device.id',
          }),
        );
        return;
      case 'stale':
        // The late last will of an earlier connection, or somebody else's message: put ours back, at a bounded rate.
        this.repairTimer ??= setTimeout(() => {
          this.repairTimer = null;
          if (this.link.live !== null) this.sayOnline(this.link.live);
        }, MQTT_LIMITS.statusRepairMs);
    }
  }

  private cancelRepair(): void {
    if (this.repairTimer !== null) clearTimeout(this.repairTimer);
    this.repairTimer = null;
  }

  private sayOnline(connection: Connection): void {
    sendState(connection, this.statusTopic, JSON.stringify(this.presence.message('online')));
  }
}
