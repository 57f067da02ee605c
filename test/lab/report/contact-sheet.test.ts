import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { writeContactSheet } from '../../../src/lab/report/contact-sheet';
import { cropAround, greyFrame, groupByCause, type ErrorCase } from '../../../src/lab/report/error-cases';
import { readPicture } from '../../../src/vision/picture/picture';
import { plainFrame } from '../../support/faces';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sheet-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const pixel = (frame: { width: number; data: Uint8Array }, x: number, y: number): number[] =>
  Array.from(frame.data.subarray((y * frame.width + x) * 3, (y * frame.width + x) * 3 + 3));

test('groups: each case once, largest first, shares that make one', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('blur', 'size', 'light', 'pose')), (causes) => {
      const groups = groupByCause(causes.map((cause, at) => ({ cause, at })));
      const sizes = groups.map(({ cases }) => cases.length);
      expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
      expect(groups.flatMap(({ cases }) => cases.map(({ at }) => at)).sort((a, b) => a - b)).toEqual(
        causes.map((_, i) => i),
      );
      if (causes.length > 0) expect(groups.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 12);
    }),
  );
});

test('a raster becomes grey levels between its ends, or between those given', () => {
  const values = Float32Array.of(-40, -20, 0, -30);
  expect(Array.from(greyFrame({ width: 2, height: 2, values }).data)).toEqual(
    [0, 128, 255, 64].flatMap((level) => [level, level, level]),
  );
  expect(Array.from(greyFrame({ width: 4, height: 1, values, low: -30, high: -20 }).data)).toEqual(
    [0, 255, 255, 0].flatMap((level) => [level, level, level]),
  );
  expect(Array.from(greyFrame({ width: 1, height: 1, values: Float32Array.of(7) }).data)).toEqual([0, 0, 0]);
  expect(() => greyFrame({ width: 3, height: 1, values })).toThrow(RangeError);
});

test('a crop holds the box and its margin, as far as the frame goes', () => {
  const frame = plainFrame(20, 10);
  frame.data.set([1, 2, 3], (4 * 20 + 6) * 3);
  const crop = cropAround(frame, { x: 6, y: 4, width: 4, height: 2 }, 0.5);
  expect([crop.width, crop.height]).toEqual([8, 6]);
  expect(pixel(crop, 2, 2)).toEqual([1, 2, 3]);
  const corner = cropAround(frame, { x: -5, y: -5, width: 8, height: 8 }, 0);
  expect([corner.width, corner.height]).toEqual([3, 3]);
  const outside = cropAround(frame, { x: 100, y: 100, width: 8, height: 8 }, 0);
  expect([outside.width, outside.height]).toEqual([1, 1]);
});

test('the sheet shows the pictures where they belong; the index tells all of them', async () => {
  let drawn = 0;
  const reds = Array.from({ length: 5 }, (_, i): ErrorCase => ({
    picture: () => {
      drawn++;
      return Promise.resolve([plainFrame(30, 30, [200, 0, 0]), plainFrame(60, 30, [0, 0, 200])]);
    },
    caption: `red ${i}\n<second> line`,
    cause: 'blur',
  }));
  const grey: ErrorCase = {
    picture: { width: 2, height: 1, values: Float32Array.of(0, 1) },
    caption: 'raster',
    cause: 'SNR',
  };
  const target = join(folder, 'new', 'sheet');
  const groups = await writeContactSheet(target, [grey, ...reds], {
    title: 'Trial',
    trials: 60,
    perCause: 3,
    side: 100,
    advice: { blur: 'Collect pictures of people who walk.' },
  });
  expect(groups.map(({ cause, share }) => [cause, share])).toEqual([
    ['blur', 5 / 6],
    ['SNR', 1 / 6],
  ]);
  expect(drawn).toBe(3);

  const sheet = await readPicture(join(target, 'contact-sheet.png'));
  // First cell: 12 px from the left, below title and heading; its two pictures side by side, the wide one fitted.
  expect(pixel(sheet, 12 + 50, 84 + 50)).toEqual([200, 0, 0]);
  expect(pixel(sheet, 12 + 104 + 50, 84 + 50)).toEqual([0, 0, 200]);
  expect(pixel(sheet, 12 + 104 + 50, 84 + 10)).toEqual([255, 255, 255]);
  // The raster is enlarged without smoothing: black beside white.
  const second = 84 + 134 + 12 + 44;
  expect(pixel(sheet, 12 + 48, second + 50)).toEqual([0, 0, 0]);
  expect(pixel(sheet, 12 + 52, second + 50)).toEqual([255, 255, 255]);

  const html = readFileSync(join(target, 'index.html'), 'utf8');
  expect(html).toContain('6 errors in 60 trials (10 %)');
  expect(html).toContain('red 4; &lt;second&gt; line');
  const json = JSON.parse(readFileSync(join(target, 'errors.json'), 'utf8')) as { causes: object[] };
  expect(json.causes[0]).toMatchObject({ cause: 'blur', count: 5, next: 'Collect pictures of people who walk.' });
});

test('no errors make a sheet that says so; a folder that cannot be written is an error of the caller', async () => {
  const target = join(folder, 'none');
  expect(await writeContactSheet(target, [], { title: 'Trial', trials: 9 })).toEqual([]);
  expect(readFileSync(join(target, 'index.html'), 'utf8')).toContain('0 errors in 9 trials (0 %)');
  const file = join(folder, 'file');
  writeFileSync(file, '');
  await expect(writeContactSheet(file, [], { title: 'Trial' })).rejects.toMatchObject({ code: 'file-unreadable' });
});
