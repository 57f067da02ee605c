import { seededRandom } from '../../../../src/random';
import { loadTfjs, type Tensor2D, type Tf } from '../../../../src/lab/learning/tensorflow';
import { Arena } from '../../../../src/lab/wake-word/network/arena';
import { conv1d } from '../../../../src/lab/wake-word/network/conv1d';
import { gru } from '../../../../src/lab/wake-word/network/gru';
import { RECURRENT_WASM_BASE64 } from '../../../../src/lab/wake-word/network/recurrent-wasm';
import { compileWat } from '../../../support/compile-wat';

let tf: Tf;
beforeAll(async () => {
  ({ tf } = await loadTfjs('wasm'));
});

const random = seededRandom(11);
const matrix = (rows: number, columns: number, scale = 0.5): number[][] =>
  Array.from({ length: rows }, () => Array.from({ length: columns }, () => scale * random.normal()));

type Matrix = number[][];
const flat = (m: Matrix): Float32Array => Float32Array.from(m.flat());
const tensor = (m: Matrix): Tensor2D => tf.tensor2d(m);

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** The layer in double precision, straight from its equations; the oracle of the kernel. */
function gruOracle(x: Matrix, w: Matrix, u: Matrix, b: Matrix, batch: number): Matrix {
  const units = u.length;
  const at = (m: Matrix, i: number, j: number): number => m[i]![j]!;
  const product = (row: number[], m: Matrix, j: number): number =>
    row.reduce((sum, value, i) => sum + value * at(m, i, j), 0);
  const out: Matrix = [];
  for (let t = 0; t < x.length; t++) {
    const h = out[t - batch] ?? Array.from({ length: units }, () => 0);
    const gate = (j: number): [number, number] => [product(x[t]!, w, j) + at(b, 0, j), product(h, u, j) + at(b, 1, j)];
    out.push(
      h.map((old, j) => {
        const [z, r, [nx, nh]] = [gate(j), gate(units + j), gate(2 * units + j)];
        const update = sigmoid(z[0] + z[1]);
        const candidate = Math.tanh(nx + sigmoid(r[0] + r[1]) * nh);
        return (1 - update) * candidate + update * old;
      }),
    );
  }
  return out;
}

function convOracle(clips: Matrix[], kernel: Matrix, width: number, stride: number): Matrix {
  const steps = Math.floor((clips[0]!.length - width) / stride) + 1;
  const out: Matrix = [];
  for (let t = 0; t < steps; t++)
    for (const clip of clips) {
      const window = clip.slice(t * stride, t * stride + width).flat();
      out.push(kernel[0]!.map((_, j) => window.reduce((sum, value, i) => sum + value * kernel[i]![j]!, 0)));
    }
  return out;
}

/** Central differences of Σ weights · f, for some of the entries of `matrix`. */
function expectGradient(gradient: Tensor2D, matrix: Matrix, weights: Matrix, f: () => Matrix): void {
  const values = gradient.arraySync();
  const loss = (): number =>
    f().reduce((sum, row, i) => sum + row.reduce((s, value, j) => s + value * weights[i]![j]!, 0), 0);
  for (let trial = 0; trial < 12; trial++) {
    const row = matrix[random.below(matrix.length)]!;
    const column = random.below(row.length);
    const old = row[column]!;
    row[column] = old + 1e-4;
    const above = loss();
    row[column] = old - 1e-4;
    const below = loss();
    row[column] = old;
    expect(values[matrix.indexOf(row)]![column]).toBeCloseTo((above - below) / 2e-4, 3);
  }
}

function expectClose(actual: Matrix, expected: Matrix): void {
  expect(actual.length).toBe(expected.length);
  actual.forEach((row, i) => row.forEach((value, j) => expect(value).toBeCloseTo(expected[i]![j]!, 5)));
}

describe('the GRU', () => {
  it.each([
    { steps: 1, batch: 4, inputs: 8, units: 8 },
    { steps: 7, batch: 8, inputs: 16, units: 24 },
  ])('computes and differentiates as its equations do: %o', ({ steps, batch, inputs, units }) => {
    const x = matrix(steps * batch, inputs);
    const w = matrix(inputs, 3 * units);
    const u = matrix(units, 3 * units);
    const b = matrix(2, 3 * units);
    const weights = matrix(steps * batch, units);
    const engine = { tf, arena: new Arena() };
    const layer = (...tensors: Tensor2D[]): Tensor2D => {
      const [input, kernel, recurrent, bias] = tensors as [Tensor2D, Tensor2D, Tensor2D, Tensor2D];
      return gru(engine, input, { kernel, recurrent, bias }, batch);
    };
    const inputsOf = [x, w, u, b].map(tensor);
    expectClose(layer(...inputsOf).arraySync(), gruOracle(x, w, u, b, batch));
    const gradients = tf.grads((...tensors) => tf.sum(tf.mul(layer(...(tensors as Tensor2D[])), tensor(weights))))(
      inputsOf,
    );
    [x, w, u, b].forEach((one, i) =>
      expectGradient(gradients[i] as Tensor2D, one, weights, () => gruOracle(x, w, u, b, batch)),
    );
  });
});

describe('the convolution', () => {
  it('computes and differentiates as its equation does', () => {
    const [batch, frames, bands, width, stride] = [3, 30, 8, 9, 3];
    const clips = Array.from({ length: batch }, () => matrix(frames, bands));
    const kernel = matrix(width * bands, 16);
    const weights = matrix(8 * batch, 16);
    const data = flat(clips.flat());
    const layer = (k: Tensor2D): Tensor2D =>
      conv1d({ tf, arena: new Arena() }, { data, batch, frames, bands }, k, { width, stride });
    const oracle = (): Matrix => convOracle(clips, kernel, width, stride);
    expectClose(layer(tensor(kernel)).arraySync(), oracle());
    const gradient = tf.grad((k) => tf.sum(tf.mul(layer(k as Tensor2D), tensor(weights))))(tensor(kernel));
    expectGradient(gradient as Tensor2D, kernel, weights, oracle);
  });
});

it('runs the kernel that its source describes', async () => {
  expect(RECURRENT_WASM_BASE64).toBe(await compileWat('lab/wake-word/network/recurrent.wat'));
});
