import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { Detection } from '../../../src/voice/wake-word/detector';
import { encodeEvent, type WyomingEvent, WyomingParser } from '../../../src/voice/wyoming/framing';
import { WyomingServer, type WyomingServerOptions } from '../../../src/voice/wyoming/server';
import { type Answer, WyomingSession } from '../../../src/voice/wyoming/session';

const SOUND = { rate: 16_000, width: 2, channels: 1 };
const OFFERED = ['computer', 'jarvis'].map((word) => ({ model: `wake-${word}`, word, version: '1.2.3', origin: 'us' }));

/** In the place of a detector: hears "computer" in every piece that begins with 1, "jarvis" in those that begin with 2. */
class CountingDetector {
  resets = 0;
  samples = 0;
  reset(): void {
    this.resets++;
  }
  push(samples: Float32Array, length: number, found: (detection: Detection) => void): Promise<void> {
    this.samples += length;
    const word = [null, 'computer', 'jarvis'][Math.round((samples[0] as number) * 32_768)];
    if (word !== null && word !== undefined)
      found({ word, model: `wake-${word}`, score: 0.9, startAgo: 900, endAgo: 10 });
    return Promise.resolve();
  }
}

class Client {
  private readonly events: WyomingEvent[] = [];
  readonly closed: Promise<unknown>;
  private constructor(readonly socket: Socket) {
    const parser = new WyomingParser();
    socket.on('data', (chunk) => parser.push(chunk, (event) => this.events.push(event)));
    socket.on('error', () => undefined);
    this.closed = once(socket, 'close');
  }
  static async to(port: number): Promise<Client> {
    const socket = connect({ port, host: '127.0.0.1' });
    await once(socket, 'connect');
    return new Client(socket);
  }
  say(type: string, data: object = {}, payload?: Buffer): void {
    this.socket.write(encodeEvent(type, data, payload));
  }
  /** A piece of sound whose first sample is `first`. */
  sound(first: number, samples = 160, more: object = {}): void {
    const bytes = Buffer.alloc(2 * samples);
    if (samples > 0) bytes.writeInt16LE(first, 0);
    this.say('audio-chunk', { ...SOUND, ...more }, bytes);
  }
  async hears(type: string): Promise<Record<string, unknown>> {
    const deadline = performance.now() + 20_000;
    for (;;) {
      const index = this.events.findIndex((event) => event.type === type);
      if (index >= 0) return this.events.splice(0, index + 1).at(-1)!.data;
      if (performance.now() > deadline) throw new Error(`waited in vain for ${type}: ${JSON.stringify(this.events)}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

describe('the Wyoming server', () => {
  const servers: WyomingServer[] = [];
  const clients: Client[] = [];
  const serve = async (options: Partial<WyomingServerOptions> = {}) => {
    const detectors: CountingDetector[] = [];
    const refused: string[] = [];
    const server = new WyomingServer({
      ...{ host: '127.0.0.1', port: 0, clients: 4, refused: (why) => refused.push(why) },
      session: () => {
        const detector = new CountingDetector();
        detectors.push(detector);
        return new WyomingSession(detector, OFFERED, '0.1.0');
      },
      ...options,
    });
    servers.push(server);
    const port = await server.start();
    const client = async (): Promise<Client> => {
      const joined = await Client.to(port);
      clients.push(joined);
      return joined;
    };
    return { server, detectors, refused, client, port };
  };
  afterEach(async () => {
    for (const client of clients.splice(0)) client.socket.destroy();
    for (const server of servers.splice(0)) await server.stop();
  });

  test('tells what it offers, as Home Assistant asks for it', async () => {
    const client = await (await serve()).client();
    client.say('describe');
    const info = await client.hears('info');
    expect(info).toMatchObject({
      wake: [{ name: 'usher', installed: true, attribution: { name: 'usher' }, version: '0.1.0' }],
    });
    const [{ models }] = info['wake'] as [{ models: object[] }];
    expect(models[0]).toEqual({
      ...{ name: 'wake-computer', description: 'computer', phrase: 'computer', installed: true, version: '1.2.3' },
      ...{ languages: ['en'], attribution: { name: 'us', url: '' } },
    });
    client.say('ping', { text: 'x' });
    expect(await client.hears('pong')).toEqual({ text: 'x' });
  });

  test('detect, sound, detection with the time of its piece; not-detected at the end where there was none', async () => {
    const { client, detectors } = await serve();
    const home = await client();
    home.say('detect', { names: ['wake-computer'] });
    home.say('audio-start', SOUND);
    home.sound(0, 1600, { timestamp: 5000 });
    home.sound(2, 1600, { timestamp: 5100 });
    home.sound(1, 1600, { timestamp: 5200 });
    expect(await home.hears('detection')).toEqual({ name: 'wake-computer', timestamp: 5300 });
    home.say('audio-stop');
    home.say('audio-start', SOUND);
    home.sound(2);
    home.say('audio-stop');
    expect(await home.hears('not-detected')).toEqual({});
    expect(detectors[0]).toMatchObject({ samples: 3 * 1600 + 160 });
    expect(detectors[0]!.resets).toBeGreaterThanOrEqual(2);
  });

  test('without names any word counts, and without timestamps the stream’s own time', async () => {
    const home = await (await serve()).client();
    home.say('detect', { names: null });
    home.say('audio-start', SOUND);
    home.sound(0, 8000);
    home.sound(2, 800);
    expect(await home.hears('detection')).toEqual({ name: 'wake-jarvis', timestamp: 550 });
  });

  test('two clients do not hear one another’s sound', async () => {
    const { client, detectors } = await serve();
    const [one, two] = [await client(), await client()];
    for (const each of [one, two]) each.say('audio-start', SOUND);
    one.sound(1);
    expect(await one.hears('detection')).toMatchObject({ name: 'wake-computer' });
    two.sound(0);
    two.say('audio-stop');
    await two.hears('not-detected');
    expect(detectors).toHaveLength(2);
  });

  test('events of other services are passed over', async () => {
    const home = await (await serve()).client();
    home.say('transcribe', { language: 'en' });
    home.say('run-pipeline', {});
    home.say('describe');
    await home.hears('info');
  });

  test.each<[string, (client: Client) => void, RegExp]>([
    ['another rate', (c) => c.say('audio-start', { ...SOUND, rate: 44_100 }), /rate/],
    ['stereo', (c) => c.sound(0, 10, { channels: 2 }), /channels/],
    ['8 bits', (c) => c.sound(0, 10, { width: 1 }), /width/],
    ['half a sample', (c) => c.say('audio-chunk', SOUND, Buffer.alloc(3)), /3 bytes/],
    [
      'a word that is not offered',
      (c) => c.say('detect', { names: ['alexa'] }),
      /there is: wake-computer, wake-jarvis/,
    ],
    ['names that are none', (c) => c.say('detect', { names: 5 }), /names/],
    ['HTTP', (c) => c.socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), /not JSON/],
    [
      'a gigabyte to come',
      (c) => c.socket.write('{"type":"audio-chunk","payload_length":1073741824}\n'),
      /payload_length/,
    ],
  ])('%s: the client is told, and dropped', async (_name, say, told) => {
    const { client, refused, server } = await serve();
    const home = await client();
    say(home);
    expect((await home.hears('error'))['text']).toMatch(told);
    await home.closed;
    expect(refused.join()).toMatch(told);
    while (server.connected > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  test('one too many is sent away, and the others go on', async () => {
    const { client } = await serve({ clients: 1 });
    const first = await client();
    first.say('describe');
    await first.hears('info');
    const second = await client();
    expect(await second.hears('error')).toMatchObject({ code: 'busy' });
    await second.closed;
    first.say('describe');
    await first.hears('info');
  });

  test('who says nothing, or never comes to an end, is dropped', async () => {
    const { client } = await serve({ idleMs: 200 });
    const idle = await client();
    await idle.closed;
    const slow = await client();
    const drip = setInterval(() => slow.socket.write('x'), 20);
    await slow.closed;
    clearInterval(drip);
  });

  test('who does not read the answers is asked no further question', async () => {
    let handled = 0;
    const talkative = {
      handle: (_event: WyomingEvent, answer: (answer: Answer) => void): Promise<void> => {
        handled++;
        answer({ type: 'info', data: { text: 'x'.repeat(1000) } });
        return Promise.resolve();
      },
    };
    const { client } = await serve({ session: () => talkative });
    const deaf = await client();
    deaf.socket.pause();
    // 80 MB of answers: more than the sockets between the two hold.
    for (let i = 0; i < 40; i++) deaf.socket.write(Buffer.concat(Array<Buffer>(2000).fill(encodeEvent('describe'))));
    for (let before = -1; before !== handled;) {
      before = handled;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    expect(handled).toBeGreaterThan(0);
    expect(handled).toBeLessThan(80_000);
  });

  test('a port that is taken: which, and what to do', async () => {
    const other = createServer();
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    await expect(serve({ port })).rejects.toMatchObject({
      ...{ code: 'server-failed', message: expect.stringContaining(String(port)) as string },
      remedy: expect.stringContaining('wyoming.port') as string,
    });
    other.close();
  });
});
