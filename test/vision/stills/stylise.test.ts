import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCard } from '../../../src/inference/bundle';
import { imageInputOf } from '../../../src/inference/card';
import { CPU_ONE_THREAD, type Tensors } from '../../../src/inference/model';
import { loadOnnx } from '../../../src/inference/onnx';
import { loadTfjs, type Tensor4D } from '../../../src/lab/learning/tensorflow';
import { readOnnxFile } from '../../../src/onnx/reader';
import { seededRandom } from '../../../src/random';
import type { Frame } from '../../../src/vision/picture/frame';
import { lossGraph, type LossWeights, STYLE_LAYERS } from '../../../src/vision/stills/style-graphs';
import {
  readStyleNetwork,
  STYLE_NETWORK,
  styleLayers,
  type StyleLayer,
} from '../../../src/vision/stills/style-network';
import { goalOf, planesOf, stylise, STYLISE_DEFAULTS, styliseDefaults } from '../../../src/vision/stills/stylise';
import { installedModels, plainFrame } from '../../support/faces';
import { tfjsLoss } from './tfjs-style';

const bundle = join(installedModels, STYLE_NETWORK);
const describeWithNetwork = existsSync(bundle) ? describe : describe.skip;

/** Odd sides, at which each mean leaves a row or column over. */
const WIDTH = 37;
const HEIGHT = 35;
const noise = (seed: number, width = WIDTH, height = HEIGHT): Frame => {
  const random = seededRandom(seed);
  return { width, height, data: Uint8Array.from({ length: 3 * width * height }, () => random.below(256)) };
};
const FACES = [{ x: 8, y: 8, width: 10, height: 12 }];
const WEIGHTS: LossWeights = { contentWeight: 2, styleWeight: 1000, smoothness: 3 };

describeWithNetwork('through the network', () => {
  let network: readonly StyleLayer[];
  beforeAll(async () => {
    network = await readStyleNetwork(installedModels, STYLE_LAYERS);
  });

  const at = (goal: Tensors, weights: LossWeights, size = noise(0)) =>
    loadOnnx(lossGraph(network, size.width, size.height, weights), CPU_ONE_THREAD).then((model) => ({
      run: async (data: Float32Array) => {
        const found = await model.run({ ...goal, picture: { data, dims: [1, 3, size.height, size.width] } });
        return { loss: Number(found['loss']!.data[0]), gradient: found['gradient']!.data as Float32Array };
      },
      dispose: () => model.dispose(),
    }));

  test('loss and gradient are those of TensorFlow.js', async () => {
    const { tf } = await loadTfjs('wasm');
    tf.enableProdMode();
    // The only backend that has every derivative.
    await tf.setBackend('cpu');
    const goal = await goalOf(network, noise(1), noise(2, 40, 33), FACES);
    const file = readOnnxFile(readFileSync(join(bundle, 'model.onnx')), STYLE_NETWORK);
    const image = imageInputOf(await readCard(bundle));
    const pictureOf = ({ width, height, data }: Frame): Tensor4D =>
      tf.div(tf.tensor4d(Float32Array.from(data), [1, height, width, 3]), 255);
    const [wanted, slope] = tf.tidy(() => {
      const weight = tf.tensor2d(goal['weight']!.data as Float32Array, [goal['weight']!.data.length, 1]);
      const wishes = { content: pictureOf(noise(1)), style: pictureOf(noise(2, 40, 33)), weight };
      const { value, grad } = tf.valueAndGrad(tfjsLoss(tf, file, image, wishes, WEIGHTS) as never)(pictureOf(noise(3)));
      return [value.dataSync()[0]!, tf.transpose(grad as Tensor4D, [0, 3, 1, 2]).dataSync()];
    });
    const painter = await at(goal, WEIGHTS);
    const { loss, gradient } = await painter.run(planesOf(noise(3)));
    await painter.dispose();
    expect(loss / wanted).toBeCloseTo(1, 5);
    const largest = Math.max(...slope.map(Math.abs));
    expect(gradient).toHaveLength(slope.length);
    expect(Math.max(...gradient.map((value, i) => Math.abs(value - slope[i]!))) / largest).toBeLessThan(1e-4);
    expect(goal['weight']!.data).toContain(0);
  });

  test('the gradient is that of finite differences', async () => {
    const painter = await at(await goalOf(network, noise(1), noise(2), []), WEIGHTS);
    const start = planesOf(noise(3));
    const { gradient } = await painter.run(start);
    const norm = Math.hypot(...gradient);
    // Along the gradient the change is large against float32's rounding; a wrong layer would bend it.
    const moved = async (by: number): Promise<number> =>
      (await painter.run(start.map((value, i) => value + (by * gradient[i]!) / norm))).loss;
    expect(((await moved(0.02)) - (await moved(-0.02))) / 0.04 / norm).toBeCloseTo(1, 1);
    await painter.dispose();
  });

  test('steps lower the loss, and the picture stays one of its size', async () => {
    const losses: number[] = [];
    const painted = await stylise(network, noise(4), {
      ...STYLISE_DEFAULTS,
      faces: FACES,
      steps: 6,
      onStep: (_, loss) => void losses.push(loss),
    });
    expect([painted.width, painted.height, painted.data.length]).toEqual([WIDTH, HEIGHT, 3 * WIDTH * HEIGHT]);
    expect(losses).toHaveLength(6);
    expect(losses.at(-1)).toBeLessThan(losses[0]!);
  });

  test('out of noise the things of the picture come back, which the weights of a picture bury', async () => {
    const content = plainFrame(40, 40, [30, 30, 30]);
    for (const [x0, y0] of [
      [4, 4],
      [22, 10],
      [8, 24],
    ] as const)
      for (let y = y0; y < y0 + 12; y++) content.data.fill(220, 3 * (40 * y + x0), 3 * (40 * y + x0 + 12));
    const likeness = async (weights: object): Promise<number> => {
      const options = { ...styliseDefaults('noise'), ...weights, steps: 60, faces: [] };
      return correlation((await stylise(network, content, options)).data, content.data);
    };
    expect(await likeness({})).toBeGreaterThan(0.5);
    expect(await likeness({ ...STYLISE_DEFAULTS, from: 'noise' })).toBeLessThan(0.4);
  });
});

test('a network with other layers is refused', () => {
  const node = { opType: 'Gemm', inputs: ['x'], outputs: ['y'], ints: {}, floats: {} };
  const file = { nodes: [node], tensors: new Map(), inputs: ['x'], outputs: ['y'] };
  const image = { mean: [0, 0, 0], scale: [1, 1, 1], colour: 'RGB' } as never;
  expect(() => styleLayers(file, image, 1, 'other.onnx')).toThrow('a layer of type Gemm cannot be rebuilt');
});

function correlation(a: Uint8Array, b: Uint8Array): number {
  const mean = (values: Uint8Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [p, q] = [mean(a), mean(b)];
  const sum = (of: (i: number) => number) => a.reduce((total, _, i) => total + of(i), 0);
  const variance = (values: Uint8Array, of: number) => sum((i) => (values[i]! - of) ** 2);
  return sum((i) => (a[i]! - p) * (b[i]! - q)) / Math.sqrt(variance(a, p) * variance(b, q));
}
