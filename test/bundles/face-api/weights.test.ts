import fc from 'fast-check';
import { toOihw } from '../../../src/bundles/face-api/layers';
import { parseManifest, type WeightEntry } from '../../../src/bundles/face-api/weights';
import { decodeWeights, WeightSet } from '../../../src/bundles/face-api/weights';
import { scaledKernel, widenedMean } from '../../../src/bundles/face-api/resnet';

const quantised: WeightEntry = {
  name: 'a/filters',
  shape: [2, 2],
  dtype: 'float32',
  quantization: { dtype: 'uint8', scale: 0.5, min: -1 },
};
const plain: WeightEntry = { name: 'a/bias', shape: [2], dtype: 'float32' };

describe('decodeWeights', () => {
  it('scales bytes and reads floats that follow at an odd offset', () => {
    const bytes = Buffer.alloc(1 + 4 + 8);
    bytes.set([0, 1, 2, 255], 1);
    bytes.writeFloatLE(1.5, 5);
    bytes.writeFloatLE(-2, 9);
    const tensors = decodeWeights([quantised, plain], bytes.subarray(1), 'w.bin');
    expect(tensors.get('a/filters')).toEqual({ dims: [2, 2], data: Float32Array.of(-1, -0.5, 0, 126.5) });
    expect(tensors.get('a/bias')).toEqual({ dims: [2], data: Float32Array.of(1.5, -2) });
  });

  it.each([0, 11, 13])('refuses %i bytes where 12 are due', (length) => {
    expect(() => decodeWeights([quantised, plain], new Uint8Array(length), 'w.bin')).toThrow(
      `w.bin holds ${length} bytes, its manifest says 12`,
    );
  });
});

describe('parseManifest', () => {
  const text = (weights: unknown[]): string => JSON.stringify([{ paths: ['w.bin'], weights }]);

  it('gives the entries', () => {
    expect(parseManifest(text([quantised, plain]), 'm.json')).toEqual([quantised, plain]);
  });

  it.each([
    ['not JSON', '{', 'm.json is not JSON'],
    ['no group', '[]', 'm.json'],
    ['two files', JSON.stringify([{ paths: ['a', 'b'], weights: [plain] }]), '0.paths'],
    ['another type', text([{ ...plain, dtype: 'int32' }]), '0.weights.0.dtype'],
    ['another quantisation', text([{ ...quantised, quantization: { dtype: 'uint16', scale: 1, min: 0 } }]), 'uint8'],
    ['a size below 1', text([{ ...plain, shape: [0] }]), '0.weights.0.shape.0'],
  ])('refuses %s', (_, manifest, message) => {
    expect(() => parseManifest(manifest, 'm.json')).toThrow(message);
  });
});

describe('WeightSet', () => {
  const set = new WeightSet('w.bin', new Map([['a', { dims: [2, 1], data: Float32Array.of(1, 2) }]]));

  it('hands out a tensor of the expected shape, and says what else it found', () => {
    expect(set.take('a', [2, 1])).toEqual(Float32Array.of(1, 2));
    expect(() => set.take('a', [1, 2])).toThrow('w.bin: a should be [1, 2], is [2, 1]');
    expect(() => set.take('b', [1])).toThrow('w.bin: b should be [1], is absent');
  });
});

describe('kernels', () => {
  it('go from HWIO to OIHW', () => {
    const size = fc.integer({ min: 1, max: 4 });
    fc.assert(
      fc.property(size, size, size, size, (h, w, i, o) => {
        const hwio = Float32Array.from({ length: h * w * i * o }, (_, n) => n);
        const oihw = toOihw(hwio, h, w, i, o);
        for (let y = 0; y < h; y++)
          for (let x = 0; x < w; x++)
            for (let a = 0; a < i; a++)
              for (let b = 0; b < o; b++)
                expect(oihw[((b * i + a) * h + y) * w + x]).toBe(hwio[((y * w + x) * i + a) * o + b]);
      }),
    );
  });

  it('take their scale layer in', () => {
    const tensor = (dims: number[], ...data: number[]) => ({ dims, data: Float32Array.from(data) });
    const weights = new WeightSet(
      'w.bin',
      new Map([
        ['c/conv/filters', tensor([1, 1, 1, 2], 3, 5)],
        ['c/conv/bias', tensor([2], 1, 2)],
        ['c/scale/weights', tensor([2], 10, 100)],
        ['c/scale/biases', tensor([2], 0.5, 0.25)],
      ]),
    );
    const kernel = scaledKernel(weights, 'c', 1, 1, 2);
    expect(kernel).toEqual({ dims: [2, 1, 1, 1], data: Float32Array.of(30, 500), bias: Float32Array.of(10.5, 200.25) });
  });

  it('average 2×2 into the first half of the channels and leave the rest zero', () => {
    const { dims, data, bias } = widenedMean(2, 4);
    expect(dims).toEqual([4, 2, 2, 2]);
    expect(bias).toBeNull();
    for (let out = 0; out < 4; out++)
      for (let channel = 0; channel < 2; channel++) {
        const values = [...data.subarray((out * 2 + channel) * 4, (out * 2 + channel + 1) * 4)];
        expect(values).toEqual(Array(4).fill(out === channel ? 0.25 : 0));
      }
  });
});
