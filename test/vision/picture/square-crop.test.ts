import fc from 'fast-check';
import { JavaScriptBilinear } from '../../../src/vision/picture/bilinear-javascript';
import type { Frame } from '../../../src/vision/picture/frame';
import { clipToFrame, type PixelRect, SquareCrop } from '../../../src/vision/picture/square-crop';

const PLAIN = { mean: [0, 0, 0], scale: [1, 1, 1] } as const;

/** Channel k of pixel (x, y) is 10·x + y + 60·k. */
function ramp(width: number, height: number): Frame {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) {
    const pixel = Math.floor(i / 3);
    data[i] = 10 * (pixel % width) + Math.floor(pixel / width) + 60 * (i % 3);
  }
  return { width, height, data };
}

describe('clipToFrame', () => {
  const frame = { width: 100, height: 50 } as Frame;
  it.each([
    ['inside', { x: 10.9, y: 5.2, width: 20.7, height: 10.1 }, { x: 10, y: 5, width: 20, height: 10 }],
    ['over the left and top edge', { x: -5.5, y: -2, width: 20, height: 10 }, { x: 0, y: 0, width: 14, height: 8 }],
    [
      'over the right and bottom edge',
      { x: 90.5, y: 45, width: 20, height: 10 },
      { x: 90, y: 45, width: 9, height: 5 },
    ],
  ])('a box %s', (_, box, rect) => {
    expect(clipToFrame(box, frame)).toEqual(rect);
  });

  it('stays in the frame or is empty', () => {
    const number = fc.double({ min: -300, max: 300, noNaN: true });
    const size = fc.double({ min: 0, max: 300, noNaN: true });
    fc.assert(
      fc.property(number, number, size, size, (x, y, width, height) => {
        const rect = clipToFrame({ x, y, width, height }, frame);
        if (rect.width <= 0 || rect.height <= 0) return;
        expect(rect.x).toBeGreaterThanOrEqual(0);
        expect(rect.y).toBeGreaterThanOrEqual(0);
        expect(rect.x + rect.width).toBeLessThanOrEqual(frame.width);
        expect(rect.y + rect.height).toBeLessThanOrEqual(frame.height);
      }),
    );
  });
});

const cut = (crop: SquareCrop, frame: Frame, rect: PixelRect): number[] => {
  crop.run(frame, rect);
  return [...crop.output];
};

describe('SquareCrop', () => {
  it('copies a square of its own size, plane by plane', () => {
    const target = cut(new SquareCrop(2, true, PLAIN), ramp(5, 4), { x: 1, y: 2, width: 2, height: 2 });
    expect(target).toEqual([12, 22, 13, 23, 72, 82, 73, 83, 132, 142, 133, 143]);
  });

  it('normalises each channel', () => {
    const crop = new SquareCrop(1, true, { mean: [1, 2, 3], scale: [2, 4, 8] });
    const target = cut(crop, ramp(1, 1), { x: 0, y: 0, width: 1, height: 1 });
    [-1 / 2, 58 / 4, 117 / 8].forEach((value, k) => expect(target[k]).toBeCloseTo(value, 5));
  });

  it('pads below a whole picture, and around a face with the larger half behind', () => {
    const rect = { x: 0, y: 0, width: 4, height: 1 };
    const column = (centred: boolean): number[] => {
      const target = cut(new SquareCrop(4, centred, { mean: [-7, -7, -7], scale: [1, 1, 1] }), ramp(4, 1), rect);
      return [0, 1, 2, 3].map((y) => target[y * 4 + 1]!);
    };
    expect(column(false)).toEqual([17, 7, 7, 7]);
    expect(column(true)).toEqual([7, 17, 7, 7]);
  });

  it('interpolates between i·side/size, into the padding too', () => {
    const target = cut(new SquareCrop(4, false, PLAIN), ramp(2, 1), { x: 0, y: 0, width: 2, height: 1 });
    expect(target.slice(0, 8)).toEqual([0, 5, 10, 10, 0, 2.5, 5, 5]);
    expect(target.slice(8, 16)).toEqual(Array(8).fill(0));
  });

  it('gives the top left corner of what it would give whole', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 12 }),
        fc.boolean(),
        (columns, rows, centred) => {
          const frame = ramp(17, 9);
          const rect = { x: 1, y: 0, width: 15, height: 9 };
          const whole = cut(new SquareCrop(12, centred, PLAIN), frame, rect);
          const part = cut(new SquareCrop(12, centred, PLAIN, { columns, rows }), frame, rect);
          const corner = part.map((_, i) => {
            const k = Math.floor(i / (columns * rows));
            const y = Math.floor(i / columns) % rows;
            return whole[k * 144 + y * 12 + (i % columns)];
          });
          expect(part).toEqual(corner);
        },
      ),
    );
  });

  it('gives the same by both kernels, in one array, whatever was cut before', () => {
    const side = fc.integer({ min: 1, max: 40 });
    const rect = fc.record({ x: fc.nat(9), y: fc.nat(9), width: side, height: side });
    fc.assert(
      fc.property(fc.array(rect, { minLength: 1, maxLength: 4 }), fc.boolean(), (rects, centred) => {
        const levels = { mean: [117, 114, 97], scale: [2, 3, 4] } as const;
        const size = { columns: 23, rows: 23 };
        const fast = new SquareCrop(23, centred, levels, size);
        const plain = new SquareCrop(23, centred, levels, size, (...is) => new JavaScriptBilinear(...is));
        const output = fast.output;
        for (const each of rects) {
          fast.run(ramp(50, 50), each);
          plain.run(ramp(50, 50), each);
          expect(fast.output).toBe(output);
          const errors = fast.output.map((value, i) => Math.abs(value - plain.output[i]!));
          expect(Math.max(...errors)).toBeLessThan(1e-3);
        }
      }),
      { numRuns: 40 },
    );
  });
});
