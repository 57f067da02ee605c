import { loadTfjs, type Tensor2D, type Tensor4D, type Tf } from '../../../src/inference/tfjs';
import { seededRandom } from '../../../src/random';
import { faceMask, withoutFeatures } from '../../../src/vision/stills/face-regions';
import { contentLoss, gramMatrix, roughness, styleLoss } from '../../../src/vision/stills/style-loss';
import { StyleNetwork } from '../../../src/vision/stills/style-network';
import {
  goalOf,
  LAYERS,
  pictureOf,
  stylise,
  STYLISE_DEFAULTS,
  styliseDefaults,
  totalLoss,
} from '../../../src/vision/stills/stylise';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { installedModels, plainFrame } from '../../support/faces';

let tf: Tf;
beforeAll(async () => {
  ({ tf } = await loadTfjs('wasm'));
});

const POSITIONS = 6;
const CHANNELS = 3;
const matrix = (seed: number, rows = POSITIONS, columns = CHANNELS): number[][] => {
  const random = seededRandom(seed);
  return Array.from({ length: rows }, () => Array.from({ length: columns }, () => random.normal()));
};

/** Central differences of a function of a matrix, in double precision. */
function numericGradient(f: (m: number[][]) => number, at: number[][]): number[] {
  const step = 1e-5;
  return at.flatMap((row, i) =>
    row.map((_, k) => {
      const moved = (by: number) => f(at.map((r, j) => r.map((v, l) => (i === j && k === l ? v + by : v))));
      return (moved(step) - moved(-step)) / (2 * step);
    }),
  );
}

function worst(actual: ArrayLike<number>, expected: readonly number[]): number {
  return Math.max(...expected.map((value, i) => Math.abs(value - actual[i]!))) / Math.max(...expected.map(Math.abs));
}

const gram = (m: number[][]): number[][] =>
  m[0]!.map((_, i) => m[0]!.map((__, j) => m.reduce((sum, row) => sum + row[i]! * row[j]!, 0)));

describe('the losses of Gatys, by equation and by finite differences', () => {
  test('content, with a weight for each position', () => {
    const target = matrix(2);
    const weight = [1, 0.5, 0, 1, 0.25, 1];
    const byEquation = (m: number[][]) =>
      0.5 * m.reduce((sum, row, i) => sum + weight[i]! * row.reduce((s, v, k) => s + (v - target[i]![k]!) ** 2, 0), 0);
    tf.tidy(() => {
      const loss = (x: Tensor2D) => contentLoss(tf, x, tf.tensor2d(target), tf.tensor2d(weight, [POSITIONS, 1]));
      const at = tf.tensor2d(matrix(1));
      expect(loss(at).dataSync()[0]).toBeCloseTo(byEquation(matrix(1)), 4);
      expect(
        worst(
          tf
            .grad(loss as never)(at)
            .dataSync(),
          numericGradient(byEquation, matrix(1)),
        ),
      ).toBeLessThan(1e-4);
    });
  });

  test('style: the Gram matrices of two pictures, also of different sizes', () => {
    const style = matrix(4, 10);
    const wanted = gram(style).map((row) => row.map((value) => value / 10));
    const byEquation = (m: number[][]) =>
      gram(m).reduce((sum, row, i) => sum + row.reduce((s, v, k) => s + (v / POSITIONS - wanted[i]![k]!) ** 2, 0), 0) /
      (4 * CHANNELS ** 2);
    tf.tidy(() => {
      const goal = tf.div<Tensor2D>(gramMatrix(tf, tf.tensor2d(style)), 10);
      const loss = (x: Tensor2D) => styleLoss(tf, x, goal);
      const at = tf.tensor2d(matrix(3));
      expect(loss(at).dataSync()[0]).toBeCloseTo(byEquation(matrix(3)), 4);
      expect(
        worst(
          tf
            .grad(loss as never)(at)
            .dataSync(),
          numericGradient(byEquation, matrix(3)),
        ),
      ).toBeLessThan(1e-4);
    });
    // Equation 4 itself, where both are of one size: Σ (G − A)² / (4 N² M²).
    tf.tidy(() => {
      const other = matrix(5);
      const A = gram(other);
      const exact = gram(matrix(3)).reduce(
        (sum, row, i) => sum + row.reduce((s, v, k) => s + (v - A[i]![k]!) ** 2, 0),
        0,
      );
      const goal = tf.div<Tensor2D>(gramMatrix(tf, tf.tensor2d(other)), POSITIONS);
      const value = styleLoss(tf, tf.tensor2d(matrix(3)), goal).dataSync()[0]!;
      expect(value).toBeCloseTo(exact / (4 * CHANNELS ** 2 * POSITIONS ** 2), 5);
    });
  });
});

test('roughness is the mean squared difference of neighbours, and so is its gradient', () => {
  const byEquation = (m: number[][]) => {
    const pairs = (p: readonly (readonly [number, number])[]) =>
      p.reduce((sum, [a, b]) => sum + (a - b) ** 2, 0) / p.length;
    const across = m.flatMap((row) => row.slice(1).map((value, i) => [value, row[i]!] as const));
    const down = m.slice(1).flatMap((row, i) => row.map((value, k) => [value, m[i]![k]!] as const));
    return pairs(across) + pairs(down);
  };
  tf.tidy(() => {
    const loss = (x: Tensor2D) => roughness(tf, tf.reshape(x, [1, POSITIONS, CHANNELS, 1]));
    const at = tf.tensor2d(matrix(8));
    expect(loss(at).dataSync()[0]).toBeCloseTo(byEquation(matrix(8)), 4);
    const gradient = tf
      .grad(loss as never)(at)
      .dataSync();
    expect(worst(gradient, numericGradient(byEquation, matrix(8)))).toBeLessThan(1e-4);
  });
});

describe('faces in a still', () => {
  test('nothing of a face is left: two different faces become the same picture', () => {
    const random = seededRandom(7);
    const face = { x: 20, y: 16, width: 16, height: 20 };
    const frame = (): ReturnType<typeof plainFrame> => {
      const picture = plainFrame(64, 64);
      // Noise within the box; the same number of lit and dark pixels, so that the light is the same.
      const levels = Array.from({ length: 320 }, (_, i) => (i % 2 === 0 ? 0 : 255)).sort(() => random.next() - 0.5);
      for (let y = 0; y < 20; y++)
        for (let x = 0; x < 16; x++)
          picture.data.fill(levels[y * 16 + x]!, 3 * ((16 + y) * 64 + 20 + x), 3 * ((16 + y) * 64 + 20 + x) + 3);
      return picture;
    };
    const one = withoutFeatures(frame(), [face]);
    const two = withoutFeatures(frame(), [face]);
    expect(Buffer.from(one.data).equals(Buffer.from(two.data))).toBe(true);
    expect(one.data.subarray(0, 30)).toEqual(plainFrame(64, 64).data.subarray(0, 30));
  });

  test('the mask covers the whole box, ends softly, and stays in the frame', () => {
    const mask = faceMask(64, 64, [{ x: -4, y: 20, width: 20, height: 24 }]);
    expect(mask[32 * 64 + 6]).toBe(1);
    expect(mask[32 * 64 + 15]).toBe(1);
    expect(mask[32 * 64 + 40]).toBe(0);
    expect(mask.every((value) => value >= 0 && value <= 1)).toBe(true);
  });
});

const describeWithNetwork = existsSync(join(installedModels, 'tiny-yolo-face')) ? describe : describe.skip;

describeWithNetwork('through the network', () => {
  const noise = (seed: number, side = 34) => {
    const random = seededRandom(seed);
    return { width: side, height: side, data: Uint8Array.from({ length: 3 * side * side }, () => random.below(256)) };
  };

  test('the gradient at the pixels is that of finite differences along random directions', async () => {
    const network = await StyleNetwork.open(tf, installedModels, LAYERS);
    const goal = goalOf(tf, network, noise(1), noise(2), []);
    const loss = (x: Tensor4D) =>
      totalLoss(tf, network, x, goal, { contentWeight: 1, styleWeight: 1000, smoothness: 0 });
    tf.tidy(() => {
      const at = pictureOf(tf, noise(3));
      const gradient = tf.grad(loss as never)(at);
      // Along the gradient the change is large against float32's rounding; a wrong layer would bend it.
      const direction = tf.div<Tensor4D>(gradient, tf.norm(gradient));
      const slope = tf.sum(tf.mul(gradient, direction)).dataSync()[0]!;
      const moved = (by: number) => loss(tf.add(at, tf.mul(direction, by))).dataSync()[0]!;
      expect((moved(0.02) - moved(-0.02)) / 0.04 / slope).toBeCloseTo(1, 1);
    });
    network.dispose();
  });

  test('steps lower the loss, the picture stays one, no tensor is left', async () => {
    const network = await StyleNetwork.open(tf, installedModels, LAYERS);
    const before = tf.memory().numTensors;
    const losses: number[] = [];
    const painted = await stylise(tf, network, noise(4), {
      ...STYLISE_DEFAULTS,
      faces: [{ x: 8, y: 8, width: 10, height: 12 }],
      steps: 6,
      onStep: (_, loss) => void losses.push(loss),
    });
    expect([painted.width, painted.height, painted.data.length]).toEqual([34, 34, 3 * 34 * 34]);
    expect(losses).toHaveLength(6);
    expect(losses.at(-1)).toBeLessThan(losses[0]!);
    expect(tf.memory().numTensors).toBe(before);
    network.dispose();
  });

  test('out of noise the things of the picture come back, which the weights of a picture bury', async () => {
    const network = await StyleNetwork.open(tf, installedModels, LAYERS);
    const content = plainFrame(40, 40, [30, 30, 30]);
    for (const [x0, y0] of [
      [4, 4],
      [22, 10],
      [8, 24],
    ] as const)
      for (let y = y0; y < y0 + 12; y++) content.data.fill(220, 3 * (40 * y + x0), 3 * (40 * y + x0 + 12));
    const likeness = async (weights: object): Promise<number> => {
      const options = { ...styliseDefaults('noise'), ...weights, steps: 60, faces: [] };
      return correlation((await stylise(tf, network, content, options)).data, content.data);
    };
    expect(await likeness({})).toBeGreaterThan(0.5);
    expect(await likeness({ ...STYLISE_DEFAULTS, from: 'noise' })).toBeLessThan(0.4);
    network.dispose();
  });
});

function correlation(a: Uint8Array, b: Uint8Array): number {
  const mean = (values: Uint8Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [p, q] = [mean(a), mean(b)];
  const sum = (of: (i: number) => number) => a.reduce((total, _, i) => total + of(i), 0);
  const variance = (values: Uint8Array, of: number) => sum((i) => (values[i]! - of) ** 2);
  return sum((i) => (a[i]! - p) * (b[i]! - q)) / Math.sqrt(variance(a, p) * variance(b, q));
}
