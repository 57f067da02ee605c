import { type Connection } from '../link/connection';
import { type CredentialFiles } from '../link/credentials';
import { withDeadline } from '../link/deadline';
import { DoorLine } from './door-line';
import { type EventQueue, MemoryEventQueue } from './event-queue';
import { type InboundHandler, InboundRouter, type Only, type Rejection, type RejectReason } from '../inbound/inbound';
import { DeliveryWatch } from './delivery-watch';
import { FloodWatch } from '../inbound/flood-watch';
import { Ghosts, type RetainedMemory } from './ghosts';
import { InboundRates } from '../inbound/inbound-rates';
import { INBOUND_RATES, MQTT_LIMITS } from '../topics/limits';
import { Link, type LinkHealth, type LinkLimits, type LinkOptions } from '../link/link';
import { Presence } from './presence';
import { type PublishKey, type PublishOutcome, Publisher } from './publisher';
import { RetainedReader } from '../link/retained-reader';
import { StatusKeeper } from './status-keeper';
import {
  type InKey,
  type OutKeyOf,
  paramsOf,
  type ParamsOf,
  type PayloadOf,
  type TopicBase,
  topicOf,
} from '../topics/topics';
import { type InboundPacket } from '../topics/wire';

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
  /** What this box had kept on the broker, over restarts; without it, what no longer belongs to it stays there. */
  readonly memory?: RetainedMemory | undefined;
  /** Whether the box as it is configured has something kept on a topic. */
  readonly belongs?: (topic: string) => boolean;
  /** What was taken back, once a run. */
  readonly tookBack?: (topics: readonly string[]) => void;
  /** Where events wait for the broker; without one, in memory. */
  readonly queue?: EventQueue | undefined;
  readonly limits?: Partial<LinkLimits & Readonly<Record<'queuedEvents' | 'echoMs', number>>>;
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

/** Topics of the connection that nothing else may delay. */
const isDoors = (key: InKey): boolean => key === 'swipe' || key === 'contact';

/**
 * The device's voice and ear on MQTT: what the rest of usher publishes to and subscribes on. Hands outgoing messages to the
 * `Publisher`, incoming ones to the `InboundRouter`, the device's status to the `StatusKeeper`. Two connections: the `DoorLine` for
 * swipes, contacts and unlocks, a `Link` for everything else.
 */
export class MqttClient {
  private readonly options: MqttClientOptions;
  private readonly base: TopicBase;
  private readonly stopMs: number;
  private readonly status: StatusKeeper;
  private readonly publisher: Publisher;
  private readonly router: InboundRouter;
  private readonly link: Link;
  private readonly door: DoorLine;
  private readonly retained: RetainedReader;
  private readonly rates = new InboundRates(INBOUND_RATES.unknown, () => performance.now());
  private readonly flood = new FloodWatch();
  private readonly watch: DeliveryWatch;
  private readonly ghosts: Ghosts;
  private floodTimer: NodeJS.Timeout | null = null;
  private reported: LinkHealth = { state: 'stopped', problem: null };
  private greeted: Connection | null = null;
  private connects = 0;

  constructor(options: MqttClientOptions) {
    const limits = { ...MQTT_LIMITS, ...options.limits };
    this.options = options;
    this.base = { site: options.site, device: options.device, discoveryPrefix: options.discoveryPrefix };
    this.stopMs = limits.stopMs;
    this.status = new StatusKeeper(
      topicOf('status', {}, this.base),
      new Presence(options.bootId, options.now ?? Date.now),
      () => this.link,
    );
    this.watch = new DeliveryWatch({
      base: this.base,
      monotonicMs: () => performance.now(),
      echoMs: limits.echoMs,
      acknowledged: options.protocolVersion === 5,
    });
    this.ghosts = new Ghosts(
      options.memory ?? { read: () => [], write: () => undefined },
      options.belongs ?? (() => true),
    );
    this.publisher = new Publisher({
      base: this.base,
      queue: options.queue ?? new MemoryEventQueue(limits.queuedEvents),
      check: options.checkOutgoing ?? false,
      door: () => this.door.live,
      watch: this.watch,
      kept: (topic, payload) => this.ghosts.kept(topic, payload),
      stuck: (error) => this.link.complain(error),
    });
    this.router = new InboundRouter(this.base, (rejection) => options.rejected?.(rejection));
    const linkOptions: LinkOptions = {
      ...options,
      clientId: `usher-${options.site}-${options.device}`,
      protocolVersion: options.protocolVersion ?? 4,
      limits,
      random: options.random ?? Math.random,
      admit: (topic) => this.rates.admit(topic),
    };
    this.link = new Link(linkOptions, {
      will: () => this.status.nextWill(),
      up: (connection) => void this.greet(connection),
      message: (packet) => this.receive(packet),
      changed: (health) => this.linkChanged(health),
      down: () => this.watch.down(false),
    });
    this.door = new DoorLine(
      { ...linkOptions, clientId: `${linkOptions.clientId}-door` },
      {
        filters: () => [...this.router.filters(isDoors), ...this.watch.filters(true)],
        message: (packet) => this.receive(packet),
        down: () => this.watch.down(true),
        changed: () => this.report(),
      },
      () => performance.now(),
    );
    this.retained = new RetainedReader(() => this.link.live);
  }

  get connected(): boolean {
    return this.link.live !== null;
  }

  /** Whether everything is subscribed to, on whichever connection. */
  get hears(): boolean {
    return this.connected && this.greeted === this.link.live && this.door.hears;
  }

  get health(): LinkHealth {
    const { state, problem } = this.link.health;
    return {
      state,
      problem:
        problem ?? (state === 'connected' ? (this.door.problem ?? this.watch.problem ?? this.flood.problem) : null),
    };
  }

  get stats(): ClientStats {
    return { connects: this.connects, ...this.publisher.stats, rejected: this.router.rejections };
  }

  /** Does not wait for the broker, which may be down: see `health`. */
  start(): void {
    this.limitTopics();
    this.floodTimer ??= setInterval(() => this.watchFlood(), MQTT_LIMITS.floodCheckMs);
    this.link.start();
    this.door.start();
  }

  /** Sends what can be sent, says offline and closes, all within a deadline. Safe to call twice. */
  async stop(): Promise<void> {
    this.status.cancelRepair();
    if (this.floodTimer !== null) clearInterval(this.floodTimer);
    this.floodTimer = null;
    await Promise.all([
      this.door.stop(),
      this.link.stop(async (connection) => {
        // Half of the time for what waits; "offline" must still get its turn.
        await withDeadline(this.stopMs / 2, this.publisher.drain(connection), () => undefined);
        await this.status.sayOffline(connection);
      }),
    ]);
  }

  /**
   * One handler a topic key, before `start`. Payloads arrive checked; retained ones of momentary topics do not arrive at all.
   * @param only values of the topic's placeholders to listen to, like the groups that this device belongs to
   * @param names values that are configured: see `InboundRouter.on`
   */
  subscribe<K extends InKey>(
    key: K,
    handler: InboundHandler<K>,
    only: Only<K> = {},
    names: () => readonly string[] = () => [],
  ): void {
    this.router.on(key, handler, only, names);
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

  /**
   * The order on a new connection: hear our own status first (so that a retained birth ahead of ours is noticed before it is
   * overwritten), then be online, then state, then swipes and commands, then the events that waited.
   */
  private async greet(connection: Connection): Promise<void> {
    this.connects++;
    this.publisher.attach(connection);
    const hear = (filters: { filter: string; qos: 0 | 1 }[]): Promise<void> =>
      connection.subscribe(filters).catch((error: unknown) => this.link.complain(error));
    await hear([{ filter: this.status.topic, qos: 1 }]);
    this.status.sayOnline(connection);
    void this.takeBack(connection, this.ghosts.stale);
    this.publisher.restate(connection);
    await hear(this.router.filters((key) => !isDoors(key)));
    // Where the broker refuses these, nothing comes back, and the watch says so.
    await connection.subscribe(this.watch.filters(false)).catch(() => undefined);
    this.greeted = connection;
    this.retained.up(connection);
    await this.publisher.drain(connection);
  }

  private receive(packet: InboundPacket): void {
    if (packet.topic === this.status.topic) this.status.hear(packet);
    else if (this.watch.heard(packet)) this.exorcise(packet);
    // A second copy that came before the broker heard that we had left is for nobody.
    else if (this.retained.deliver(packet) || paramsOf('updateData', packet.topic, this.base) !== null) return;
    else this.router.dispatch(packet);
  }

  /** What stands on a topic of this box and is of an earlier configuration. */
  private exorcise({ topic, retain, payload }: InboundPacket): void {
    if (!retain || payload.length === 0 || this.publisher.keeps(topic) || !this.ghosts.isGhost(topic)) return;
    if (this.link.live !== null) void this.takeBack(this.link.live, [topic]);
  }

  private async takeBack(connection: Connection, topics: readonly string[]): Promise<void> {
    const found = topics.filter((topic) => !this.publisher.keeps(topic));
    if (found.length === 0) return;
    try {
      for (const topic of found) {
        await this.publisher.takeBack(connection, topic);
        this.ghosts.gone(topic);
      }
      this.options.tookBack?.(found);
    } catch (error) {
      if (connection.connected) this.link.complain(error);
    }
  }

  private linkChanged({ state }: LinkHealth): void {
    if (state === 'connected' && this.link.live !== null) this.door.mainUp(this.link.live);
    if (state === 'failed') this.door.mainDown();
    this.report();
  }

  private limitTopics(): void {
    const { rates, base } = this;
    rates.topic(this.status.topic, INBOUND_RATES.own);
    rates.topic(topicOf('commandResult', {}, base), INBOUND_RATES.own);
    rates.topic(topicOf('discovery', {}, base), INBOUND_RATES.own);
    this.router.limit(rates);
    rates.prefix('usher/v1/fleet/', INBOUND_RATES.updateData);
    rates.prefix(this.status.topic.replace(/status$/, ''), INBOUND_RATES.own);
  }

  private watchFlood(): void {
    this.watch.tick();
    const dropped = this.rates.takeDropped();
    for (const { count } of dropped) this.router.countFlooded(count);
    const over = this.flood.note(dropped, performance.now());
    // What was published last to be kept may have been among what was dropped.
    const again = over.flatMap((topic) => this.router.stateFilters(topic));
    this.link.live?.subscribe(again).catch((error: unknown) => this.link.complain(error));
    this.report();
  }

  private report(): void {
    const { state, problem } = this.health;
    if (this.reported.state === state && this.reported.problem?.message === problem?.message) return;
    this.reported = { state, problem };
    this.options.changed?.(this.reported);
  }
}
