import { type Socket, connect as connectTcp, isIP } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import WebSocket, { createWebSocketStream } from 'ws';
import { type Admit, PublishFilter } from './publish-filter';

export interface TransportSettings {
  readonly url: string;
  readonly maxPacketBytes: number;
  readonly admit: Admit;
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'mqtt:': 1883, 'mqtts:': 8883 };

/**
 * The stream to a broker, made here and not by mqtt.js: so that a flood is dropped before it is parsed, and because mqtt.js makes
 * `ws://::1` of `ws://[::1]`.
 */
export class Transport extends Duplex {
  private readonly inner: Duplex;
  private readonly publishes: PublishFilter;

  /** @throws TypeError for a URL or certificate that cannot be used */
  constructor(settings: TransportSettings) {
    super({ allowHalfOpen: false });
    const inner = open(settings);
    this.inner = inner;
    this.publishes = new PublishFilter(settings.maxPacketBytes, settings.admit, {
      pass: (bytes) => {
        if (!this.push(bytes)) inner.pause();
      },
      acknowledge: (bytes) => {
        if (inner.writable) inner.write(bytes);
      },
    });
    inner.on('data', (chunk: Buffer) => {
      if (this.publishes.push(chunk) !== null)
        this.destroy(new Error('the broker sent a packet larger than this device takes in'));
    });
    inner.on('end', () => this.push(null));
    inner.on('error', (error) => this.destroy(error));
    inner.on('close', () => this.destroy());
  }

  /** Bytes that were handed over and have not left the process. */
  get backlogBytes(): number {
    return this.writableLength + this.inner.writableLength;
  }

  override _read(): void {
    this.inner.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.inner.write(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.inner.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.inner.destroy();
    done(error);
  }
}

function open({ url: text, ca, cert, key }: TransportSettings): Duplex {
  const url = new URL(text);
  const secrets = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
  if (url.protocol === 'ws:' || url.protocol === 'wss:') {
    // User and password are MQTT's: in the address they would become a header.
    const address = `${url.protocol}//${url.host}${url.pathname}${url.search}`;
    return createWebSocketStream(new WebSocket(address, ['mqtt'], { perMessageDeflate: false, ...secrets }));
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const usual = DEFAULT_PORTS[url.protocol];
  if (usual === undefined) throw new TypeError(`${url.protocol}// is not a broker address: use mqtt, mqtts, ws or wss`);
  const port = url.port === '' ? usual : Number(url.port);
  const socket: Socket =
    url.protocol === 'mqtts:'
      ? connectTls({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}), ...secrets })
      : connectTcp({ host, port });
  // Nagle's algorithm holds a small message back until the one before it is acknowledged by TCP.
  return socket.setNoDelay(true);
}
