import { firstValueFrom, lastValueFrom, toArray } from 'rxjs';
import { type UsherError } from '../../../src/errors';
import { FrameProcess, type FrameProgram } from '../../../src/vision/camera/frame-process';

/** A program in the place of ffmpeg: node writes what the test says. */
const program = (script: string, more: Partial<FrameProgram> = {}): FrameProgram => ({
  name: 'rtsp://door',
  live: true,
  command: process.execPath,
  args: ['-e', script],
  framesFd: 1,
  width: 8,
  height: 8,
  container: 'raw',
  times: 'unpaced',
  fps: 15,
  latencyMs: 0,
  debianPackage: 'nodejs',
  remedy: 'Look at the cable.',
  ...more,
});
const write = (bytes: number, fd = 1) => `require('fs').writeSync(${fd}, Buffer.alloc(${bytes}, 9));`;
const failure = async (script: string): Promise<UsherError> =>
  (await lastValueFrom(new FrameProcess(program(script)).open(), { defaultValue: null }).then(
    () => {
      throw new Error('it did not fail');
    },
    (error: unknown) => error,
  )) as UsherError;

describe('how a frame program may end', () => {
  test('whole frames and exit code 0: complete', async () => {
    const frames = await firstValueFrom(new FrameProcess(program(write(192 * 3))).open().pipe(toArray()));
    expect(frames.map((frame) => frame.seq)).toEqual([0, 1, 2]);
    expect(frames[2]!.data.every((byte) => byte === 9)).toBe(true);
  });

  test('frames on fd 3, while standard output is chatted on', async () => {
    const script = `console.log('GST_ARGUS: Creating output stream');${write(192 * 2, 3)}`;
    const frames = await firstValueFrom(new FrameProcess(program(script, { framesFd: 3 })).open().pipe(toArray()));
    expect(frames).toHaveLength(2);
    expect(frames[0]!.data.every((byte) => byte === 9)).toBe(true);
  });

  test.each([
    ['odd bytes at the end', write(192 + 5), '5 bytes into a frame'],
    ['no frame at all', '', 'without a single frame'],
    ['exit code', `${write(192)} process.exit(3)`, 'exit code 3'],
    ['killed from outside', `${write(192)} process.kill(process.pid, 'SIGKILL')`, 'killed by SIGKILL'],
  ])('%s: an error with a remedy', async (_name, script, message) => {
    const error = await failure(script);
    expect(error.code).toBe('camera-failed');
    expect(error.message).toContain('rtsp://door');
    expect(error.message).toContain(message);
    expect(error.remedy).toBe('Look at the cable.');
  });

  test('its last words are handed on, bounded, without credentials', async () => {
    const error = await failure(
      `console.error('x'.repeat(100000)); console.error('rtsp://admin:hunter2@cam/1: 401 Unauthorized'); process.exitCode = 1`,
    );
    expect(error.message).toContain('rtsp://cam/…: 401 Unauthorized');
    expect(error.message).not.toContain('hunter2');
    expect(error.message.length).toBeLessThan(2200);
  });

  test('one that ignores SIGTERM is killed, and the next opening waits for that', async () => {
    const stubborn = `process.on('SIGTERM', () => {}); ${write(192)} require('fs').writeSync(2, String(process.pid)); setInterval(() => {}, 1000);`;
    const source = new FrameProcess(program(stubborn), 100);
    await firstValueFrom(source.open());
    // The second one can only deliver once the first is gone; both ends are reached only through SIGKILL.
    expect((await firstValueFrom(source.open())).seq).toBe(0);
  });

  test('a program that is not installed: the Debian package is named', async () => {
    const source = new FrameProcess(program('', { command: 'usher-no-such-program', debianPackage: 'some-package' }));
    const error = (await lastValueFrom(source.open()).catch((thrown: unknown) => thrown)) as UsherError;
    expect(error.code).toBe('dependency-missing');
    expect(error.remedy).toContain('apt-get install some-package');
  });
});
