import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Daemon, Installation, Watcher } from '../../support/daemon';
import { entranceRecording } from '../../support/entrance';
import { describeWithMosquitto, Mosquitto } from '../../support/mosquitto';

const SOON_MS = 60_000;

/** One picture of a member for ever: no camera, whatever it looks like. */
describeWithMosquitto('a picture that stands still', () => {
  const mosquitto = new Mosquitto();
  const scratch = mkdtempSync(join(tmpdir(), 'usher-frozen-'));
  let place: Installation;
  let daemon: Daemon;
  let watcher: Watcher;

  beforeAll(async () => {
    const entrance = await entranceRecording();
    await mosquitto.start();
    const still = join(scratch, 'still');
    mkdirSync(still);
    const files = readdirSync(entrance.memberFrames).sort();
    const one = join(still, 'one.jpg');
    copyFileSync(join(entrance.memberFrames, files[Math.floor(files.length / 2)]!), one);
    // As a recorder sends it whose camera hangs: encoded anew, with key frames that differ a little from what lies between.
    const encoded = join(scratch, 'encoded.mkv');
    execFileSync('ffmpeg', [
      ...['-loglevel', 'error', '-loop', '1', '-framerate', '10', '-t', '6', '-i', one],
      ...['-c:v', 'mpeg4', '-b:v', '800k', '-g', '10', encoded],
    ]);
    const sources = {
      still: { type: 'folder', path: still, loop: true },
      encoded: { type: 'ffmpeg', input: encoded, loop: true },
      live: { type: 'folder', path: entrance.memberFrames, loop: true },
    };
    place = await Installation.make({
      mqtt: { broker: { type: 'external', url: mosquitto.url } },
      cameras: Object.entries(sources).map(([id, source]) => ({ id, source, fps: 8, stuckMs: 4000 })),
      doors: Object.keys(sources).map((id) => ({ id: `${id}-door`, camera: id, readers: [`${id}-reader`] })),
    });
    expect(await place.enroll('m-1', entrance.still)).toMatchObject({ code: 0 });
    watcher = await Watcher.connect(mosquitto.url);
    daemon = Daemon.start(place);
    await daemon.says('usher: ready', SOON_MS);
    for (const camera of Object.keys(sources))
      await watcher.hears(
        `${camera} well`,
        ({ topic, payload }) => topic.endsWith(`health/${camera}`) && payload['state'] === 'ok',
        SOON_MS,
      );
  }, 240_000);
  afterAll(async () => {
    await daemon.stop('SIGKILL');
    await watcher.close();
    await mosquitto.dispose();
    await place.remove();
    rmSync(scratch, { recursive: true, force: true });
  });

  const decisionAfterSwipe = async (door: string) => {
    const from = watcher.heard.length;
    await watcher.swipe(`${door}-reader`, 'm-1');
    const { payload } = await watcher.hears(
      `a decision at ${door}`,
      ({ topic }) => topic.endsWith(`${door}-door/decision`),
      SOON_MS,
      from,
    );
    return payload;
  };

  test('the camera that lives opens', async () => {
    expect(await decisionAfterSwipe('live')).toMatchObject({ outcome: 'granted', reason: 'match' });
  }, 90_000);

  test.each(['still', 'encoded'])(
    'a %s of the member never does',
    async (door) => {
      for (let i = 0; i < 2; i++) {
        const decision = await decisionAfterSwipe(door);
        expect(decision).toMatchObject({ outcome: 'denied' });
      }
      expect(watcher.of(`${door}-door/unlock`)).toEqual([]);
    },
    150_000,
  );

  test('it is called frozen, the door says that its camera is unavailable, and the camera is opened again', async () => {
    const health = ({ topic, payload }: { topic: string; payload: Record<string, unknown> }) =>
      topic.endsWith('health/still') && payload['state'] === 'failed';
    const { payload } = await watcher.hears('a frozen camera', health, SOON_MS);
    expect(payload).toMatchObject({ picture: { trouble: 'frozen' } });
    expect(payload['detail']).toMatch(/^frozen: every frame is the same picture since /);
    expect(await decisionAfterSwipe('still')).toMatchObject({ outcome: 'denied', reason: 'camera-unavailable' });
    expect(watcher.of('health/still').every(({ payload: { detail } }) => !/is live/.test(String(detail)))).toBe(true);
  }, 150_000);
});
