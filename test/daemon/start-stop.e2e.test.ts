import { createServer, type Server } from 'node:net';
import { seededRandom } from '../../src/random';
import { Daemon, Installation, usher, Watcher } from '../support/daemon';
import { type Entrance, entranceRecording } from '../support/entrance';
import { describeWithMosquitto, freePort, Mosquitto } from '../support/mosquitto';

const ROOT = 'usher/v1/gym/box';

function installation(entrance: Entrance, broker: object): Promise<Installation> {
  return Installation.make({
    mqtt: { broker },
    cameras: [{ id: 'cam', source: { type: 'ffmpeg', input: entrance.clip, loop: true }, fps: 8 }],
    doors: [{ id: 'front', camera: 'cam', readers: ['front-reader'], deadlineMs: 1000 }],
    health: { everySeconds: 1 },
  });
}

async function members(at: Installation): Promise<unknown[]> {
  const { code, stdout, stderr } = await usher('members', 'list', '--json', '--config', at.config);
  if (code !== 0) throw new Error(stderr);
  return (JSON.parse(stdout) as { members: { id: string }[] }).members.map(({ id }) => id);
}

describeWithMosquitto('starting without a broker', () => {
  const mosquitto = new Mosquitto();
  let place: Installation;
  let daemon: Daemon;

  beforeAll(async () => {
    mosquitto.port = await freePort();
    place = await installation(await entranceRecording(), { type: 'external', url: mosquitto.url });
    daemon = Daemon.start(place);
  }, 120_000);

  afterAll(async () => {
    await mosquitto.dispose();
    await daemon.stop('SIGKILL');
    await place.remove();
  });

  test('it starts, says what is wrong and what to do, and serves as soon as the broker is there', async () => {
    await daemon.says(/error usher: broker: .*nothing listens there.* remedy=start the broker/);
    await daemon.says('usher: ready');
    await mosquitto.start();
    const watcher = await Watcher.connect(mosquitto.url, '#');
    try {
      const until = 40_000;
      await watcher.hears(
        'online',
        ({ topic, payload }) => topic === `${ROOT}/status` && payload['state'] === 'online',
        until,
      );
      for (const component of ['broker', 'store', 'cam'])
        await watcher.hears(
          `health of ${component}`,
          ({ topic, payload }) => topic === `${ROOT}/health/${component}` && payload['state'] === 'ok',
          until,
        );
      await watcher.swipe('front-reader', '4711');
      const decision = await watcher.hears('an answer', ({ topic }) => topic === `${ROOT}/event/front/decision`);
      expect(decision.payload).toMatchObject({ outcome: 'denied', reason: 'unknown-member' });
      expect(watcher.of('event/front/unlock')).toEqual([]);
    } finally {
      await watcher.close();
    }
  }, 90_000);

  test('SIGTERM while the broker is away again: a clean end all the same', async () => {
    await mosquitto.stop('SIGKILL');
    expect(await daemon.stop()).toBe(0);
    expect(place.processes()).toEqual([]);
  }, 30_000);
});

describe('a start that cannot succeed', () => {
  let entrance: Entrance;
  let holder: Server;
  let port: number;

  beforeAll(async () => {
    entrance = await entranceRecording();
    port = await freePort();
    holder = createServer();
    await new Promise<void>((resolve) => holder.listen(port, '127.0.0.1', resolve));
  }, 120_000);

  afterAll(() => holder.close());

  test('the port of the embedded broker is taken: exit code 1, the port, and what to do; nothing is left', async () => {
    const place = await installation(entrance, { type: 'embedded', port });
    const daemon = Daemon.start(place);
    expect(await daemon.exit).toBe(1);
    expect(daemon.log).toContain(`127.0.0.1:${port} is in use`);
    expect(daemon.log).toMatch(/→ stop that program/);
    expect(place.processes()).toEqual([]);
    // The lock and the store were given back.
    expect(await members(place)).toEqual([]);
    await place.remove();
  }, 60_000);

  test('no face models at all: exit code 3, and the key that is wrong', async () => {
    const place = await Installation.make({
      models: { dir: 'no-models-here' },
      mqtt: { broker: { type: 'embedded', port: 0 } },
      cameras: [{ id: 'cam', source: { type: 'ffmpeg', input: entrance.clip, loop: true } }],
      doors: [{ id: 'front', camera: 'cam', readers: ['front-reader'] }],
    });
    const daemon = Daemon.start(place);
    expect(await daemon.exit).toBe(3);
    expect(daemon.log).toMatch(
      /no-models-here holds neither the recommended nor the fallback face models\n {2}→ usher's own models are in .*: set models\.dir/,
    );
    expect(place.processes()).toEqual([]);
    await place.remove();
  }, 60_000);
});

describe('SIGTERM at any moment of the start', () => {
  /** The start takes about a second; the last of these moments lie behind it on a quick machine. */
  const MOMENTS = 8;
  const LATEST_MS = 1600;
  let place: Installation;

  beforeAll(async () => {
    const entrance = await entranceRecording();
    place = await installation(entrance, { type: 'embedded', port: 0 });
    const enrolled = await place.enroll('4711', entrance.still);
    if (enrolled.code !== 0) throw new Error(enrolled.stderr);
  }, 120_000);

  afterAll(() => place.remove());

  test('exit code 0, no process left, the store whole', async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const random = seededRandom(seed);
    for (let i = 0; i < MOMENTS; i++) {
      const afterMs = ((i + random.next()) / MOMENTS) * LATEST_MS;
      const about = `seed ${seed}, moment ${i}: ${afterMs.toFixed(0)} ms`;
      const daemon = Daemon.start(place);
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      const code = await daemon.stop();
      // Before it listens for signals nothing has been started, and the signal itself ends it.
      const early = code === null && daemon.process.signalCode === 'SIGTERM' && daemon.log === '';
      expect([about, early ? 0 : code, daemon.log]).toEqual([about, 0, daemon.log]);
      expect([about, place.processes()]).toEqual([about, []]);
    }
    expect(await members(place)).toEqual(['4711']);
  }, 120_000);
});
