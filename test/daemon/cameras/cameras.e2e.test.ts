import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { motleyPictures, unreadablePictures } from '../../support/awkward-pictures';
import { BoxPlace } from '../../support/box-place';
import { type Daemon } from '../../support/daemon';
import { entranceRecording } from '../../support/entrance';
import { describeWithMosquitto } from '../../support/mosquitto';
import { makeClip } from '../../support/processes';
import { Recorder } from '../../support/recorder';

const ROOT = 'usher/v1/gym/box';
/** Six vision processes load their models at once. */
const SOON_MS = 60_000;

/** Cameras that give nothing to decide on, and what their health says. */
const TROUBLE = {
  garbage: /ffmpeg failed with exit code/,
  ends: /: the stream ended/,
  absent: /absent\.mp4 does not exist/,
  empty: /empty\.mp4 is empty \(0 bytes\)/,
  broken: /broken: none of its \d pictures can be read/,
} as const;

describeWithMosquitto('cameras that misbehave', () => {
  const box = new BoxPlace();
  const recorder = new Recorder();
  const scratch = mkdtempSync(join(tmpdir(), 'usher-cameras-'));
  let daemon: Daemon;

  beforeAll(async () => {
    const entrance = await entranceRecording();
    const pattern = join(scratch, 'pattern.mkv');
    makeClip(pattern, { seconds: 2, fps: 8, size: '640x360' });
    await recorder.start(pattern);
    writeFileSync(join(scratch, 'empty.mp4'), '');
    unreadablePictures(join(scratch, 'broken'), entrance.memberFrames);
    await motleyPictures(join(scratch, 'motley'), entrance.memberFrames);
    const sources = {
      garbage: { type: 'ffmpeg', input: `${recorder.url}/garbage` },
      ends: { type: 'ffmpeg', input: `${recorder.url}/ends` },
      absent: { type: 'ffmpeg', input: join(scratch, 'absent.mp4') },
      empty: { type: 'ffmpeg', input: join(scratch, 'empty.mp4') },
      broken: { type: 'folder', path: join(scratch, 'broken'), loop: true },
      motley: { type: 'folder', path: join(scratch, 'motley'), loop: true },
    };
    await box.begin({
      cameras: Object.entries(sources).map(([id, source]) => ({ id, source, fps: 8 })),
      doors: Object.keys(sources).map((id) => ({
        ...{ id: `${id}-door`, camera: id, readers: [`${id}-reader`] },
        // The motley camera decodes pictures of many kinds beside five that start again and again.
        deadlineMs: id === 'motley' ? 20_000 : 1000,
        voteWindowMs: 5000,
      })),
      // Deaf for two reasons; a door must not care.
      microphones: [{ id: 'deaf', source: { type: 'arecord', device: 'plughw:7,0' }, words: [{ model: 'wake-none' }] }],
      health: { everySeconds: 1 },
    });
    await box.enroll('4711', entrance.still);
    daemon = box.start();
    await daemon.says('usher: started');
  }, 180_000);

  afterAll(async () => {
    await recorder.stop();
    await box.end();
    rmSync(scratch, { recursive: true });
  });

  const swipe = (camera: string) => box.decision(`${camera}-door`, `${camera}-reader`, '4711');

  test.each(Object.entries(TROUBLE))(
    '%s: health says so, the door stays shut',
    async (camera, detail) => {
      const failed = await box.watcher.hears(
        `trouble of ${camera}`,
        ({ topic, payload }) => topic === `${ROOT}/health/${camera}` && detail.test(String(payload['detail'])),
        SOON_MS,
      );
      expect(failed.payload['state']).toBe('failed');
      const decision = await swipe(camera);
      expect(decision['outcome']).toBe('denied');
      // A stream that begins anew shows an empty hall for a moment.
      expect(camera === 'ends' ? ['camera-unavailable', 'no-face'] : ['camera-unavailable']).toContain(
        decision['reason'],
      );
      expect(box.watcher.of(`event/${camera}-door/unlock`)).toEqual([]);
    },
    SOON_MS + 10_000,
  );

  test(
    'a camera that comes and goes is opened again',
    async () => {
      const opened = recorder.opened('/ends');
      expect(opened).toBeGreaterThanOrEqual(1);
      await recorder.untilOpened('/ends', opened + 1, SOON_MS);
    },
    SOON_MS + 10_000,
  );

  test(
    'pictures of 16 bit, CMYK, turned by EXIF among broken, huge and empty ones: the good ones count',
    async () => {
      expect(await swipe('motley')).toMatchObject({ outcome: 'granted', member: '4711' });
      const skipped = [...daemon.log.matchAll(/skipped: (\S+)/g)].map(([, file]) => file!);
      const motley = skipped.filter((file) => file.startsWith(join(scratch, 'motley')));
      expect(motley.map((file) => file.split('/').at(-1)).sort()).toEqual([
        '2-truncated.jpg',
        '4-huge.png',
        '6-empty.jpg',
      ]);
    },
    SOON_MS + 10_000,
  );

  test('a microphone whose model is missing says so, and nothing else of it', async () => {
    const isDeaf = ({ topic, payload }: { topic: string; payload: Record<string, unknown> }) =>
      topic === `${ROOT}/health/deaf` && payload['state'] === 'failed';
    const { payload } = await box.watcher.hears('health of the microphone', isDeaf, SOON_MS);
    expect(payload['detail']).toMatch(/wake-none/);
  });

  test('the daemon lives, opened no other door, and ends in order', async () => {
    const others = box.watcher.heard.filter(({ topic }) => topic.endsWith('/unlock') && !topic.includes('motley-door'));
    expect(others).toEqual([]);
    expect(await daemon.stop()).toBe(0);
    expect(box.installation.processes()).toEqual([]);
  }, 30_000);
});
