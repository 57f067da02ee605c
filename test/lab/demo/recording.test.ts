import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { firstValueFrom, toArray } from 'rxjs';
import { CameraConfig } from '../../../src/config/schema/cameras';
import { type Recording, makeRecording } from '../../../src/lab/demo/recording';
import { type UsherError } from '../../../src/errors';
import { createCameraSource } from '../../../src/vision/camera/create';
import { encodePng, readPicture } from '../../../src/vision/picture/picture';
import { describeWithFfmpeg } from '../../support/processes';

const [width, height, fps] = [320, 180, 5];

describeWithFfmpeg('the recording', () => {
  let dir: string;
  let recording: Recording;
  const progress: number[] = [];
  beforeAll(async () => {
    dir = mkdtempSync(path.join(tmpdir(), 'usher-recording-'));
    recording = await make('first', { onProgress: (share: number) => progress.push(share) });
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  const make = (folder: string, more: object = {}) =>
    makeRecording({ folder: path.join(dir, folder), width, height, fps, ...more });
  const framesOf = (clip: string) => {
    const source = { type: 'ffmpeg', input: clip, realtime: false };
    const camera = CameraConfig.parse({ id: 'demo', width, height, fps, source });
    return firstValueFrom(
      createCameraSource(camera, { warn: () => undefined })
        .open()
        .pipe(toArray()),
    );
  };
  const failure = async (more: object): Promise<UsherError> =>
    (await make('failed', more).then(
      () => {
        throw new Error('it did not fail');
      },
      (error: unknown) => error,
    )) as UsherError;

  test('it is empty, except while one of the two is there', async () => {
    const frames = await framesOf(recording.clip);
    expect(frames).toHaveLength(recording.durationS * fps);
    // Compared with an empty frame at its nearest pixel but one, for the camera shakes.
    const empty = frames[1]!.data;
    const changed = frames.map(({ data }) => {
      let count = 0;
      for (let y = 2; y < height - 2; y++)
        for (let x = 2; x < width - 2; x++) {
          const value = data[(y * width + x) * 3]!;
          let differs = true;
          for (let j = -2; j <= 2 && differs; j++)
            for (let i = -2; i <= 2 && differs; i++) {
              const difference = value - empty[((y + j) * width + x + i) * 3]!;
              differs = difference > 40 || difference < -40;
            }
          if (differs) count++;
        }
      return count / (width * height);
    });
    const at = (seconds: number) => changed[Math.round(seconds * fps)]!;
    const { stranger, member } = recording;
    for (const { fromS, toS } of [stranger, member])
      for (let seconds = fromS; seconds <= toS; seconds += 1 / fps) expect(at(seconds)).toBeGreaterThan(0.01);
    for (const seconds of [0, 0.4, (stranger.toS + member.fromS) / 2]) expect(at(seconds)).toBeLessThan(0.001);
    // They come nearer: the standing figure covers more than the one that has just come in.
    expect(at(stranger.fromS + 4)).toBeGreaterThan(1.8 * at(stranger.fromS));
    expect(progress.at(-1)).toBe(1);
  });

  test('no two frames of a visit are the same', async () => {
    const frames = await framesOf(recording.clip);
    const visit = frames.slice(recording.member.fromS * fps, recording.member.toS * fps);
    expect(new Set(visit.map(({ data }) => Buffer.from(data).toString('base64'))).size).toBe(visit.length);
  });

  test('the still is a portrait that can be read, of the size of the original', async () => {
    const still = await readPicture(recording.enrolmentStill);
    expect(still.width).toBeGreaterThan(400);
    expect(still.height).toBeGreaterThan(still.width);
  });

  test('the same seed gives the same pictures, another seed others; no half-written clip is left', async () => {
    const hash = (clip: string) =>
      execFileSync('ffmpeg', ['-loglevel', 'error', '-i', clip, '-map', '0:v', '-f', 'md5', '-'], { encoding: 'utf8' });
    const again = await make('again');
    const other = await make('other', { seed: 21 });
    expect(hash(again.clip)).toBe(hash(recording.clip));
    expect(hash(other.clip)).not.toBe(hash(recording.clip));
    expect(readdirSync(path.join(dir, 'again')).sort()).toEqual(['entrance.mp4', 'member.jpg']);
  });

  test('a picture of one’s own plays the member; the stranger stays', async () => {
    const file = path.join(dir, 'me.png');
    const data = new Uint8Array(300 * 400 * 3).fill(30);
    for (let y = 100; y < 250; y++) data.fill(250, (y * 300 + 90) * 3, (y * 300 + 210) * 3);
    writeFileSync(file, await encodePng({ width: 300, height: 400, data }));
    const own = await make('own', { face: { path: file, box: { x: 90, y: 100, width: 120, height: 150 } } });
    const [before, after] = [await framesOf(recording.clip), await framesOf(own.clip)];
    const centre = ({ data: pixels }: { data: Uint8Array }) => {
      const middle = (Math.round(height * 0.4) * width + Math.round(width * 0.51)) * 3;
      return pixels[middle]!;
    };
    const memberAt = Math.round((own.member.fromS + 4) * fps);
    expect(centre(after[memberAt]!)).toBeGreaterThan(200);
    expect(centre(before[memberAt]!)).toBeLessThan(200);
    const strangerAt = Math.round((own.stranger.fromS + 4) * fps);
    expect(Math.abs(centre(after[strangerAt]!) - centre(before[strangerAt]!))).toBeLessThan(25);
  });

  test('a picture of one’s own that cannot serve is told', async () => {
    const box = { x: 10, y: 10, width: 100, height: 120 };
    expect((await failure({ face: { path: path.join(dir, 'none.jpg'), box } })).code).toBe('file-unreadable');
    const text = path.join(dir, 'text.jpg');
    writeFileSync(text, 'not a picture');
    expect((await failure({ face: { path: text, box } })).code).toBe('picture-invalid');
    const small = await failure({ face: { path: recording.enrolmentStill, box: { ...box, width: 20 } } });
    expect(small.code).toBe('face-unsuitable');
    expect(small.message).toContain('20 px');
    const outside = await failure({ face: { path: recording.enrolmentStill, box: { ...box, x: 5000 } } });
    expect(outside.message).toContain('outside the picture');
  });

  test('cancelled: nothing is left but the still', async () => {
    const abort = new AbortController();
    const error = await failure({
      signal: abort.signal,
      onProgress: () => {
        abort.abort();
      },
    });
    expect(error.code).toBe('cancelled');
    expect(readdirSync(path.join(dir, 'failed'))).toEqual(['member.jpg']);
  });

  test('a folder that cannot be made is told', async () => {
    await expect(make('first/member.jpg/below')).rejects.toMatchObject({ code: 'store-unavailable' });
  });
});
