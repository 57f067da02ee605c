import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { firstValueFrom, take, toArray } from 'rxjs';
import { type UsherError } from '../../../src/errors';
import { encodeJpeg } from '../../../src/vision/picture/picture';
import { WebcamStills } from '../../../src/vision/camera/webcam-stills';

/** There is no camera here: a script in the place of fswebcam copies a picture, or misbehaves. node-webcam itself is real. */
let dir: string;
let calls: string;
const script = (body: string): string => {
  const file = path.join(dir, `fake-fswebcam-${Math.random().toString(36).slice(2)}`);
  writeFileSync(file, `#!/bin/sh\necho "$@" >> ${calls}\nfor last; do :; done\n${body}\n`);
  chmodSync(file, 0o755);
  return file;
};
const stills = (program: string, options: object = {}, present = true) =>
  new WebcamStills(
    { device: '/dev/video0', width: 640, height: 480, intervalMs: 1, latencyMs: 0, ...options },
    { isCamera: () => Promise.resolve(present), program },
  );
const failure = async (source: WebcamStills): Promise<UsherError> =>
  (await firstValueFrom(source.open()).then(
    () => {
      throw new Error('it did not fail');
    },
    (error: unknown) => error,
  )) as UsherError;

beforeAll(async () => {
  dir = mkdtempSync(path.join(tmpdir(), 'usher-webcam-'));
  calls = path.join(dir, 'calls');
  writeFileSync(
    path.join(dir, 'picture.jpg'),
    await encodeJpeg({ width: 32, height: 24, data: new Uint8Array(32 * 24 * 3).fill(90) }),
  );
});
beforeEach(() => writeFileSync(calls, ''));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const callLines = () => readFileSync(calls, 'utf8').trim().split('\n');
const placeOf = (line: string) => line.split(' ').at(-1)!;

test('stills one after the other; none of them stays on disk', async () => {
  const source = stills(script(`cp ${path.join(dir, 'picture.jpg')} "$last"`));
  const frames = await firstValueFrom(source.open().pipe(take(3), toArray()));
  expect(frames.map(({ seq, width, height }) => [seq, width, height])).toEqual([0, 1, 2].map((seq) => [seq, 32, 24]));
  expect(frames[0]!.data[0]).toBeGreaterThan(80);
  const line = callLines()[0]!;
  expect(line).toContain('-r 640x480');
  expect(line).toContain('-d /dev/video0');
  expect(line).toContain('--skip 5');
  expect(line).toContain('--jpeg 95');
  const folder = path.dirname(placeOf(line));
  while (existsSync(folder)) await new Promise((resolve) => setTimeout(resolve, 10));
});

test.each([
  ['a metacharacter in the device', { device: '/dev/video0;touch /tmp/usher-owned' }],
  ['a command in the device', { device: '$(reboot)' }],
  ['another file', { device: '/etc/passwd' }],
  ['a size that is text', { width: '640;id' as unknown as number }],
  ['a size without bounds', { height: 1e9 }],
  ['a size that is no number', { width: Number.NaN }],
])('%s is refused before anything runs', async (_name, options) => {
  const error = await failure(stills(script('exit 0'), options));
  expect(error.code).toBe('config-invalid');
  expect(readFileSync(calls, 'utf8')).toBe('');
});

test.each([
  ['ends well without a picture', 'exit 0', 'camera-failed', 'no picture'],
  ['says there is no device', 'echo "stat: No such file or directory" >&2', 'camera-failed', 'No webcam found'],
  ['writes half a picture', 'head -c 200 PICTURE > "$last"', 'camera-failed', 'decoded'],
  ['fails', 'echo "Device busy" >&2; exit 1', 'camera-failed', 'Device busy'],
  ['ran out of time', 'exit 124', 'camera-failed', 'no answer'],
  ['is not installed', 'exit 127', 'dependency-missing', 'fswebcam'],
])('fswebcam %s', async (_name, body, code, message) => {
  const error = await failure(stills(script(body.replace('PICTURE', path.join(dir, 'picture.jpg')))));
  expect(error.code).toBe(code);
  expect(error.message).toContain(message);
  expect(error.remedy).toBeTruthy();
});

test('a device that is not there', async () => {
  const error = await failure(stills(script('exit 0'), {}, false));
  expect(error.message).toContain('/dev/video0: there is no such camera');
});
