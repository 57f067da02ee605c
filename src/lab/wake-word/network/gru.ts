import type { Tensor2D, Tf } from '../../learning/tensorflow';
import type { Arena } from './arena';

/**
 * A whole GRU layer over a batch of sequences as one differentiable operation: [steps × batch, inputs], time first, to
 * [steps × batch, units], beginning from zeros. Op by op, TensorFlow.js spends most of a step on some 2,000 small calls; here the two
 * products of a time step and its gates are three calls into WebAssembly. Gates z, r, n (Cho et al. 2014, with the reset gate after the
 * recurrent product, as in cuDNN and in ONNX's `linear_before_reset`).
 *
 * @param kernel [inputs, 3 × units]
 * @param recurrent [units, 3 × units]
 * @param bias [2, 3 × units]: of the input's product and of the state's
 * @param batch a multiple of 4; units and inputs are multiples of 8
 */
export function gru(
  { tf, arena }: { tf: Tf; arena: Arena },
  x: Tensor2D,
  { kernel, recurrent, bias }: { kernel: Tensor2D; recurrent: Tensor2D; bias: Tensor2D },
  batch: number,
): Tensor2D {
  const operation = tf.customGrad((...tensors) => {
    const [input, w, u, b] = tensors as Tensor2D[] as [Tensor2D, Tensor2D, Tensor2D, Tensor2D];
    const layer = new GruRun(arena, input, w, u, b, batch);
    return {
      value: tf.tensor2d(layer.forward(), [layer.rows, layer.units]),
      gradFunc: (dy: Tensor2D) => {
        const { dx, dw, du, db } = layer.backward(dy.dataSync<'float32'>());
        return [
          tf.tensor2d(dx, input.shape),
          tf.tensor2d(dw, w.shape),
          tf.tensor2d(du, u.shape),
          tf.tensor2d(db, b.shape),
        ];
      },
    };
  });
  return operation(x, kernel, recurrent, bias);
}

/** One forward pass and the backward pass that belongs to it; what lies between them lies in the arena. */
class GruRun {
  readonly rows: number;
  readonly units: number;
  private readonly inputs: number;
  private readonly steps: number;
  private readonly x: number;
  private readonly w: Float32Array;
  private readonly u: Float32Array;
  private readonly b: Float32Array;
  /** [rows, 3 units]: input product, then the gates, then their gradients. */
  private gates = 0;
  /** [rows, 3 units]: state product, then its gradient. */
  private hidden = 0;
  /** [batch + rows, units]: the zeros at the begin, then every state. */
  private states = 0;

  constructor(
    private readonly arena: Arena,
    x: Tensor2D,
    w: Tensor2D,
    u: Tensor2D,
    b: Tensor2D,
    private readonly batch: number,
  ) {
    [this.rows, this.inputs] = x.shape;
    this.units = u.shape[0];
    this.steps = this.rows / batch;
    this.x = arena.put(x.dataSync<'float32'>());
    this.w = w.dataSync<'float32'>();
    this.u = u.dataSync<'float32'>();
    this.b = b.dataSync<'float32'>();
  }

  forward(): Float32Array {
    const { arena, rows, batch, units, inputs } = this;
    const wide = 3 * units;
    const w = arena.put(this.w);
    const u = arena.put(this.u);
    this.gates = arena.take(rows * wide);
    this.hidden = arena.take(rows * wide);
    this.states = arena.take((batch + rows) * units);
    arena.view(this.states, batch * units).fill(0);
    fillRows(arena.view(this.gates, rows * wide), this.b.subarray(0, wide));
    fillRows(arena.view(this.hidden, rows * wide), this.b.subarray(wide));
    const row = 4 * wide;
    const product = { m: rows, n: wide, k: inputs };
    arena.multiply({ at: this.x, row: 4 * inputs, column: 4 }, { at: w, row }, { at: this.gates, row }, product, true);
    for (let step = 0; step < this.steps; step++) {
      const h = this.states + 4 * step * batch * units;
      const at = this.hidden + step * batch * row;
      arena.multiply(
        { at: h, row: 4 * units, column: 4 },
        { at: u, row },
        { at, row },
        { m: batch, n: wide, k: units },
        true,
      );
      arena.gatesForward(this.gates + step * batch * row, at, h, h + 4 * batch * units, batch, units);
    }
    return arena.view(this.states + 4 * batch * units, rows * units).slice();
  }

  backward(dy: Float32Array): { dx: Float32Array; dw: Float32Array; du: Float32Array; db: Float32Array } {
    const { arena, rows, batch, units, inputs } = this;
    const wide = 3 * units;
    const row = 4 * wide;
    const narrow = 4 * units;
    const dh = arena.put(dy);
    const uT = arena.put(transpose(this.u, units, wide));
    const wT = arena.put(transpose(this.w, inputs, wide));
    const dx = arena.take(rows * inputs);
    const dw = arena.take(inputs * wide);
    const du = arena.take(units * wide);
    const gradients = arena.view(dh, rows * units);
    for (let step = this.steps - 1; step >= 0; step--) {
      const gates = this.gates + step * batch * row;
      const hidden = this.hidden + step * batch * row;
      const at = dh + step * batch * narrow;
      arena.gatesBackward(gates, hidden, this.states + step * batch * narrow, at, batch, units);
      const state = { m: batch, n: units, k: wide };
      arena.multiply({ at: hidden, row, column: 4 }, { at: uT, row: narrow }, { at, row: narrow }, state, true);
      if (step > 0) addTo(gradients, (step - 1) * batch * units, step * batch * units, batch * units);
    }
    const input = { m: rows, n: inputs, k: wide };
    arena.multiply(
      { at: this.gates, row, column: 4 },
      { at: wT, row: 4 * inputs },
      { at: dx, row: 4 * inputs },
      input,
      false,
    );
    const ofW = { m: inputs, n: wide, k: rows };
    arena.multiply({ at: this.x, row: 4, column: 4 * inputs }, { at: this.gates, row }, { at: dw, row }, ofW, false);
    const ofU = { m: units, n: wide, k: rows };
    arena.multiply({ at: this.states, row: 4, column: narrow }, { at: this.hidden, row }, { at: du, row }, ofU, false);
    const db = new Float32Array(2 * wide);
    sumRows(arena.view(this.gates, rows * wide), db.subarray(0, wide));
    sumRows(arena.view(this.hidden, rows * wide), db.subarray(wide));
    return {
      dx: arena.view(dx, rows * inputs).slice(),
      dw: arena.view(dw, inputs * wide).slice(),
      du: arena.view(du, units * wide).slice(),
      db,
    };
  }
}

function fillRows(matrix: Float32Array, row: Float32Array): void {
  for (let at = 0; at < matrix.length; at += row.length) matrix.set(row, at);
}

function sumRows(matrix: Float32Array, sums: Float32Array): void {
  const totals = new Float64Array(sums.length);
  for (let at = 0; at < matrix.length; at += sums.length)
    for (let j = 0; j < sums.length; j++) totals[j] = (totals[j] as number) + (matrix[at + j] as number);
  sums.set(totals);
}

function addTo(values: Float32Array, target: number, source: number, count: number): void {
  for (let i = 0; i < count; i++) values[target + i] = (values[target + i] as number) + (values[source + i] as number);
}

function transpose(matrix: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(matrix.length);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) out[j * rows + i] = matrix[i * columns + j] as number;
  return out;
}
