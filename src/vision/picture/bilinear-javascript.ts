import {
  type Axis,
  type BilinearKernel,
  createAxis,
  gainsOf,
  paintBlackRows,
  type PlaneLevels,
  type TargetShape,
  type Three,
} from './bilinear';
import type { Frame } from './frame';

/** In plain JavaScript: what the fast kernel is tested against, and what runs where that cannot be had. */
export class JavaScriptBilinear implements BilinearKernel {
  readonly name = 'javascript';
  readonly output: Float32Array;
  readonly columns: Axis;
  readonly rows: Axis;
  private readonly left: Int32Array;
  private readonly right: Int32Array;
  private readonly gains: Three;
  private readonly shifts: Three;

  /** @param shared arrays of another kernel, to stand in for it */
  constructor(
    private readonly shape: TargetShape,
    private readonly levels: PlaneLevels,
    shared?: Pick<BilinearKernel, 'output' | 'columns' | 'rows'>,
  ) {
    this.output = shared?.output ?? new Float32Array(3 * shape.planeSize);
    this.columns = shared?.columns ?? createAxis(shape.columns);
    this.rows = shared?.rows ?? createAxis(shape.rows);
    this.left = new Int32Array(shape.columns);
    this.right = new Int32Array(shape.columns);
    const { gains, shifts } = gainsOf(levels);
    this.gains = gains;
    this.shifts = shifts;
  }

  prepare(): void {
    const { first, weight, nextWeight } = this.columns;
    for (let i = 0; i < first.length; i++) {
      const x = first[i] as number;
      // A sample without weight may not exist; any other does in its place.
      const left = weight[i] === 0 ? (nextWeight[i] === 0 ? 0 : x + 1) : x;
      this.left[i] = 3 * left;
      this.right[i] = 3 * (nextWeight[i] === 0 ? left : x + 1);
    }
    paintBlackRows(this.output, this.shape, this.rows, this.shifts);
  }

  run(frame: Frame, x: number, y: number): void {
    const { first, weight, nextWeight } = this.rows;
    for (let row = 0; row < this.shape.rows; row++) {
      const upper = weight[row] as number;
      const lower = nextWeight[row] as number;
      if (upper === 0 && lower === 0) continue;
      const origin = ((y + (first[row] as number)) * frame.width + x) * 3;
      const next = origin + frame.width * 3;
      this.row(frame.data, upper === 0 ? next : origin, lower === 0 ? origin : next, upper, lower, row);
    }
  }

  /** All three channels in one pass: measured twice as fast as one after the other. */
  private row(data: Uint8Array, top: number, bottom: number, upper: number, lower: number, row: number): void {
    const { left, right, output } = this;
    const { columns, stride, planeSize } = this.shape;
    const { weight, nextWeight } = this.columns;
    const [c0, c1, c2] = this.levels.order;
    const [gain0, gain1, gain2] = this.gains;
    const [shift0, shift1, shift2] = this.shifts;
    for (let u = 0, out = row * stride; u < columns; u++, out++) {
      const l = left[u] as number;
      const r = right[u] as number;
      const tl = top + l;
      const tr = top + r;
      const bl = bottom + l;
      const br = bottom + r;
      const w00 = (weight[u] as number) * upper;
      const w01 = (nextWeight[u] as number) * upper;
      const w10 = (weight[u] as number) * lower;
      const w11 = (nextWeight[u] as number) * lower;
      output[out] =
        ((data[tl + c0] as number) * w00 +
          (data[tr + c0] as number) * w01 +
          (data[bl + c0] as number) * w10 +
          (data[br + c0] as number) * w11) *
          gain0 +
        shift0;
      output[out + planeSize] =
        ((data[tl + c1] as number) * w00 +
          (data[tr + c1] as number) * w01 +
          (data[bl + c1] as number) * w10 +
          (data[br + c1] as number) * w11) *
          gain1 +
        shift1;
      output[out + 2 * planeSize] =
        ((data[tl + c2] as number) * w00 +
          (data[tr + c2] as number) * w01 +
          (data[bl + c2] as number) * w10 +
          (data[br + c2] as number) * w11) *
          gain2 +
        shift2;
    }
  }
}
