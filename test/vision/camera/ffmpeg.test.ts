import { execFileSync } from 'node:child_process';
import { createReadStream, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { firstValueFrom, lastValueFrom, take, toArray } from 'rxjs';
import { CameraConfig } from '../../../src/config/schema/cameras';
import { type UsherError } from '../../../src/errors';
import { createCameraSource } from '../../../src/vision/camera/create';
import { addressList, directAddress } from '../../../src/vision/camera/network-input';
import { type LentFrame } from '../../../src/vision/camera/source';
import { ffmpegArguments } from '../../../src/vision/camera/ffmpeg';
import { childrenRunning, describeWithFfmpeg, makeClip } from '../../support/processes';

const log = { warn: () => undefined };
const camera = (source: object, more: object = {}) =>
  CameraConfig.parse({ id: 'door', width: 64, height: 64, fps: 10, source: { type: 'ffmpeg', ...source }, ...more });
const args = (source: object, more: object = {}) => {
  const config = camera(source, more);
  if (config.source.type !== 'ffmpeg') throw new Error('not an ffmpeg source');
  return ffmpegArguments(config, config.source);
};
const after = (list: string[], option: string) => list[list.indexOf(option) + 1];

describe('the argument array', () => {
  test('a V4L2 camera is asked for size, rate and pixel format', () => {
    const list = args({ input: '/dev/video2', inputFormat: 'mjpeg' }, { width: 1280, height: 720, fps: 15 });
    expect(after(list, '-f')).toBe('v4l2');
    expect(after(list, '-input_format')).toBe('mjpeg');
    expect(after(list, '-video_size')).toBe('1280x720');
    expect(after(list, '-framerate')).toBe('15');
    expect(after(list, '-i')).toBe('/dev/video2');
    expect(list).toContain('low_delay');
  });

  test('RTSP goes over the transport asked for', async () => {
    const list = (source: object): Promise<string> =>
      addressList({ type: 'ffmpeg', rtspTransport: 'tcp', ...source } as Parameters<typeof addressList>[0]);
    const tcp = `ffconcat version 1.0\nfile 'rtsp://10.0.0.7/1'\noption rtsp_transport tcp\n`;
    await expect(list({ input: 'rtsp://10.0.0.7/1' })).resolves.toBe(tcp);
    await expect(list({ input: 'rtsp://10.0.0.7/1', rtspTransport: 'udp' })).resolves.toContain('rtsp_transport udp');
    const source = { type: 'ffmpeg', input: 'rtsp://10.0.0.7/1', rtspTransport: 'tcp' } as Parameters<
      typeof addressList
    >[0];
    await expect(directAddress(source, Promise.resolve(5))).resolves.toBeNull();
    await expect(directAddress(source, Promise.resolve(4))).resolves.toEqual([
      '-rtsp_transport',
      'tcp',
      '-i',
      source.input,
    ]);
  });

  test('a file loops and keeps its own speed only if asked', () => {
    expect(args({ input: 'clip.mp4', loop: true })).toEqual(expect.arrayContaining(['-stream_loop', '-re']));
    const once = args({ input: 'clip.mp4', realtime: false });
    expect(once).not.toContain('-re');
    expect(once).not.toContain('-stream_loop');
  });

  test.each(['-y.mp4', 'a;reboot.mp4', 'rtp:1.mp4', '$(id).mp4'])(
    'the file %s stays one argument, and a file',
    (input) => {
      expect(after(args({ input }), '-i')).toBe(`file:${input}`);
    },
  );

  test('an address that is none of ours is refused, without its password', () => {
    expect(() => args({ input: 'srt://me:secret@host:9' })).toThrow(/srt:\/\/host.*not supported/);
  });
});

describeWithFfmpeg('with real ffmpeg', () => {
  let dir: string;
  const file = (name: string) => path.join(dir, name);
  beforeAll(() => {
    dir = mkdtempSync(path.join(tmpdir(), 'usher-ffmpeg-'));
    makeClip(file('clip.mp4'), { seconds: 2, fps: 20, size: '128x64' });
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  const failure = async (source: object): Promise<UsherError> => {
    const outcome = lastValueFrom(createCameraSource(camera({ realtime: false, ...source }), log).open(), {
      defaultValue: null,
    });
    return (await outcome.then(
      () => {
        throw new Error('it did not fail');
      },
      (error: unknown) => error,
    )) as UsherError;
  };

  test('a file: thinned to fps, numbered, scaled with black bars, completed at its end', async () => {
    const source = createCameraSource(camera({ input: file('clip.mp4'), realtime: false }), log);
    expect(source.live).toBe(false);
    const frames = await firstValueFrom(source.open().pipe(toArray()));
    expect(frames.length).toBeGreaterThanOrEqual(19);
    expect(frames.length).toBeLessThanOrEqual(21);
    expect(frames.map((frame) => frame.seq)).toEqual(frames.map((_, i) => i));
    const { width, height, data } = frames[5]!;
    expect([width, height, data.length]).toEqual([64, 64, 64 * 64 * 3]);
    const rowMax = (y: number) => Math.max(...data.subarray(y * 192, (y + 1) * 192));
    expect(rowMax(4)).toBe(0);
    expect(rowMax(59)).toBe(0);
    expect(rowMax(32)).toBeGreaterThan(150);
  });

  test.each([
    ['fine time base', 'slow.mp4'],
    ['time base of its frame rate', 'slow.y4m'],
  ])('a slow stream is not padded with repeated frames (%s)', async (_name, name) => {
    makeClip(file(name), { seconds: 3, fps: 2, size: '64x64' });
    const open = createCameraSource(camera({ input: file(name), realtime: false }), log).open();
    const frames = await firstValueFrom(open.pipe(toArray()));
    expect(frames).toHaveLength(6);
    expect(new Set(frames.map(({ data }) => Buffer.from(data).toString('base64'))).size).toBe(6);
  });

  test('a looping file goes on, and unsubscribing ends the process', async () => {
    const source = createCameraSource(camera({ input: file('clip.mp4'), realtime: false, loop: true }), log);
    expect(source.live).toBe(true);
    const frames = await firstValueFrom(source.open().pipe(take(70), toArray()));
    expect(frames).toHaveLength(70);
    // A second opening waits for the first process to be gone.
    await firstValueFrom(source.open());
    expect(childrenRunning('ffmpeg').length).toBeLessThanOrEqual(1);
    while (childrenRunning('ffmpeg').length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  });

  test.each([
    ['with times that go on', ['-output_ts_offset', '3']],
    ['with times that begin again', []],
  ])('a change of resolution within the stream, %s, loses nothing', async (_name, offset) => {
    const part = (name: string, size: string, more: readonly string[]) => {
      const source = `testsrc2=size=${size}:rate=10:duration=3`;
      const codec = ['-c:v', 'mpeg2video', '-q:v', '3', '-g', '5'];
      execFileSync('ffmpeg', ['-loglevel', 'error', '-y', '-f', 'lavfi', '-i', source, ...codec, ...more, file(name)]);
      return readFileSync(file(name));
    };
    const parts = [part('wide.ts', '128x64', []), part('high.ts', '64x128', offset)];
    writeFileSync(file('change.ts'), Buffer.concat(parts));
    const open = createCameraSource(camera({ input: file('change.ts'), realtime: false }), log).open();
    const frames = await firstValueFrom(open.pipe(toArray()));
    expect(frames.length).toBeGreaterThanOrEqual(56);
    // Bars above and below, then left and right.
    const isBlack = ({ data }: LentFrame, x: number, y: number) =>
      data[(y * 64 + x) * 3]! + data[(y * 64 + x) * 3 + 1]! < 20;
    expect([isBlack(frames[5]!, 32, 3), isBlack(frames.at(-5)!, 32, 3)]).toEqual([true, false]);
    expect([isBlack(frames[5]!, 3, 32), isBlack(frames.at(-5)!, 3, 32)]).toEqual([false, true]);
  });

  test('missing, empty, folder, garbage, truncated to its header: each says so', async () => {
    writeFileSync(file('zero.mp4'), '');
    writeFileSync(file('garbage.mp4'), Buffer.from(Array.from({ length: 50_000 }, (_, i) => (i * 7919) % 251)));
    mkdirSync(file('folder.mp4'));
    for (const [name, what] of [
      ['none.mp4', 'does not exist'],
      ['zero.mp4', 'is empty'],
      ['folder.mp4', 'is a folder'],
      ['garbage.mp4', 'failed with exit code'],
    ] as const) {
      const error = await failure({ input: file(name) });
      expect(error.code).toBe('camera-failed');
      expect(error.message).toContain(file(name));
      expect(error.message).toContain(what);
      expect(error.remedy).toBeTruthy();
    }
  });

  test('a video without a whole frame is an error, not an end', async () => {
    writeFileSync(file('bare.y4m'), 'YUV4MPEG2 W64 H64 F10:1 Ip A1:1 C420\nFRAME\n' + 'x'.repeat(100));
    expect((await failure({ input: file('bare.y4m') })).code).toBe('camera-failed');
  });

  test('a camera that is not there', async () => {
    const error = await failure({ input: '/dev/video199' });
    expect(error.code).toBe('camera-failed');
    expect(error.remedy).toContain('plugged in');
  });

  test('a stream over HTTP, at its own pace, until its end', async () => {
    makeClip(file('stream.ts'), { seconds: 2, fps: 10, size: '128x64' });
    const server = createServer((_request, response) => createReadStream(file('stream.ts')).pipe(response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    try {
      const source = createCameraSource(camera({ input: `http://usher:secret@127.0.0.1:${port}/1.ts` }), log);
      expect([source.name, source.live]).toEqual([`http://127.0.0.1:${port}/…`, true]);
      expect((await firstValueFrom(source.open().pipe(toArray()))).length).toBeGreaterThanOrEqual(19);
    } finally {
      server.close();
    }
  });

  test('a stream nobody answers for: no password in the message', async () => {
    const error = await failure({ input: 'http://usher:topsecret@127.0.0.1:9/stream' });
    expect(error.code).toBe('camera-failed');
    expect(error.message).not.toContain('topsecret');
    expect(error.message).toContain('refused');
  });
});
