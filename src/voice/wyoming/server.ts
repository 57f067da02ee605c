import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { messageOf, systemCode, UsherError } from '../../errors';
import { encodeEvent, WyomingParser, type WyomingEvent } from './framing';
import { type WyomingSession } from './session';

export interface WyomingServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Connections at once. */
  readonly clients: number;
  readonly session: () => Pick<WyomingSession, 'handle'>;
  /** Told why a client was sent away; the caller limits how often it logs. */
  readonly refused: (why: string) => void;
  /** Nothing for so long, or one event that does not come to its end: the client is dropped. */
  readonly idleMs?: number;
}

const IDLE_MS = 60_000;

/**
 * Serves trigger words to voice assistants over TCP. A client costs at most one event of memory and is read no faster
 * than it is served. A client with invalid messages gets an error and is disconnected.
 */
export class WyomingServer {
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  constructor(private readonly options: WyomingServerOptions) {
    this.server = createServer({ noDelay: true }, (socket) => this.accept(socket));
  }

  /** Clients connected now. */
  get connected(): number {
    return this.sockets.size;
  }

  /** @returns the port. @throws UsherError `server-failed` where the address cannot be had */
  async start(): Promise<number> {
    const { host, port } = this.options;
    const listening = once(this.server, 'listening');
    this.server.listen({ host, port });
    try {
      await listening;
    } catch (error) {
      const taken = systemCode(error) === 'EADDRINUSE';
      throw new UsherError('server-failed', `Wyoming cannot listen on ${host}:${port}: ${messageOf(error)}`, {
        remedy: taken
          ? 'Another program has this port (openWakeWord uses it too): set wyoming.port.'
          : 'Set wyoming.host to an address of this machine.',
        cause: error,
      });
    }
    return (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    if (!this.server.listening) return;
    this.server.close();
    await once(this.server, 'close');
  }

  private accept(socket: Socket): void {
    const { clients, refused, idleMs = IDLE_MS } = this.options;
    socket.on('error', () => undefined);
    if (this.sockets.size >= clients) {
      refused(`${clients} clients are connected already`);
      socket.end(encodeEvent('error', { text: 'too many clients', code: 'busy' }));
      socket.setTimeout(1000, () => socket.destroy());
      return;
    }
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    socket.setTimeout(idleMs, () => socket.destroy());
    this.converse(socket, idleMs).catch((error: unknown) => {
      // Broken connections are not news; what is said on good ones and makes no sense is.
      if (error instanceof UsherError) {
        refused(error.message);
        socket.end(encodeEvent('error', { text: error.message.slice(0, 500), code: error.code }));
      }
      socket.setTimeout(1000, () => socket.destroy());
      if (!(error instanceof UsherError)) socket.destroy();
    });
  }

  private async converse(socket: Socket, idleMs: number): Promise<void> {
    const session = this.options.session();
    const parser = new WyomingParser();
    let begunAt = 0;
    for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      const events: WyomingEvent[] = [];
      if (!parser.pending) begunAt = performance.now();
      parser.push(chunk, (event) => events.push(event));
      if (events.length > 0) begunAt = performance.now();
      else if (performance.now() - begunAt > idleMs)
        throw new UsherError('message-invalid', 'Wyoming: an event that does not come to its end');
      for (const event of events) {
        const answers = { read: true };
        await session.handle(event, ({ type, data }) => {
          answers.read = socket.write(encodeEvent(type, data)) && answers.read;
        });
        // Who does not read the answers gets no further question.
        if (!answers.read && socket.writable) await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
      }
    }
  }
}
