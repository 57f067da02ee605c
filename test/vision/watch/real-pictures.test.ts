import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { firstValueFrom, skip, take, toArray } from 'rxjs';
import sharp from 'sharp';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { CameraConfig } from '../../../src/config/schema/cameras';
import { createCameraSource } from '../../../src/vision/camera/create';
import type { Frame } from '../../../src/vision/picture/frame';
import { suspect } from '../../../src/vision/watch/judge';
import { PictureMeter } from '../../../src/vision/watch/measure';
import { referenceOf } from '../../../src/vision/watch/reference';
import { describeWithFfmpeg } from '../../support/processes';
import { describeWithShared, sharedDir } from '../../support/shared';

const measure = (frame: Frame) => {
  const result = new PictureMeter().measure(frame);
  return { ...result, edges: result.edges.slice() };
};

describeWithFfmpeg('what a camera gives through ffmpeg', () => {
  let dir: string;
  beforeAll(() => (dir = mkdtempSync(join(tmpdir(), 'usher-pictures-'))));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  test.each([
    ['black', 'color=black:s=640x360:r=10', 'black'],
    ['black with the noise of a sensor', 'color=black:s=640x360:r=10,noise=alls=6:allf=t', 'black'],
    ['a hand on the lens', 'color=0x402018:s=640x360:r=10,noise=alls=6:allf=t,gblur=3', 'covered'],
    ['a picture of another shape, grey, between black bars', 'color=gray:s=320x360:r=10', 'covered'],
    ['a test picture', 'testsrc2=s=640x360:r=10', null],
  ] as const)('%s', async (_name, picture, kind) => {
    const file = join(dir, 'clip.mkv');
    execFileSync('ffmpeg', [
      ...['-loglevel', 'error', '-y', '-f', 'lavfi', '-i', picture, '-t', '1', '-pix_fmt', 'yuv420p'],
      ...['-c:v', 'mpeg4', '-q:v', '3', file],
    ]);
    const source = { type: 'ffmpeg', input: file, realtime: false };
    const camera = CameraConfig.parse({ id: 'cam', width: 640, height: 360, fps: 10, source });
    const frames = createCameraSource(camera, { warn: () => undefined })
      .open()
      .pipe(skip(3), take(1), toArray());
    const [frame] = await firstValueFrom(frames);
    expect(suspect(measure(frame!), null)?.kind ?? null).toBe(kind);
  });
});

describeWithShared('real places', () => {
  const dir = join(sharedDir, 'data/scene/photographs/day');
  const places = () =>
    readdirSync(dir)
      .filter((name) => /\.jpe?g$/i.test(name))
      .sort()
      .slice(0, 12);
  const view = async (
    name: string,
    change: (picture: sharp.Sharp) => sharp.Sharp = (picture) => picture,
  ): Promise<Frame> => {
    const base = await sharp(join(dir, name))
      .resize(800, 450, { fit: 'cover' })
      .removeAlpha()
      .toColourspace('srgb')
      .png()
      .toBuffer();
    const { data, info } = await change(sharp(base)).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, data };
  };
  const crop = (left: number) => (picture: sharp.Sharp) => picture.extract({ left, top: 40, width: 640, height: 360 });

  /** Share of the places at which this is suspected. */
  const share = async (kind: string | null, change: (picture: sharp.Sharp) => sharp.Sharp): Promise<number> => {
    let hits = 0;
    for (const name of places()) {
      const reference = referenceOf([measure(await view(name, crop(80)))], 0);
      if ((suspect(measure(await view(name, change)), reference)?.kind ?? null) === kind) hits++;
    }
    return hits / places().length;
  };
  const centre = crop(80);

  test.each([
    ['as it was', (picture) => centre(picture), null],
    ['in a third of the light', (picture) => centre(picture).linear(0.33, 0), null],
    ['at dusk: darker, flatter', (picture) => centre(picture).linear(0.4, 15), null],
    ['upside down', (picture) => centre(picture).rotate(180), 'moved'],
  ] satisfies [string, (picture: sharp.Sharp) => sharp.Sharp, string | null][])('%s', async (_name, change, kind) => {
    expect(await share(kind, change)).toBeGreaterThanOrEqual(0.9);
  });

  test('another place', async () => {
    const names = places();
    let moved = 0;
    for (const [i, name] of names.entries()) {
      const reference = referenceOf([measure(await view(name, centre))], 0);
      const other = await view(names[(i + 1) % names.length]!, centre);
      if (suspect(measure(other), reference)?.kind === 'moved') moved++;
    }
    expect(moved / names.length).toBeGreaterThanOrEqual(0.9);
  });

  test('out of focus', async () => {
    const faces = join(sharedDir, 'data/faces/london');
    for (const name of readdirSync(faces).sort().slice(0, 6)) {
      const sharpView = await sharp(join(faces, name)).resize(480, 480).removeAlpha().png().toBuffer();
      const frame = async (sigma: number): Promise<Frame> => {
        const picture = sigma === 0 ? sharp(sharpView) : sharp(sharpView).blur(sigma);
        const { data, info } = await picture.raw().toBuffer({ resolveWithObject: true });
        return { width: info.width, height: info.height, data };
      };
      const reference = referenceOf([measure(await frame(0))], 0);
      expect(suspect(measure(await frame(0)), reference)).toBeNull();
      expect(suspect(measure(await frame(3)), reference)?.kind).toBe('blurred');
    }
  });
});
