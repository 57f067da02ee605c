import { createServer, connect, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { seededRandom } from '../../src/random';

export interface LinkOptions {
  /** Towards the client. */
  readonly bytesPerSecond: number;
  /** Share of packets (1,400 bytes) that are lost; TCP sends them again after a timeout, so a lost one costs time and not bytes. */
  readonly loss: number;
  readonly retransmitMs: number;
  /** The connection is cut after so many bytes, again and again. */
  readonly cutEveryBytes: number;
  readonly random: () => number;
}

export function randomOf(seed: number): () => number {
  const random = seededRandom(seed);
  return () => random.next();
}

const PACKET = 1400;
const BEAT_MS = 20;
const SILENCE_MS = 500;

/**
 * A bad line between a client and a server: a TCP relay that lets so many bytes through a second, holds all that follows a lost
 * packet until it is sent again (head-of-line blocking, as TCP does), and cuts connections.
 */
export class BadLink {
  cuts = 0;
  /** Bytes handed to the client. */
  delivered = 0;
  private readonly sockets = new Set<Socket>();
  private server: Server | null = null;

  constructor(
    private readonly to: () => number,
    private readonly options: LinkOptions,
  ) {}

  get port(): number {
    return (this.server?.address() as AddressInfo).port;
  }

  async start(): Promise<void> {
    this.server = createServer((near) => this.relay(near));
    await new Promise<void>((resolve) => this.server?.listen(0, '127.0.0.1', resolve));
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server?.close(resolve));
  }

  private relay(near: Socket): void {
    const { bytesPerSecond, loss, retransmitMs, cutEveryBytes, random } = this.options;
    const far = connect(this.to(), '127.0.0.1');
    let queue = Buffer.alloc(0);
    let budget = 0;
    let passed = 0;
    let heldUntil = 0;
    const end = (): void => {
      clearInterval(timer);
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) {
      this.sockets.add(socket);
      socket.on('error', end);
      socket.on('close', end);
    }
    near.pipe(far);
    far.on('data', (bytes: Buffer) => {
      queue = Buffer.concat([queue, bytes]);
      if (queue.length > 16 * 1024) far.pause();
    });
    const timer = setInterval(() => {
      budget = Math.min(budget + (bytesPerSecond * BEAT_MS) / 1000, bytesPerSecond / 4 + PACKET);
      while (queue.length > 0 && budget >= Math.min(PACKET, queue.length) && performance.now() >= heldUntil) {
        const packet = queue.subarray(0, PACKET);
        queue = queue.subarray(packet.length);
        budget -= packet.length;
        near.write(packet);
        passed += packet.length;
        this.delivered += packet.length;
        if (random() < loss) heldUntil = performance.now() + retransmitMs;
        if (passed >= cutEveryBytes) {
          this.cuts++;
          // A line that breaks is silent first; what has arrived is taken meanwhile.
          clearInterval(timer);
          setTimeout(end, SILENCE_MS);
          return;
        }
      }
      if (queue.length <= 16 * 1024) far.resume();
    }, BEAT_MS);
  }
}
