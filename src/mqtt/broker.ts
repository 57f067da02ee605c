import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';
import Aedes from 'aedes';
import { UsherError, messageOf, systemCode } from '../errors';
import { MQTT_LIMITS } from './limits';
import { PacketSizeGuard } from './packet-size';

export interface EmbeddedBrokerOptions {
  /** 0 takes a free port. */
  readonly port: number;
  /** Told of every client that was cut off, and why. */
  readonly refused?: (clientId: string, why: string) => void;
}

const HOST = '127.0.0.1';

/**
 * A broker inside the process, for a box without one. On the loopback interface only: it knows no passwords, so whoever reaches
 * it may speak. MQTT 3.1.1; retained messages and sessions live in memory and end with the process.
 */
export class EmbeddedBroker {
  private readonly options: EmbeddedBrokerOptions;
  private readonly sockets = new Set<Socket>();
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
    const aedes = new Aedes({
      connectTimeout: MQTT_LIMITS.brokerConnectMs,
    });
    const refused = (client: { id: string | null }, error: Error): void =>
      this.options.refused?.(client.id ?? '(unknown)', error.message);
    aedes.on('clientError', refused);
    aedes.on('connectionError', refused);
    const server = createServer((socket) => this.accept(aedes, socket));
    server.maxConnections = MQTT_LIMITS.brokerClients;
    try {
      await listen(server, this.options.port);
    } catch (error) {
      await new Promise<void>((resolve) => aedes.close(resolve));
      throw explain(error, this.options.port);
    }
    this.aedes = aedes;
    this.server = server;
  }

  /** Closes every connection; the clients' last wills go to nobody. */
  async stop(): Promise<void> {
    const { aedes, server } = this;
    this.aedes = null;
    this.server = null;
    if (aedes === null || server === null) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    await new Promise<void>((resolve) => aedes.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  private accept(aedes: Aedes, socket: Socket): void {
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    socket.setNoDelay(true);
    const client = aedes.handle(socket);
    // aedes reads on 'readable'; a 'data' listener beside it sees each chunk just before aedes does, and does not start the flow.
    const guard = new PacketSizeGuard(MQTT_LIMITS.brokerPacketBytes);
    socket.on('data', (chunk: Buffer) => {
      const announced = guard.push(chunk);
      if (announced === null) return;
      this.options.refused?.(client.id, `a packet of ${announced} bytes, at most ${MQTT_LIMITS.brokerPacketBytes}`);
      socket.destroy();
    });
  }
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
