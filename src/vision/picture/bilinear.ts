import type { Frame } from './frame';

export type Three = readonly [number, number, number];

/** What the target is made of: plane k holds (channel `order[k]` − `mean[k]`) / `scale[k]`. */
export interface PlaneLevels {
  readonly order: Three;
  readonly mean: Three;
  readonly scale: Three;
}

/** A picture of `columns` × `rows` in the top left corner of three planes of `planeSize` floats, `stride` floats a row. */
export interface TargetShape {
  readonly columns: number;
  readonly rows: number;
  readonly stride: number;
  readonly planeSize: number;
}

/**
 * Where the columns (or rows) of the target take their two samples: pixel `first[i]` of the rectangle with `weight[i]`, and the
 * one after it with `nextWeight[i]`. A sample outside of the rectangle must have weight 0. `first` never falls.
 */
export interface Axis {
  readonly first: Int32Array;
  readonly weight: Float32Array;
  readonly nextWeight: Float32Array;
}

/**
 * Bilinear resampling of packed RGB into the planar input of a network. The kernel owns that input, which stays in one place for
 * ever: what lies outside of the picture is zero, and remains what the caller writes there.
 */
export interface BilinearKernel {
  readonly name: 'wasm-simd' | 'javascript';
  readonly output: Float32Array;
  readonly columns: Axis;
  readonly rows: Axis;
  /** Takes over `columns` and `rows`, to be called whenever they were written. */
  prepare(): void;
  /** Resamples the rectangle of `width` pixels a row whose top left corner is (x, y); as low as `rows` demand. */
  run(frame: Frame, x: number, y: number, width: number): void;
}

export function createAxis(length: number): Axis {
  return {
    first: new Int32Array(length),
    weight: new Float32Array(length),
    nextWeight: new Float32Array(length),
  };
}

/** Sets entry `i`; samples that lie outside of 0..length − 1 lose their weight. */
export function setSample(axis: Axis, i: number, at: number, length: number): void {
  const first = Math.floor(at);
  axis.first[i] = first;
  axis.weight[i] = first >= 0 && first < length ? 1 - (at - first) : 0;
  axis.nextWeight[i] = first + 1 >= 0 && first + 1 < length ? at - first : 0;
}

/** Gains and shifts by plane: value · gain + shift. */
export function gainsOf({ mean, scale }: PlaneLevels): { gains: Three; shifts: Three } {
  const gains: Three = [1 / scale[0], 1 / scale[1], 1 / scale[2]];
  return { gains, shifts: [(0 - mean[0]) * gains[0], (0 - mean[1]) * gains[1], (0 - mean[2]) * gains[2]] };
}

/** Rows that lie in the padding wholly hold a zero sample everywhere. */
export function paintBlackRows(output: Float32Array, shape: TargetShape, rows: Axis, shifts: Three): void {
  const { columns, stride, planeSize } = shape;
  for (let row = 0; row < shape.rows; row++) {
    if (rows.weight[row] !== 0 || rows.nextWeight[row] !== 0) continue;
    for (let k = 0; k < 3; k++) {
      const start = k * planeSize + row * stride;
      output.fill(shifts[k] as number, start, start + columns);
    }
  }
}
