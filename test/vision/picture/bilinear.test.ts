import { setSample, type BilinearKernel, type TargetShape } from '../../../src/vision/picture/bilinear';
import { JavaScriptBilinear } from '../../../src/vision/picture/bilinear-javascript';
import { createBilinear } from '../../../src/vision/picture/bilinear-simd';
import { BILINEAR_WASM_BASE64 } from '../../../src/vision/picture/bilinear-wasm';
import type { Frame } from '../../../src/vision/picture/frame';
import { compileWat } from '../../support/compile-wat';

const LEVELS = { order: [2, 0, 1], mean: [117, 114, 97], scale: [58, 57, 255] } as const;
const shapeOf = (columns: number, rows: number): TargetShape => ({
  columns,
  rows,
  stride: columns,
  planeSize: columns * rows,
});

function noise(width: number, height: number): Frame {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0, state = 1; i < data.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    data[i] = state >>> 24;
  }
  return { width, height, data };
}

/** The whole frame stretched, with a margin of half a pixel beyond each edge. */
function stretch(kernel: BilinearKernel, shape: TargetShape, frame: Frame): Float32Array {
  for (let i = 0; i < shape.columns; i++)
    setSample(kernel.columns, i, (i / shape.columns) * (frame.width + 1) - 1.5, frame.width);
  for (let i = 0; i < shape.rows; i++)
    setSample(kernel.rows, i, (i / shape.rows) * (frame.height + 1) - 1.5, frame.height);
  kernel.prepare();
  kernel.run(frame, 0, 0, frame.width);
  return kernel.output;
}

const webAssembly = (globalThis as unknown as { WebAssembly: { validate: () => boolean; Instance: unknown } })
  .WebAssembly;

describe('bilinear kernel', () => {
  it('is the committed source, compiled', async () => {
    expect(BILINEAR_WASM_BASE64).toBe(await compileWat('vision/picture/bilinear.wat'));
  });

  it('is the fast one on this engine, save for pictures narrower than its four lanes', () => {
    expect(createBilinear(shapeOf(4, 1), LEVELS).name).toBe('wasm-simd');
    expect(createBilinear(shapeOf(3, 1), LEVELS).name).toBe('javascript');
  });

  it('falls back to JavaScript where the engine refuses the module or has no room for its memory', () => {
    const validate = jest.spyOn(webAssembly, 'validate').mockReturnValue(false);
    try {
      expect(createBilinear(shapeOf(8, 8), LEVELS).name).toBe('javascript');
    } finally {
      validate.mockRestore();
    }
    const instance = jest.spyOn(webAssembly as { Instance: () => unknown }, 'Instance').mockImplementation(() => {
      throw new RangeError('WebAssembly.Memory(): could not allocate memory');
    });
    try {
      expect(createBilinear(shapeOf(8, 8), LEVELS).name).toBe('javascript');
    } finally {
      instance.mockRestore();
    }
  });

  it.each([
    ['one band', 60, 40, 33, 21],
    ['many bands', 1280, 720, 487, 275],
    ['enlarged', 9, 7, 64, 50],
    ['source rows that are skipped', 640, 3000, 64, 48],
    ['rows of which hardly two fit into a band', 21_000, 5, 100, 9],
    ['rows too long for a band', 50_000, 4, 100, 9],
    ['a single pixel', 1, 1, 7, 7],
  ])('equals plain JavaScript: %s', (_, width, height, columns, rows) => {
    const frame = noise(width, height);
    const shape = shapeOf(columns, rows);
    const fast = stretch(createBilinear(shape, LEVELS), shape, frame);
    const plain = stretch(new JavaScriptBilinear(shape, LEVELS), shape, frame);
    let worst = 0;
    fast.forEach((value, i) => (worst = Math.max(worst, Math.abs(value - plain[i]!))));
    expect(worst).toBeLessThan(1e-5);
    expect(new Set(fast).size).toBeGreaterThan(3);
  });
});
