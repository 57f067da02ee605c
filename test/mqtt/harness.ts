import { until } from '../support/until';
import { randomUUID } from 'node:crypto';
import { type Server, type Socket, connect as dial, createServer } from 'node:net';
import { type AddressInfo } from 'node:net';
import { type MqttClient as Raw, connect } from 'mqtt';
import { EmbeddedBroker } from '../../src/mqtt/broker/broker';
import { MqttClient } from '../../src/mqtt/client/client';
import type { MqttClientOptions } from '../../src/mqtt/client/client-options';
import type { TopicBase } from '../../src/mqtt/topics/topic-names';
import { Mosquitto, freePort } from '../support/mosquitto';

export const BASE: TopicBase = { site: 'lyon', device: 'front', discoveryPrefix: 'homeassistant' };
export const ROOT = 'usher/v1/lyon/front';

export interface TestBroker {
  readonly url: string;
  readonly port: number;
  start(): Promise<void>;
  stop(): Promise<void>;
  dispose(): Promise<void>;
}

/** The embedded broker on one port over several starts, like mosquitto. */
export class EmbeddedTestBroker implements TestBroker {
  port = 0;
  private broker: EmbeddedBroker | null = null;

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    if (this.port === 0) this.port = await freePort();
    this.broker = new EmbeddedBroker({ port: this.port });
    await this.broker.start();
  }

  async stop(): Promise<void> {
    await this.broker?.stop();
  }

  dispose(): Promise<void> {
    return this.stop();
  }
}

export const BROKERS: { name: string; make: () => TestBroker; protocolVersion: 4 | 5 }[] = [
  { name: 'embedded broker, MQTT 3.1.1', make: () => new EmbeddedTestBroker(), protocolVersion: 4 },
  { name: 'mosquitto, MQTT 3.1.1', make: () => new Mosquitto(), protocolVersion: 4 },
  { name: 'mosquitto, MQTT 5', make: () => new Mosquitto(), protocolVersion: 5 },
];

export function makeClient(url: string, options: Partial<MqttClientOptions> = {}): MqttClient {
  return new MqttClient({
    ...BASE,
    url,
    bootId: randomUUID(),
    checkOutgoing: true,
    ...options,
    limits: { backoffMinMs: 20, backoffMaxMs: 100, ...options.limits },
  });
}

export interface Seen {
  readonly topic: string;
  readonly text: string;
  readonly retain: boolean;
}

/** Another program on the same broker: subscribes, remembers what it sees, publishes raw bytes. */
export class Observer {
  readonly seen: Seen[] = [];
  readonly raw: Raw;
  private ready: Promise<void>;

  constructor(url: string, filter: string, qos: 0 | 1 = 1, lasting?: string) {
    this.raw = connect(url, {
      reconnectPeriod: 20,
      ...(lasting === undefined ? {} : { clientId: lasting, clean: false }),
    });
    this.raw.on('error', () => undefined);
    this.raw.on('message', (topic, payload, packet) =>
      this.seen.push({ topic, text: payload.toString(), retain: packet.retain }),
    );
    this.ready = Promise.resolve();
    this.raw.on('connect', () => {
      this.ready = this.raw.subscribeAsync(filter, { qos }).then(() => undefined);
    });
  }

  async connected(): Promise<this> {
    await until('observer to connect', () => this.raw.connected);
    await new Promise((resolve) => setImmediate(resolve));
    await this.ready;
    return this;
  }

  async publish(
    topic: string,
    payload: string | Buffer,
    options: { qos?: 0 | 1; retain?: boolean } = {},
  ): Promise<void> {
    await this.raw.publishAsync(topic, payload, { qos: options.qos ?? 1, retain: options.retain ?? false });
  }

  on(topic: string): Seen[] {
    return this.seen.filter((message) => message.topic === topic);
  }

  json(topic: string): Record<string, unknown>[] {
    return this.on(topic).map((message) => JSON.parse(message.text) as Record<string, unknown>);
  }

  async close(): Promise<void> {
    await this.raw.endAsync(true);
  }
}

/** A cable that can be cut: a TCP relay between a client and a broker. */
export class Cable {
  private readonly to: () => number;
  private readonly sockets = new Set<Socket>();
  private server: Server | null = null;
  port = 0;

  constructor(to: () => number) {
    this.to = to;
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  async restore(): Promise<void> {
    const server = createServer((near) => {
      const far = dial(this.to(), '127.0.0.1');
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        this.sockets.add(from);
        from.on('error', () => undefined);
        from.on('close', () => to.destroy());
        from.pipe(to);
      }
    });
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
    this.port = (server.address() as AddressInfo).port;
    this.server = server;
  }

  /** Nothing flows any more, yet nobody is told. */
  freeze(): void {
    for (const socket of this.sockets) {
      socket.unpipe();
      socket.pause();
    }
  }

  async cut(): Promise<void> {
    const server = this.server;
    this.server = null;
    if (server === null) return;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    this.sockets.clear();
    await closed;
  }
}
