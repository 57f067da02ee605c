import { createHash, randomBytes } from 'node:crypto';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

const TS_PACKET = 188;
const PER_RTP = 7;
const REALM = 'camera';

/**
 * Stands in for a network camera that asks for a password (RTSP with Digest, RFC 2326 and 7616): plays an MPEG transport stream in RTP over
 * the same connection, again and again.
 */
export class RtspCamera {
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private readonly nonce = randomBytes(16).toString('hex');
  /** Requests that brought no good password. */
  refused = 0;

  constructor(
    private readonly login: { readonly username: string; readonly password: string },
    private readonly stream: Buffer,
  ) {
    this.server = createServer((socket) => this.serve(socket));
  }

  async start(): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return (this.server.address() as AddressInfo).port;
  }

  stop(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }

  private serve(socket: Socket): void {
    this.sockets.add(socket);
    let text = '';
    let playing: NodeJS.Timeout | undefined;
    socket
      .on('error', () => undefined)
      .on('close', () => {
        clearInterval(playing);
        this.sockets.delete(socket);
      });
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        const request = text.slice(0, end);
        text = text.slice(end + 4);
        // What is not a request is a receiver report between `$` and its length.
        const found = /(OPTIONS|DESCRIBE|SETUP|PLAY|TEARDOWN|GET_PARAMETER) (\S+) RTSP\/1\.0\r\n/.exec(request);
        if (found === null) continue;
        const [, method = '', uri = ''] = found;
        const sequence = /CSeq: (\d+)/i.exec(request)?.[1] ?? '0';
        const answer = (status: string, headers: string[], body = ''): void =>
          void socket.write([`RTSP/1.0 ${status}`, `CSeq: ${sequence}`, ...headers, '', body].join('\r\n'));
        if (method !== 'OPTIONS' && !this.isAllowed(request, method)) {
          this.refused++;
          answer('401 Unauthorized', [`WWW-Authenticate: Digest realm="${REALM}", nonce="${this.nonce}"`]);
        } else if (method === 'DESCRIBE') {
          const sdp = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=video 0 RTP/AVP 33\r\na=control:track1\r\n';
          const base = `Content-Base: ${uri}/`;
          answer('200 OK', [base, 'Content-Type: application/sdp', `Content-Length: ${sdp.length}`], sdp);
        } else if (method === 'SETUP') {
          answer('200 OK', ['Session: 1;timeout=60', 'Transport: RTP/AVP/TCP;unicast;interleaved=0-1']);
        } else {
          answer('200 OK', ['Session: 1', 'Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN']);
          if (method === 'PLAY') playing ??= this.play(socket);
        }
      }
    });
  }

  private isAllowed(request: string, method: string): boolean {
    const given = /^Authorization: Digest (.*)$/im.exec(request)?.[1] ?? '';
    const field = (name: string): string => new RegExp(`(?:^|[ ,])${name}="([^"]*)"`).exec(given)?.[1] ?? '';
    const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
    const { username, password } = this.login;
    const expected = md5(
      `${md5(`${username}:${REALM}:${password}`)}:${this.nonce}:${md5(`${method}:${field('uri')}`)}`,
    );
    return field('username') === username && field('response') === expected;
  }

  private play(socket: Socket): NodeJS.Timeout {
    let at = 0;
    let sequence = 0;
    const started = performance.now();
    return setInterval(() => {
      for (let burst = 0; burst < 4; burst++) {
        const payload = this.stream.subarray(at, at + PER_RTP * TS_PACKET);
        at = at + payload.length >= this.stream.length ? 0 : at + payload.length;
        const header = Buffer.alloc(16);
        header.write('$', 0, 'latin1');
        header.writeUInt16BE(12 + payload.length, 2);
        header.writeUInt8(0x80, 4);
        header.writeUInt8(33, 5);
        header.writeUInt16BE(sequence++ & 0xffff, 6);
        header.writeUInt32BE(Math.round((performance.now() - started) * 90) >>> 0, 8);
        header.writeUInt32BE(0x1234, 12);
        socket.write(Buffer.concat([header, payload]));
      }
    }, 20);
  }
}
