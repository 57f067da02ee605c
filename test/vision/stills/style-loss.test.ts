import { CPU_ONE_THREAD, type Tensors } from '../../../src/inference/model';
import { loadOnnx } from '../../../src/inference/onnx';
import { seededRandom } from '../../../src/random';
import { GradientGraph, type Planes } from '../../../src/vision/stills/gradient-graph';
import { contentLoss, type Loss, roughness, styleLoss } from '../../../src/vision/stills/style-loss';

const CHANNELS = 3;
const ROWS = 4;
const COLUMNS = 5;
const POSITIONS = ROWS * COLUMNS;

/** Channels by positions. */
const matrix = (seed: number, columns = POSITIONS): number[][] => {
  const random = seededRandom(seed);
  return Array.from({ length: CHANNELS }, () => Array.from({ length: columns }, () => random.normal()));
};

const gram = (m: number[][], positions: number): number[][] =>
  m.map((a) => m.map((b) => a.reduce((sum, value, i) => sum + value * b[i]!, 0) / positions));

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

/** What onnxruntime computes, against an equation. */
async function compare(
  equation: (m: number[][]) => number,
  build: (to: GradientGraph, at: Planes) => Loss,
  inputs: Tensors = {},
): Promise<void> {
  const to = new GradientGraph('test');
  for (const [name, { dims }] of Object.entries(inputs)) to.graph.input(name, dims);
  const at = to.input('at', CHANNELS, ROWS, COLUMNS);
  const { loss, gradient } = build(to, at);
  to.output(loss, 'loss', []);
  to.output(gradient, 'gradient', [1, CHANNELS, ROWS, COLUMNS]);
  const model = await loadOnnx(to.encode(), CPU_ONE_THREAD);
  const point = matrix(1);
  const data = Float32Array.from(point.flat());
  const found = await model.run({ ...inputs, at: { data, dims: [1, CHANNELS, ROWS, COLUMNS] } });
  const expected = numericGradient(equation, point);
  const largest = Math.max(...expected.map(Math.abs));
  expect(Number(found['loss']!.data[0]) / equation(point)).toBeCloseTo(1, 5);
  expected.forEach((value, i) => expect((Number(found['gradient']!.data[i]) - value) / largest).toBeCloseTo(0, 4));
  await model.dispose();
}

describe('the losses of Gatys, by equation and by finite differences', () => {
  test('content, with a weight for each position', async () => {
    const target = matrix(2);
    const weight = Array.from({ length: POSITIONS }, (_, i) => [1, 0.5, 0, 0.25][i % 4]!);
    const equation = (m: number[][]) =>
      m.reduce((sum, row, c) => sum + row.reduce((s, v, i) => s + weight[i]! * (v - target[c]![i]!) ** 2, 0), 0);
    await compare(
      (m) => (3 / 2) * equation(m),
      (to, at) => contentLoss(to, at, 'content', 'weight', 3),
      {
        content: { data: Float32Array.from(target.flat()), dims: [1, CHANNELS, ROWS, COLUMNS] },
        weight: { data: Float32Array.from(weight), dims: [1, 1, ROWS, COLUMNS] },
      },
    );
  });

  test.each([
    ['of another size', 10],
    ['of the same size, which is equation 4 itself', POSITIONS],
  ])('style: the Gram matrix of a picture %s', async (_, positions) => {
    const style = gram(matrix(3, positions), positions);
    // Σ (G − A)² / (4 N² M²), both Gram matrices over their numbers of positions M.
    const equation = (m: number[][]) =>
      gram(m, POSITIONS).reduce((sum, row, i) => sum + row.reduce((s, v, k) => s + (v - style[i]![k]!) ** 2, 0), 0) /
      (4 * CHANNELS ** 2);
    await compare(
      (m) => 7 * equation(m),
      (to, at) => styleLoss(to, at, 'style', 7),
      { style: { data: Float32Array.from(style.flat()), dims: [CHANNELS, CHANNELS] } },
    );
  });
});

test('roughness is the mean squared difference of neighbours', async () => {
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value ** 2, 0) / values.length;
  await compare(
    (m) => {
      const across = m.flatMap((row) => row.flatMap((v, i) => ((i + 1) % COLUMNS === 0 ? [] : [row[i + 1]! - v])));
      const down = m.flatMap((row) => row.slice(COLUMNS).map((v, i) => v - row[i]!));
      return 2 * (mean(across) + mean(down));
    },
    (to, at) => roughness(to, at, 2),
  );
});
