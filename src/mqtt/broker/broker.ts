import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';
import Aedes, { type Subscription } from 'aedes';
import { UsherError, messageOf, systemCode } from '../../errors';
import { BrokerRules } from './broker-rules';
import { BROKER_LIMITS } from '../topics/limits';
import { PacketSizeGuard } from '../topics/packet-size';

export interface EmbeddedBrokerOptions {
  /** 0 takes a free port. */
  readonly port: number;
  /** Told of every client that was cut off, and why. */
  readonly refused?: (clientId: string, why: string) => void;
}

const HOST = '127.0.0.1';

interface Guest {
  /** From the moment at which its CONNECT was taken. */
  id: string | null;
  /** Since when it reads nothing, monotonic ms; null: it does. */
  stuckSince: number | null;
}

/**
 * A broker inside the process, for a box without one. On the loopback interface only: it has no passwords, so every
 * local program may use it. MQTT 3.1.1; retained messages and sessions are in memory, limited, and end with the
 * process.
 */
export class EmbeddedBroker {
  private readonly options: EmbeddedBrokerOptions;
  /** In the order in which they came. */
  private readonly guests = new Map<Socket, Guest>();
  private sweeper: NodeJS.Timeout | null = null;
  private aedes: Aedes | null = null;
  private server: Server | null = null;

  constructor(options: EmbeddedBrokerOptions) {
    this.options = options;
  }

  /** The port that is listened on; null while stopped. */
  get port(): number | null {
    return (this.server?.address() as AddressInfo | null | undefined)?.port ?? null;
  }

  get url(): string {
    if (this.port === null) throw new UsherError('broker-failed', 'the embedded broker is not running');
    return `mqtt://${HOST}:${this.port}`;
  }

  get clients(): number {
    return this.aedes?.connectedClients ?? 0;
  }

  /** @throws UsherError `broker-failed`, naming the port, when it cannot be listened on. */
  async start(): Promise<void> {
    if (this.server !== null) return;
    const aedes = this.bounded(new BrokerRules(() => performance.now()));
    const server = createServer((socket) => this.accept(aedes, socket));
    try {
      await listen(server, this.options.port);
    } catch (error) {
      await new Promise<void>((resolve) => aedes.close(resolve));
      throw explain(error, this.options.port);
    }
    this.aedes = aedes;
    this.server = server;
    this.sweeper = setInterval(() => this.sweep(), BROKER_LIMITS.sweepMs);
  }

  /** Closes every connection; no one receives the clients' last wills. */
  async stop(): Promise<void> {
    const { aedes, server } = this;
    this.aedes = null;
    this.server = null;
    if (this.sweeper !== null) clearInterval(this.sweeper);
    this.sweeper = null;
    if (aedes === null || server === null) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    await new Promise<void>((resolve) => aedes.close(resolve));
    for (const socket of this.guests.keys()) socket.destroy();
    await closed;
  }

  private accept(aedes: Aedes, socket: Socket): void {
    socket.setNoDelay(true);
    socket.setTimeout(BROKER_LIMITS.idleMs, () =>
      this.cut(socket, `nothing for ${BROKER_LIMITS.idleMs / 60_000} minutes`),
    );
    socket.on('close', () => this.guests.delete(socket));
    this.guests.set(socket, { id: null, stuckSince: null });
    aedes.handle(socket);
    // aedes reads on 'readable'; an additional 'data' listener sees each chunk just before aedes does, and does not
    // start the flow.
    const guard = new PacketSizeGuard(BROKER_LIMITS.packetBytes);
    socket.on('data', (chunk: Buffer) => {
      const announced = guard.push(chunk);
      if (announced === null) return;
      this.cut(socket, `a packet of ${announced} bytes, at most ${BROKER_LIMITS.packetBytes}`);
    });
    const unnamed = [...this.guests].filter(([, guest]) => guest.id === null);
    const [oldest] = unnamed;
    if (oldest !== undefined && unnamed.length > BROKER_LIMITS.unnamed)
      this.cut(oldest[0], 'too many connections that do not identify themselves');
  }

  /** The library with every bound that it does not have itself. */
  private bounded(rules: BrokerRules): Aedes {
    const aedes = new Aedes({
      connectTimeout: BROKER_LIMITS.connectMs,
      preConnect: (client, packet, done) => {
        const names = [...this.guests.values()].map(({ id }) => id).filter((id) => id !== null);
        const why = rules.connect(packet.clientId, packet.clean ?? true, names);
        const guest = this.guests.get(client.conn as Socket);
        if (why === null && guest !== undefined) guest.id = packet.clientId;
        done(why === null ? null : new Error(why), why === null);
      },
      authorizePublish: (client, packet, done) => {
        const why =
          client === null ? null : rules.publish(client.id, packet.topic, packet.payload.length, packet.retain);
        done(why === null ? null : new Error(why));
      },
      authorizeSubscribe: (client, subscription, done) => {
        const granted = rules.subscribe(client.id, subscription.topic);
        done(null, granted ? subscription : null);
      },
    });
    const refused = (client: { id: string | null }, error: Error): void =>
      this.options.refused?.(client.id ?? '(unknown)', error.message);
    aedes.on('clientError', refused);
    aedes.on('connectionError', refused);
    aedes.on('unsubscribe', (topics, client) => rules.unsubscribe(client.id, topics.length));
    aedes.on('clientDisconnect', ({ id }) => rules.gone(id));
    boundQueues(aedes, rules);
    return aedes;
  }

  private sweep(): void {
    const now = performance.now();
    for (const [socket, guest] of this.guests) {
      if (!socket.writableNeedDrain) guest.stuckSince = null;
      else if (guest.stuckSince === null) guest.stuckSince = now;
      else if (now - guest.stuckSince >= BROKER_LIMITS.drainMs)
        this.cut(socket, 'it does not read what it subscribed to');
    }
  }

  private cut(socket: Socket, why: string): void {
    this.options.refused?.(this.guests.get(socket)?.id ?? '(unknown)', why);
    socket.destroy();
  }
}

interface Queues {
  outgoingEnqueueCombi(
    subscriptions: readonly (Subscription & { clientId: string })[],
    packet: { payload: Buffer },
    done: (error?: Error) => void,
  ): void;
  outgoingClearMessageId(
    client: { id: string },
    packet: unknown,
    done: (error?: Error | null, packet?: { payload?: Buffer }) => void,
  ): void;
}

/** What waits for a lasting session whose client is away; aedes keeps all of it. */
function boundQueues(aedes: Aedes, rules: BrokerRules): void {
  const { persistence } = aedes as unknown as { persistence: Queues };
  const enqueue = persistence.outgoingEnqueueCombi.bind(persistence);
  const clear = persistence.outgoingClearMessageId.bind(persistence);
  persistence.outgoingEnqueueCombi = (subscriptions, packet, done) =>
    enqueue(
      subscriptions.filter(({ clientId }) => rules.enqueue(clientId, packet.payload.length)),
      packet,
      done,
    );
  persistence.outgoingClearMessageId = (client, packet, done) =>
    clear(client, packet, (error, cleared) => {
      if (cleared?.payload !== undefined) rules.dequeued(client.id, cleared.payload.length);
      done(error, cleared);
    });
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: HOST, port }, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}

function explain(error: unknown, port: number): UsherError {
  const where = `${HOST}:${port}`;
  const code = systemCode(error);
  if (code === 'EADDRINUSE')
    return new UsherError('broker-failed', `embedded MQTT broker: ${where} is in use by another program`, {
      remedy:
        'stop that program (often another usher, or `systemctl stop mosquitto`), give mqtt.broker.port another number, or use that broker with mqtt.broker.type: external',
      cause: error,
    });
  if (code === 'EACCES')
    return new UsherError('broker-failed', `embedded MQTT broker: no permission to listen on ${where}`, {
      remedy: 'give mqtt.broker.port a number from 1024 up',
      cause: error,
    });
  return new UsherError('broker-failed', `embedded MQTT broker: cannot listen on ${where}: ${messageOf(error)}`, {
    remedy: 'give mqtt.broker.port another number',
    cause: error,
  });
}
