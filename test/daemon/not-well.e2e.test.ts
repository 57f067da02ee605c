import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Daemon, Installation } from '../support/daemon';
import { freePort } from '../support/mosquitto';

/** A recorder that takes the connection and never answers. */
class BlackHole {
  private readonly sockets = new Set<Socket>();
  private readonly server: Server = createServer((socket) => {
    this.sockets.add(socket);
    socket.on('error', () => undefined).resume();
  });

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return (this.server.address() as AddressInfo).port;
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }
}

describe('cameras at wrong addresses', () => {
  const hole = new BlackHole();
  let place: Installation;
  let daemon: Daemon;

  beforeAll(async () => {
    const [silent, closed] = [await hole.listen(), await freePort()];
    const rtsp = (port: number) => ({ type: 'ffmpeg', input: `rtsp://127.0.0.1:${port}/live` });
    place = await Installation.make({
      mqtt: { broker: { type: 'embedded', port: 0 } },
      cameras: [
        { id: 'refused', source: rtsp(closed), fps: 5 },
        { id: 'silent', source: rtsp(silent), fps: 5 },
      ],
      doors: [{ id: 'front', camera: 'refused', readers: ['r1'] }],
    });
    daemon = Daemon.start(place);
  });
  afterAll(async () => {
    await daemon.stop('SIGKILL');
    hole.close();
    await place.remove();
  });

  const said = (text: string): number => daemon.log.split(text).length - 1;

  test('each is an error with its cause, and the log says what the start waits for', async () => {
    await daemon.says(/error usher: camera refused: .*refused.*ffprobe/, 90_000);
    await daemon.says(/warn {2}usher: not ready yet, waiting for .*camera silent/, 90_000);
    await daemon.says(/error usher: camera silent: /, 90_000);
    // Retries go on; that they fail is not said each time.
    expect(said('error usher: camera refused:')).toBe(1);
    expect(daemon.log).not.toContain('usher: ready');
  }, 200_000);

  test('SIGTERM while nothing works: a whole stop', async () => {
    expect(await daemon.stop()).toBe(0);
    expect(daemon.log).toMatch(/ stopped\n$/);
  }, 60_000);
});
