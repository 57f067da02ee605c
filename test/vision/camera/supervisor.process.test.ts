import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { filter, firstValueFrom, skip } from 'rxjs';
import { CameraConfig } from '../../../src/config/schema/cameras';
import { createCameraSource } from '../../../src/vision/camera/create';
import { CAMERA_BACKOFF, type SupervisedCamera, superviseCamera } from '../../../src/vision/camera/supervisor';
import { childrenRunning, describeWithFfmpeg, makeClip } from '../../support/processes';

describeWithFfmpeg('a real ffmpeg', () => {
  let dir: string;
  let camera: SupervisedCamera;
  let stop: () => void;

  beforeAll(() => {
    dir = mkdtempSync(path.join(tmpdir(), 'usher-supervised-'));
    makeClip(path.join(dir, 'clip.mp4'), { seconds: 1, fps: 15, size: '64x64' });
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  const start = (input: string, loop = true) => {
    const config = CameraConfig.parse({ id: 'door', width: 64, height: 64, source: { type: 'ffmpeg', input, loop } });
    const source = createCameraSource(config, { warn: () => undefined });
    camera = superviseCamera(source, { stallMs: 700, startMs: 8000, backoff: { ...CAMERA_BACKOFF, firstMs: 50 } });
    const subscription = camera.frames.subscribe((frame) => {
      frame.release();
    });
    stop = () => {
      subscription.unsubscribe();
    };
  };
  afterEach(async () => {
    stop();
    while (childrenRunning('ffmpeg').length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  });
  const state = (wanted: string) => firstValueFrom(camera.status.pipe(filter((health) => health.state === wanted)));
  const nextState = (wanted: string) =>
    firstValueFrom(
      camera.status.pipe(
        skip(1),
        filter((health) => health.state === wanted),
      ),
    );

  test('killed with SIGKILL: failed, then live again in a new process', async () => {
    start(path.join(dir, 'clip.mp4'));
    await state('live');
    const [first] = childrenRunning('ffmpeg');
    const failed = nextState('failed');
    process.kill(first!, 'SIGKILL');
    expect((await failed).detail).toContain('killed by SIGKILL');
    await nextState('live');
    const [second] = childrenRunning('ffmpeg');
    expect(second).not.toBe(first);
    expect(camera.health()).toMatchObject({ state: 'live', restarts: 1 });
  });

  test('stopped with SIGSTOP: noticed as stalled, replaced, the stopped process gone', async () => {
    start(path.join(dir, 'clip.mp4'));
    await state('live');
    const [first] = childrenRunning('ffmpeg');
    const stalled = nextState('stalled');
    process.kill(first!, 'SIGSTOP');
    expect((await stalled).detail).toContain('no frame for 700 ms');
    await nextState('live');
    expect(childrenRunning('ffmpeg')).not.toContain(first);
  });

  test('a missing file fails with the path and goes on trying', async () => {
    start(path.join(dir, 'not-yet.mp4'));
    expect((await state('failed')).detail).toContain('not-yet.mp4 does not exist');
    makeClip(path.join(dir, 'not-yet.mp4'), { seconds: 1, fps: 15, size: '64x64' });
    expect((await nextState('live')).restarts).toBeGreaterThanOrEqual(1);
  });

  test('a file that is not looped ends once', async () => {
    start(path.join(dir, 'clip.mp4'), false);
    expect(await state('ended')).toMatchObject({ restarts: 0, detail: null });
    expect(camera.health().framesCaptured).toBeGreaterThan(10);
  });
});
