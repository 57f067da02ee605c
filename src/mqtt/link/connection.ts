import { type IClientOptions, type IPublishPacket, type ISubscriptionMap, MqttClient } from 'mqtt';
import { Transport } from './transport';
import { type ConnectionEvents, type ConnectionSettings, type SendOptions } from '../topics/wire';

/**
 * One connection to a broker, from the first byte to the last; it never reconnects. A new attempt is a new object with
 * its own mqtt.js client. This prevents replay: mqtt.js sends its store and its offline queue again after a reconnect
 * of the same client (an unlock published while offline arrived seconds later, QoS 0 and 1 alike), and here nothing
 * survives its connection. It also lets every connection have its own last will. Invariants: `down` is called once;
 * every promise of `send` and `subscribe` settles, at the latest then.
 */
export class Connection {
  private readonly settings: ConnectionSettings;
  private readonly events: ConnectionEvents;
  private readonly pending = new Set<(cause: unknown) => void>();
  private client: MqttClient | null = null;
  private transport: Transport | null = null;
  /** The largest packet that the broker takes, where it said so (MQTT 5). */
  private largest = Infinity;
  private live = false;
  private ended = false;

  constructor(settings: ConnectionSettings, events: ConnectionEvents) {
    this.settings = settings;
    this.events = events;
  }

  open(): void {
    let client: MqttClient;
    try {
      const transport = new Transport({ ...this.settings, admit: this.settings.admit ?? (() => true) });
      this.transport = transport;
      transport.on('error', (error) => this.end(error));
      client = new MqttClient(() => transport, optionsOf(this.settings));
    } catch (error) {
      // Thrown on the spot for a URL or a certificate that cannot be used.
      setImmediate(() => this.end(error));
      return;
    }
    this.client = client;
    client.on('connect', (packet) => {
      if (this.ended) return;
      this.largest = packet.properties?.maximumPacketSize ?? Infinity;
      this.live = true;
      this.events.up();
    });
    client.on('message', (topic, payload, packet: IPublishPacket) => {
      if (!this.ended) this.events.message({ topic, payload, retain: packet.retain, dup: packet.dup });
    });
    client.on('disconnect', (packet) => this.end(Object.assign(new Error('sent away'), { code: packet.reasonCode })));
    client.on('error', (error) => this.end(error));
    client.on('close', () => this.end(null));
  }

  get connected(): boolean {
    return this.live && !this.ended;
  }

  /** Bytes that were handed over and have not left the process; grows when the network is stuck. */
  get backlogBytes(): number {
    return this.transport?.backlogBytes ?? 0;
  }

  /**
   * Resolves when written (QoS 0) or acknowledged (QoS 1); rejects when the connection ends before that, with the reason code where
   * the broker refuses it (MQTT 5), and with `ETOOLARGE` where it would cut the connection for it.
   */
  send(topic: string, payload: string | Buffer, options: SendOptions): Promise<void> {
    const bytes = Buffer.byteLength(topic) + Buffer.byteLength(payload) + PUBLISH_OVERHEAD;
    if (bytes > this.largest) {
      const message = `${topic} (${bytes} bytes, at most ${this.largest})`;
      return Promise.reject(Object.assign(new Error(message), { code: 'ETOOLARGE' }));
    }
    return this.settled((client, done) => {
      client.publish(
        topic,
        payload,
        {
          qos: options.qos,
          retain: options.retain,
          ...(options.expirySeconds === undefined
            ? {}
            : { properties: { messageExpiryInterval: options.expirySeconds } }),
        },
        done,
      );
    });
  }

  /** Rejects also when the broker refuses one of the subscriptions. */
  subscribe(filters: readonly { filter: string; qos: 0 | 1 }[]): Promise<void> {
    const packets = this.packetsOf(filters);
    return Promise.all(packets.map((packet) => this.subscribeAtOnce(packet))).then(() => undefined);
  }

  private subscribeAtOnce(filters: readonly { filter: string; qos: 0 | 1 }[]): Promise<void> {
    return this.settled((client, done) => {
      // MQTT 5: "retain as published", so that a message published as retained is distinguished from a fresh one even
      // live.
      const wanted: ISubscriptionMap = Object.fromEntries(
        filters.map(({ filter, qos }) => [filter, { qos, rap: true }]),
      );
      client.subscribe(wanted, (error, _granted, suback) =>
        done(error === null ? null : refusal(error, filters, suback)),
      );
    });
  }

  /** Where the broker takes small packets alone, several of them. */
  private packetsOf<F extends { filter: string }>(filters: readonly F[]): F[][] {
    const packets: F[][] = [];
    let room = 0;
    for (const filter of filters) {
      const bytes = Buffer.byteLength(filter.filter) + 3;
      const last = packets.at(-1);
      if (last === undefined || bytes > room) {
        packets.push([filter]);
        room = this.largest - PUBLISH_OVERHEAD - bytes;
      } else {
        last.push(filter);
        room -= bytes;
      }
    }
    return packets;
  }

  /** Nothing depends on the broker's answer: later messages are ignored. */
  unsubscribe(filter: string): void {
    if (this.connected) this.client?.unsubscribe(filter, () => undefined);
  }

  /** Says goodbye in order (so that the last will is not sent) and waits until the stream is closed. */
  close(): Promise<void> {
    const client = this.client;
    if (client === null || this.ended) return Promise.resolve();
    return new Promise((resolve) => {
      client.end(false, () => {
        this.end(null);
        resolve();
      });
    });
  }

  /** Cuts the connection; the broker then sends the last will. */
  drop(): void {
    this.end(null);
  }

  private settled(start: (client: MqttClient, done: (error?: Error | null) => void) => void): Promise<void> {
    const client = this.client;
    if (client === null || !this.connected) return Promise.reject(new Error('not connected'));
    return new Promise((resolve, reject: (cause: unknown) => void) => {
      this.pending.add(reject);
      start(client, (error) => {
        this.pending.delete(reject);
        if (error) reject(error);
        else resolve();
      });
    });
  }

  private end(cause: unknown): void {
    if (this.ended) return;
    this.ended = true;
    this.client?.on('error', () => undefined);
    this.client?.end(true);
    for (const reject of this.pending) reject(cause ?? new Error('connection closed'));
    this.pending.clear();
    this.events.down(cause);
  }
}

/** Fixed header, lengths, packet identifier and properties: a little more than it ever is. */
const PUBLISH_OVERHEAD = 24;

/** mqtt.js answers one refused subscription among several with an error that does not say which. */
function refusal(
  error: Error,
  filters: readonly { filter: string }[],
  suback: { readonly granted: readonly unknown[] } | undefined,
): Error {
  if (suback === undefined) return error;
  const refused = filters.filter((_, index) => Number(suback.granted[index]) >= 128).map(({ filter }) => filter);
  return Object.assign(new Error(`it refuses the subscription to ${refused.join(', ')}`), { code: 'ESUBACK' });
}

function optionsOf(settings: ConnectionSettings): IClientOptions {
  const url = new URL(settings.url);
  const username = settings.username ?? (url.username === '' ? undefined : decodeURIComponent(url.username));
  const password = settings.password ?? (url.password === '' ? undefined : decodeURIComponent(url.password));
  return {
    clientId: settings.clientId,
    protocolVersion: settings.protocolVersion,
    keepalive: settings.keepaliveSeconds,
    // A PINGRESP is due whether or not we are sending: our own traffic says nothing about the peer being alive.
    reschedulePings: false,
    connectTimeout: settings.connectMs,
    // What a broker would keep for us while we are away is stale when we return: swipes and commands are for now.
    clean: true,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    ...(settings.will === null
      ? {}
      : { will: { topic: settings.will.topic, payload: Buffer.from(settings.will.payload), qos: 1, retain: true } }),
    ...(settings.protocolVersion === 5 ? { properties: { maximumPacketSize: settings.maxPacketBytes } } : {}),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
  };
}
