import { UsherError } from '../../errors';
import { type Connection } from '../link/connection';
import { MQTT_LIMITS } from '../topics/limits';
import { type InboundPacket } from '../topics/wire';
import { Link, type LinkHealth, type LinkOptions } from '../link/link';

type Filters = readonly { filter: string; qos: 0 | 1 }[];

export interface DoorLineEvents {
  /** What is subscribed to here. */
  filters(): Filters;
  message(packet: InboundPacket): void;
  /** The connection has ended. */
  down(): void;
  /** Called when `problem` changed, or which connection receives. */
  changed(): void;
}

const ONE_CLIENT = new UsherError(
  'broker-failed',
  'the broker cuts one connection of this box whenever the other is made: swipes share a connection with commands',
  {
    remedy:
      'let it take two connections of one certificate: remove use_username_as_clientid from mosquitto.conf, see device-config/mosquitto',
  },
);

/**
 * A connection for swipes, contacts and unlocks alone: what else arrives for this box, however much, waits in another queue of
 * the broker. Where the broker does not allow it or it is down, the main connection stands in after a moment, so that a door never
 * depends on both.
 */
export class DoorLine {
  private readonly events: DoorLineEvents;
  private readonly link: Link;
  private readonly monotonicMs: () => number;
  /** The connection that is subscribed. */
  private hearing: Connection | null = null;
  private main: Connection | null = null;
  private standIn: Connection | null = null;
  private standInTimer: NodeJS.Timeout | null = null;
  private retryTimer: NodeJS.Timeout | null = null;
  private wanted = false;
  private connected = false;
  private givenUp = false;
  private doorUpAt = -Infinity;
  private mainUpAt = -Infinity;
  private rivalries = 0;
  private rivalAt = -Infinity;

  constructor(options: LinkOptions, events: DoorLineEvents, monotonicMs: () => number) {
    this.events = events;
    this.monotonicMs = monotonicMs;
    this.link = new Link(options, {
      will: () => null,
      up: (connection) => this.up(connection),
      message: (packet) => this.events.message(packet),
      changed: (health) => this.changed(health),
      down: () => this.events.down(),
    });
  }

  get live(): Connection | null {
    return this.link.live;
  }

  /** Whether swipes arrive, on whichever connection. */
  get hears(): boolean {
    return this.hearing?.connected === true || this.standIn?.connected === true;
  }

  /** What the main connection does not say by itself. */
  get problem(): UsherError | null {
    if (this.givenUp) return ONE_CLIENT;
    if (this.main === null) return null;
    const { state, problem } = this.link.health;
    return state === 'connected' || this.standIn !== null ? problem : null;
  }

  start(): void {
    this.wanted = true;
    this.link.start();
  }

  async stop(): Promise<void> {
    this.wanted = false;
    this.cancel();
    if (this.retryTimer !== null) clearTimeout(this.retryTimer);
    await this.link.stop(() => Promise.resolve());
  }

  mainUp(connection: Connection): void {
    if (this.main === connection) return;
    this.main = connection;
    this.mainUpAt = this.monotonicMs();
    // Its own wait may be half a minute; until then only the stand-in would receive for the door.
    this.link.tryNow();
    this.review();
  }

  mainDown(): void {
    this.cancel();
    const was = this.main;
    this.main = null;
    this.standIn = null;
    if (was !== null) this.judgeRivalry(this.mainUpAt, this.doorUpAt);
  }

  private up(connection: Connection): void {
    this.connected = true;
    this.doorUpAt = this.monotonicMs();
    this.cancel();
    connection.subscribe(this.events.filters()).then(
      () => {
        if (!connection.connected) return;
        this.hearing = connection;
        for (const { filter } of this.standIn === null ? [] : this.events.filters()) this.standIn?.unsubscribe(filter);
        this.standIn = null;
        this.events.changed();
      },
      (error: unknown) => this.link.complain(error),
    );
  }

  private changed({ state }: LinkHealth): void {
    if (state === 'failed') {
      const was = this.connected;
      this.connected = false;
      this.hearing = null;
      if (was) this.judgeRivalry(this.doorUpAt, this.mainUpAt);
      this.review();
    }
    this.events.changed();
  }

  /**
   * One of the two connections ended: because the other had just connected? Then the broker takes them for one client.
   */
  private judgeRivalry(fallenUpAt: number, otherUpAt: number): void {
    const now = this.monotonicMs();
    if (!this.wanted || this.givenUp || otherUpAt <= fallenUpAt || now - otherUpAt > MQTT_LIMITS.rivalMs) return;
    if (now - this.rivalAt > MQTT_LIMITS.rivalMemoryMs) this.rivalries = 0;
    this.rivalAt = now;
    if (++this.rivalries < MQTT_LIMITS.rivalries) return;
    this.givenUp = true;
    this.rivalries = 0;
    void this.link.stop(() => Promise.resolve());
    this.retryTimer = setTimeout(() => {
      this.givenUp = false;
      this.link.start();
    }, MQTT_LIMITS.doorLineRetryMs);
    this.review();
    this.events.changed();
  }

  private review(): void {
    if (!this.wanted || this.main === null || this.link.live !== null || this.standIn === this.main) return;
    const { main } = this;
    this.standInTimer ??= setTimeout(
      () => {
        this.standInTimer = null;
        if (this.main !== main || this.link.live !== null) return;
        this.standIn = main;
        main.subscribe(this.events.filters()).then(
          () => this.events.changed(),
          () => undefined,
        );
      },
      this.givenUp ? 0 : MQTT_LIMITS.doorStandInMs,
    );
  }

  private cancel(): void {
    if (this.standInTimer !== null) clearTimeout(this.standInTimer);
    this.standInTimer = null;
  }
}
