import { loadTfjs, type Tf } from '../../../../src/lab/learning/tensorflow';
import { seededRandom } from '../../../../src/random';
import { assignFaces, type HeadPicture, trainHead } from '../../../../src/lab/faces/detector/detector-head';

let tf: Tf;
beforeAll(async () => {
  ({ tf } = await loadTfjs('wasm'));
});

const ANCHORS = [
  [1, 1],
  [2, 3],
] as const;

describe('which predictor answers for which face', () => {
  const place = { columns: 4, rows: 3, side: 4 };
  /** Raw values 0: every box in the middle of its cell, as large as its anchor. */
  const grid = new Float32Array(4 * 3 * ANCHORS.length * 5);
  const face = (x: number, y: number, width: number, height: number) => ({ x, y, width, height });

  test('in the cell of the centre, the box that overlaps most; the overlap is what its confidence should be', () => {
    const small = face(1.5, 0.5, 1, 1);
    const large = face(2.5, 2.5, 2, 3);
    expect(assignFaces({ ...place, faces: [small, large] }, grid, ANCHORS)).toEqual([
      { predictor: 1 * 2, face: small, overlap: 1 },
      { predictor: (2 * 4 + 2) * 2 + 1, face: large, overlap: 1 },
    ]);
  });

  test('two faces in one cell get two predictors, a third none; faces beyond the edge none', () => {
    const same = [face(1.4, 1.4, 1, 1), face(1.6, 1.6, 1, 1), face(1.5, 1.5, 1, 1)];
    const assigned = assignFaces(
      { ...place, faces: [...same, face(-0.5, 1, 1, 1), face(1, 3.2, 1, 1)] },
      grid,
      ANCHORS,
    );
    expect(assigned.map(({ predictor }) => predictor)).toEqual([10, 11]);
  });
});

/** Pictures in which one of the four features of a cell says that there is a face, and how wide it is. */
function pictures(count: number, seed: number): HeadPicture[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => {
    const features = Float32Array.from({ length: 4 * 4 * 4 }, () => 0.1 * random.normal());
    const cell = random.below(16);
    const width = random.between(0.6, 1.8);
    features.set([1, Math.log(width)], 4 * cell);
    const face = { x: (cell % 4) + 0.5, y: Math.floor(cell / 4) + 0.5, width, height: width };
    return { features, columns: 4, rows: 4, side: 4, faces: [face] };
  });
}

test('the head learns where faces are and how large, and keeps the epoch that served unseen pictures best', () => {
  const start = { kernel: new Float32Array(4 * 10), bias: new Float32Array(10) };
  const epochs: number[] = [];
  const options = { anchors: ANCHORS, epochs: 30, batch: 16, rate: 0.2, seed: 3 };
  const train = () =>
    trainHead(tf, pictures(48, 1), pictures(16, 2), start, { ...options, onEpoch: (epoch) => epochs.push(epoch) });
  const before = tf.memory().numTensors;
  const { weights, epoch, validation } = train();
  expect(tf.memory().numTensors).toBe(before);
  expect(epochs).toHaveLength(30);
  expect(validation).toHaveLength(31);
  expect(validation[epoch]).toBe(Math.min(...validation));
  expect(validation[epoch]!).toBeLessThan(validation[0]! / 5);

  // The first anchor answers: sure where the feature is, silent elsewhere, with the width that the other feature tells.
  const value = (features: readonly number[], k: number): number =>
    features.reduce((sum, feature, c) => sum + feature * weights.kernel[c * 10 + k]!, weights.bias[k]!);
  const sure = (x: number) => 1 / (1 + Math.exp(-x));
  expect(sure(value([1, 0, 0, 0], 4))).toBeGreaterThan(0.7);
  expect(sure(value([0, 0, 0, 0], 4))).toBeLessThan(0.2);
  expect(Math.exp(value([1, Math.log(1.5), 0, 0], 2))).toBeGreaterThan(1.3);
  expect(Math.exp(value([1, Math.log(0.8), 0, 0], 2))).toBeLessThan(1);
});

test('where nothing can be learned the start is kept', () => {
  const start = { kernel: new Float32Array(4 * 10), bias: new Float32Array(10) };
  const silly = trainHead(tf, pictures(8, 1), pictures(4, 2), start, {
    anchors: ANCHORS,
    epochs: 2,
    batch: 8,
    rate: 1,
    seed: 1,
    weights: { coord: 0, noObject: -1 },
  });
  expect(silly.validation).toHaveLength(3);
  expect(silly.validation[silly.epoch]).toBe(Math.min(...silly.validation));
});
