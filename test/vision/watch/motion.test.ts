import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Frame } from '../../../src/vision/picture/frame';
import { MotionGrid } from '../../../src/vision/watch/motion';
import { plainFrame } from '../../support/faces';
import { describeWithFfmpeg } from '../../support/processes';
import { describeWithShared, sharedDir } from '../../support/shared';

const WIDTH = 640;
const HEIGHT = 360;

function framesOf(input: readonly string[], fps: number): Frame[] {
  const filters = ['-vf', `fps=${fps},scale=${WIDTH}:${HEIGHT}`, '-pix_fmt', 'rgb24', '-f', 'rawvideo', 'pipe:1'];
  const bytes = execFileSync('ffmpeg', ['-loglevel', 'error', ...input, ...filters], { maxBuffer: 2 ** 30 });
  const size = WIDTH * HEIGHT * 3;
  return Array.from({ length: bytes.length / size }, (_, i) => ({
    width: WIDTH,
    height: HEIGHT,
    data: bytes.subarray(i * size, (i + 1) * size),
  }));
}
const counted = (frames: readonly Frame[]): number => {
  const grid = new MotionGrid();
  return frames.filter((frame) => grid.moved(frame)).length;
};

test('the first frame counts, and one of another size; noise does not, a shift of all does', () => {
  const grid = new MotionGrid();
  expect([grid.moved(plainFrame(64, 64)), grid.moved(plainFrame(64, 64)), grid.moved(plainFrame(32, 64))]).toEqual([
    true,
    false,
    true,
  ]);
  let seed = 1;
  const noisy = (base: number): Frame => ({
    width: 320,
    height: 180,
    data: Uint8Array.from(
      { length: 320 * 180 * 3 },
      () => base + (((seed = (seed * 1103515245 + 12345) & 0x7fffffff) >> 16) % 9),
    ),
  });
  expect(grid.moved(noisy(100))).toBe(true);
  expect([grid.moved(noisy(100)), grid.moved(noisy(100)), grid.moved(noisy(108))]).toEqual([false, false, true]);
});

describeWithFfmpeg('stills that are encoded anew', () => {
  let dir: string;
  beforeAll(() => (dir = mkdtempSync(join(tmpdir(), 'usher-motion-'))));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  test.each([
    ['MPEG-4', ['-c:v', 'mpeg4', '-b:v', '800k', '-g', '10']],
    ['MPEG-4 at a low rate', ['-c:v', 'mpeg4', '-b:v', '200k', '-g', '20']],
    ['Motion JPEG', ['-c:v', 'mjpeg', '-q:v', '8']],
  ])('%s: one picture, however often it comes', (_name, codec) => {
    const file = join(dir, 'still.mkv');
    const picture = 'testsrc2=size=1280x720:rate=1,trim=end_frame=1,loop=-1:1,setpts=N/(10*TB)';
    execFileSync('ffmpeg', [
      '-loglevel',
      'error',
      '-y',
      '-f',
      'lavfi',
      '-i',
      picture,
      '-r',
      '10',
      '-t',
      '4',
      ...codec,
      file,
    ]);
    const frames = framesOf(['-stream_loop', '2', '-i', file], 10);
    expect(frames.length).toBeGreaterThan(100);
    expect(counted(frames)).toBeLessThanOrEqual(2);
  });
});

describeWithShared('real people', () => {
  test.each(['people/a_help.mkv', 'people/b_milk.mkv', 'people/c_learn.mkv', 'turning/one-woman.gif'])(
    '%s: nearly every frame counts',
    (name) => {
      const frames = framesOf(['-i', join(sharedDir, 'data/video', name)], 10);
      expect(counted(frames) / frames.length).toBeGreaterThan(0.9);
    },
  );

  test('a man who hardly moves has his three votes within two seconds', () => {
    const frames = framesOf(['-i', join(sharedDir, 'data/video/turning/one-man.gif')], 10);
    const grid = new MotionGrid();
    const times = frames.flatMap((frame, i) => (grid.moved(frame) ? [i * 100] : []));
    for (let i = 2; i < times.length; i++)
      expect((times[i] as number) - (times[i - 2] as number)).toBeLessThanOrEqual(2000);
    expect(times.length).toBeGreaterThan(5);
  });
});
