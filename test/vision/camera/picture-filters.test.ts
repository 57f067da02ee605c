import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { firstValueFrom } from 'rxjs';
import { CameraConfig } from '../../../src/config/schema/cameras';
import { createCameraSource } from '../../../src/vision/camera/create';
import type { Frame } from '../../../src/vision/picture/frame';
import { describeWithFfmpeg } from '../../support/processes';

/** Extent of what is bright: [x, y, width, height]. */
function brightExtent({ width, height, data }: Frame): number[] {
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      if ((data[(y * width + x) * 3] as number) > 128) {
        [left, right] = [Math.min(left, x), Math.max(right, x)];
        [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
      }
  return [left, top, right - left + 1, bottom - top + 1];
}

describeWithFfmpeg('what ffmpeg makes of a picture', () => {
  let dir: string;
  beforeAll(() => (dir = mkdtempSync(path.join(tmpdir(), 'usher-filters-'))));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  /** A disc that is round for people, stored as `size` with pixels of the shape `sar`, in a file that says so or does not. */
  const disc = (name: string, [width, height]: [number, number], sar: [number, number], says: boolean): string => {
    const file = path.join(dir, name);
    const [horizontal, vertical] = sar;
    // Distances in display units: x is stretched by the pixel's shape.
    const x = `(X-${width / 2})*${horizontal}/${vertical}`;
    const picture = `color=black:s=${width}x${height}:d=1:r=5,format=gray,geq=lum='255*lt(hypot(${x}\\,Y-${height / 2})\\,${height / 4})'`;
    execFileSync('ffmpeg', [
      ...['-loglevel', 'error', '-y', '-f', 'lavfi', '-i', picture],
      ...[
        '-vf',
        `setsar=${says ? `${horizontal}/${vertical}` : '1'},format=yuv420p`,
        '-c:v',
        'mpeg4',
        '-q:v',
        '2',
        file,
      ],
    ]);
    return file;
  };
  const frameOf = async (input: string, source: object, more: object): Promise<Frame> => {
    const config = CameraConfig.parse({
      id: 'cam',
      fps: 5,
      source: { type: 'ffmpeg', input, realtime: false, ...source },
      ...more,
    });
    return firstValueFrom(createCameraSource(config, { warn: () => undefined }).open());
  };

  test.each([
    ['640×480, pixels 4:3', [640, 480], [4, 3], [1280, 720]],
    ['704×576, pixels 16:11', [704, 576], [16, 11], [1280, 720]],
    ['720×576, pixels 64:45', [720, 576], [64, 45], [640, 640]],
    ['320×240, pixels 3:4', [320, 240], [3, 4], [640, 360]],
    ['640×360, square', [640, 360], [1, 1], [1280, 720]],
  ] satisfies [string, [number, number], [number, number], [number, number]][])(
    'a circle stays a circle: %s',
    async (_name, size, sar, [width, height]) => {
      const file = disc('signalled.mkv', size, sar, true);
      const frame = await frameOf(file, {}, { width, height });
      expect([frame.width, frame.height]).toEqual([width, height]);
      const [x, y, across, down] = brightExtent(frame) as [number, number, number, number];
      expect(Math.abs(across / down - 1)).toBeLessThan(0.02);
      // In the middle, and half as high as the picture of which it is a part.
      expect(Math.abs(x + across / 2 - width / 2)).toBeLessThan(4);
      expect(Math.abs(y + down / 2 - height / 2)).toBeLessThan(4);
      const shown = Math.min(height, (width * size[1] * sar[1]) / (size[0] * sar[0]));
      expect(Math.abs(down - shown / 2)).toBeLessThan(4);
    },
  );

  test('a recorder that does not tell the shape: squashed, and round with aspectRatio', async () => {
    const file = disc('silent.mkv', [640, 480], [4, 3], false);
    const [, , across, down] = brightExtent(await frameOf(file, {}, { width: 640, height: 360 })) as [
      number,
      number,
      number,
      number,
    ];
    expect(across / down).toBeLessThan(0.8);
    const [, , across2, down2] = brightExtent(
      await frameOf(file, { aspectRatio: '16:9' }, { width: 640, height: 360 }),
    ) as [number, number, number, number];
    expect(Math.abs(across2 / down2 - 1)).toBeLessThan(0.02);
  });

  test.each([
    [{ rotate: 90 }, [360, 640], [270, 0, 90, 160]],
    [{ rotate: 180 }, [640, 360], [480, 270, 160, 90]],
    [{ rotate: 270 }, [360, 640], [0, 480, 90, 160]],
    [{ flip: 'horizontal' }, [640, 360], [480, 0, 160, 90]],
    [{ flip: 'vertical' }, [640, 360], [0, 270, 160, 90]],
    [{ rotate: 90, flip: 'horizontal' }, [360, 640], [0, 0, 90, 160]],
  ] satisfies [object, number[], number[]][])(
    'a picture with its upper left corner bright, after %j',
    async (turn, size, corner) => {
      const file = path.join(dir, 'corner.mkv');
      const picture = 'color=black:s=640x360:d=1:r=5,drawbox=w=160:h=90:color=white:t=fill';
      execFileSync('ffmpeg', [
        '-loglevel',
        'error',
        '-y',
        '-f',
        'lavfi',
        '-i',
        picture,
        '-c:v',
        'mpeg4',
        '-q:v',
        '2',
        file,
      ]);
      const frame = await frameOf(file, {}, { width: 640, height: 360, ...turn });
      expect([frame.width, frame.height]).toEqual(size);
      brightExtent(frame).forEach((value, i) => expect(Math.abs(value - (corner[i] as number))).toBeLessThanOrEqual(2));
    },
  );
});
