import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BoxPlace } from '../../support/box-place';
import { entranceRecording } from '../../support/entrance';
import { describeWithMosquitto } from '../../support/mosquitto';

const SOON_MS = 60_000;

/** One picture of a member for ever: no camera, whatever it looks like. */
describeWithMosquitto('a picture that stands still', () => {
  const box = new BoxPlace();
  const scratch = mkdtempSync(join(tmpdir(), 'usher-frozen-'));

  beforeAll(async () => {
    const entrance = await entranceRecording();
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
    await box.begin({
      cameras: Object.entries(sources).map(([id, source]) => ({ id, source, fps: 8, stuckMs: 4000 })),
      doors: Object.keys(sources).map((id) => ({
        ...{ id: `${id}-door`, camera: id, readers: [`${id}-reader`] },
        // On a busy machine the picture that lives comes slowly; the others are denied however long the door waits.
        ...(id === 'live' ? { deadlineMs: 20_000, voteWindowMs: 5000 } : {}),
      })),
    });
    await box.enroll('m-1', entrance.still);
    await box.start().says('usher: ready', SOON_MS);
    for (const camera of Object.keys(sources)) await box.health(camera, 'ok');
  }, 240_000);
  afterAll(async () => {
    await box.end();
    rmSync(scratch, { recursive: true, force: true });
  });

  const decisionAfterSwipe = (door: string) => box.decision(`${door}-door`, `${door}-reader`, 'm-1');

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
      expect(box.watcher.of(`${door}-door/unlock`)).toEqual([]);
    },
    150_000,
  );

  test('it is called frozen, the door says that its camera is unavailable, and the camera is opened again', async () => {
    const { payload } = await box.health('still', 'failed');
    expect(payload).toMatchObject({ picture: { trouble: 'frozen' } });
    expect(payload['detail']).toMatch(/^frozen: every frame is the same picture since /);
    expect(await decisionAfterSwipe('still')).toMatchObject({ outcome: 'denied', reason: 'camera-unavailable' });
    expect(box.watcher.of('health/still').every(({ payload: { detail } }) => !/is live/.test(String(detail)))).toBe(
      true,
    );
  }, 150_000);
});
