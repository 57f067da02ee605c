import { type Connection } from '../link/connection';
import { withDeadline } from '../link/deadline';
import { DoorLine } from './door-line';
import { MemoryEventQueue } from './event-queue';
import { type InboundHandler, InboundRouter, type Only, type RejectReason } from '../inbound/inbound';
import { DeliveryWatch } from './delivery-watch';
import { Ghosts } from './ghosts';
import { TakeBack } from './take-back';
import { FloodGuard } from '../inbound/flood-guard';
import type { ClientStats, MqttClientOptions } from './client-options';
import { MQTT_LIMITS } from '../topics/limits';
import { Link, type LinkHealth, type LinkOptions } from '../link/link';
import { Presence } from './presence';
import { type PublishKey, type PublishOutcome, Publisher } from './publisher';
import { RetainedReader } from '../link/retained-reader';
import { StatusKeeper } from './status-keeper';
import type { InKey, OutKeyOf, PayloadOf } from '../topics/topics';
import { paramsOf, type ParamsOf, type TopicBase, topicOf } from '../topics/topic-names';
import { type InboundPacket } from '../topics/wire';

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
  private readonly flood: FloodGuard;
  private readonly watch: DeliveryWatch;
  private readonly takeBack: TakeBack;
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
    const ghosts = new Ghosts(
      options.memory ?? { read: () => [], write: () => undefined },
      options.belongs ?? (() => true),
    );
    this.publisher = new Publisher({
      base: this.base,
      queue: options.queue ?? new MemoryEventQueue(limits.queuedEvents),
      check: options.checkOutgoing ?? false,
      door: () => this.door.live,
      watch: this.watch,
      kept: (topic, payload) => ghosts.kept(topic, payload),
      stuck: (error) => this.link.complain(error),
    });
    this.takeBack = new TakeBack({
      ghosts,
      publisher: this.publisher,
      live: () => this.link.live,
      complain: (error) => this.link.complain(error),
      tookBack: (topics) => options.tookBack?.(topics),
    });
    this.router = new InboundRouter(this.base, (rejection) => options.rejected?.(rejection));
    this.flood = this.makeFloodGuard();
    const linkOptions: LinkOptions = {
      ...options,
      clientId: `usher-${options.site}-${options.device}`,
      protocolVersion: options.protocolVersion ?? 4,
      limits,
      random: options.random ?? Math.random,
      admit: (topic) => this.flood.admit(topic),
    };
    this.link = this.makeLink(linkOptions);
    this.door = this.makeDoorLine(linkOptions);
    this.retained = new RetainedReader(() => this.link.live);
  }

  private makeFloodGuard(): FloodGuard {
    return new FloodGuard({
      base: this.base,
      router: this.router,
      resubscribe: (filters) =>
        void this.link.live?.subscribe(filters).catch((error: unknown) => this.link.complain(error)),
      looked: () => {
        this.watch.tick();
        this.report();
      },
    });
  }

  private makeLink(linkOptions: LinkOptions): Link {
    return new Link(linkOptions, {
      will: () => this.status.nextWill(),
      up: (connection) => void this.greet(connection),
      message: (packet) => this.receive(packet),
      changed: (health) => this.linkChanged(health),
      down: () => this.watch.down(false),
    });
  }

  private makeDoorLine(linkOptions: LinkOptions): DoorLine {
    return new DoorLine(
      { ...linkOptions, clientId: `${linkOptions.clientId}-door` },
      {
        filters: () => [...this.router.filters(isDoors), ...this.watch.filters(true)],
        message: (packet) => this.receive(packet),
        down: () => this.watch.down(true),
        changed: () => this.report(),
      },
      () => performance.now(),
    );
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
    this.flood.start();
    this.link.start();
    this.door.start();
  }

  /** Sends what can be sent, says offline and closes, all within a deadline. Safe to call twice. */
  async stop(): Promise<void> {
    this.status.cancelRepair();
    this.flood.stop();
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
    this.takeBack.remembered(connection);
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
    else if (this.watch.heard(packet)) this.takeBack.heard(packet);
    // A second copy that came before the broker processed the unsubscribe is dropped.
    else if (this.retained.deliver(packet) || paramsOf('updateData', packet.topic, this.base) !== null) return;
    else this.router.dispatch(packet);
  }

  private linkChanged({ state }: LinkHealth): void {
    if (state === 'connected' && this.link.live !== null) this.door.mainUp(this.link.live);
    if (state === 'failed') this.door.mainDown();
    this.report();
  }

  private report(): void {
    const { state, problem } = this.health;
    if (this.reported.state === state && this.reported.problem?.message === problem?.message) return;
    this.reported = { state, problem };
    this.options.changed?.(this.reported);
  }
}
