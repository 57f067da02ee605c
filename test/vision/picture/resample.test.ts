import fc from 'fast-check';
import { JavaScriptBilinear } from '../../../src/vision/picture/bilinear-javascript';
import { createBilinear } from '../../../src/vision/picture/bilinear-simd';
import type { Frame } from '../../../src/vision/picture/frame';
import { FrameResizer, PLANES, warpInto } from '../../../src/vision/picture/resample';

const NONE = [0, 0, 0] as const;
const UNIT = [1, 1, 1] as const;

const frameOf = (width: number, height: number, value: (x: number, y: number, c: number) => number): Frame => {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) for (let c = 0; c < 3; c++) data[(y * width + x) * 3 + c] = value(x, y, c);
  return { width, height, data };
};
const noise = (width: number, height: number): Frame =>
  frameOf(width, height, (x, y, c) => (x * 31 + y * 17 + c * 83) % 256);

/** Straight from the definition: half-pixel centres, clamped at the edges. */
function bilinear(frame: Frame, x: number, y: number, c: number): number {
  const cx = Math.min(Math.max(x, 0), frame.width - 1);
  const cy = Math.min(Math.max(y, 0), frame.height - 1);
  const x0 = Math.floor(cx);
  const y0 = Math.floor(cy);
  const at = (px: number, py: number): number =>
    frame.data[(Math.min(py, frame.height - 1) * frame.width + Math.min(px, frame.width - 1)) * 3 + c]!;
  const top = at(x0, y0) * (1 - cx + x0) + at(x0 + 1, y0) * (cx - x0);
  const bottom = at(x0, y0 + 1) * (1 - cx + x0) + at(x0 + 1, y0 + 1) * (cx - x0);
  return top * (1 - cy + y0) + bottom * (cy - y0);
}

describe.each([
  ['the fast kernel', createBilinear],
  ['plain JavaScript', (...is: ConstructorParameters<typeof JavaScriptBilinear>) => new JavaScriptBilinear(...is)],
])('FrameResizer with %s', (_, create) => {
  test('equals the definition, in planes of the order asked for, and leaves the padding alone', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 24 }),
        fc.integer({ min: 1, max: 24 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 20 }),
        (w, h, dw, dh) => {
          const frame = noise(w, h);
          const stride = dw + 3;
          const plane = stride * (dh + 2);
          const shape = { columns: dw, rows: dh, stride, planeSize: plane };
          const levels = { order: PLANES.BGR, mean: [10, 20, 30], scale: [2, 4, 5] } as const;
          const resizer = new FrameResizer(w, h, shape, levels, create);
          resizer.output.fill(-1);
          resizer.run(frame);
          let worst = 0;
          for (let k = 0; k < 3; k++)
            for (let y = 0; y < dh + 2; y++)
              for (let x = 0; x < stride; x++) {
                const inside = x < dw && y < dh;
                const raw = bilinear(frame, ((x + 0.5) * w) / dw - 0.5, ((y + 0.5) * h) / dh - 0.5, 2 - k);
                const expected = inside ? (raw - [10, 20, 30][k]!) / [2, 4, 5][k]! : -1;
                worst = Math.max(worst, Math.abs(resizer.output[k * plane + y * stride + x]! - expected));
              }
          expect(worst).toBeLessThan(5e-4);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('same size is the same picture', () => {
    const frame = noise(8, 5);
    const shape = { columns: 8, rows: 5, stride: 8, planeSize: 40 };
    const resizer = new FrameResizer(8, 5, shape, { order: PLANES.RGB, mean: NONE, scale: UNIT }, create);
    resizer.run(frame);
    for (let i = 0; i < 40; i++)
      for (let c = 0; c < 3; c++) expect(resizer.output[c * 40 + i]).toBe(frame.data[i * 3 + c]);
  });
});

describe('warpInto', () => {
  test('shifted by whole pixels copies them; outside is black', () => {
    const frame = noise(20, 20);
    const target = new Float32Array(3 * 100);
    warpInto(frame, { a: 1, b: 0, tx: 14, ty: 3 }, target, 10, 10);
    for (let v = 0; v < 10; v++)
      for (let u = 0; u < 10; u++)
        for (let c = 0; c < 3; c++) {
          const expected = u + 14 < 19 ? frame.data[((v + 3) * 20 + u + 14) * 3 + c]! : 0;
          expect(target[c * 100 + v * 10 + u]).toBeCloseTo(expected, 3);
        }
  });

  test('a quarter turn', () => {
    const frame = noise(20, 20);
    const target = new Float32Array(3 * 25);
    // x' = -v + 10, y' = u + 5
    warpInto(frame, { a: 0, b: 1, tx: 10, ty: 5 }, target, 5, 5);
    for (let v = 0; v < 5; v++)
      for (let u = 0; u < 5; u++) expect(target[v * 5 + u]).toBeCloseTo(frame.data[((u + 5) * 20 + 10 - v) * 3]!, 3);
  });

  test('shrinking averages: a fine checkerboard becomes grey, where one sample a pixel would give black or white', () => {
    const board = frameOf(80, 80, (x, y) => ((x + y) % 2) * 255);
    const target = new Float32Array(3 * 100);
    warpInto(board, { a: 4, b: 0, tx: 16, ty: 16 }, target, 10, 10);
    for (const value of target) expect(Math.abs(value - 127.5)).toBeLessThan(16);
  });
});
