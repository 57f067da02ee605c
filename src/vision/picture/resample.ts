import { type Axis, type BilinearKernel, type PlaneLevels, setSample, type TargetShape } from './bilinear';
import { createBilinear } from './bilinear-simd';
import type { Frame } from './frame';

/** Where the channels of a packed RGB frame go: plane k of the target takes source channel `order[k]`. */
export const PLANES = { RGB: [0, 1, 2], BGR: [2, 1, 0] } as const;

/**
 * Shrinks (or enlarges) frames of one fixed size into the top-left corner of a planar network input, which it owns; the rest of
 * that stays zero. Bilinear with half-pixel centres, as OpenCV's INTER_LINEAR.
 */
export class FrameResizer {
  private readonly kernel: BilinearKernel;

  constructor(
    private readonly sourceWidth: number,
    sourceHeight: number,
    target: TargetShape,
    levels: PlaneLevels,
    create = createBilinear,
  ) {
    this.kernel = create(target, levels);
    fillHalfPixel(this.kernel.columns, sourceWidth);
    fillHalfPixel(this.kernel.rows, sourceHeight);
    this.kernel.prepare();
  }

  /** 3 × planeSize floats; one and the same array for ever, overwritten by each `run`. */
  get output(): Float32Array {
    return this.kernel.output;
  }

  run(frame: Frame): void {
    this.kernel.run(frame, 0, 0, this.sourceWidth);
  }
}

export function fillHalfPixel(axis: Axis, length: number): void {
  const count = axis.first.length;
  for (let i = 0; i < count; i++) {
    const at = ((i + 0.5) * length) / count - 0.5;
    setSample(axis, i, Math.min(Math.max(at, 0), length - 1), length);
  }
}

/** A similarity x' = a·x − b·y + tx, y' = b·x + a·y + ty. */
export interface Similarity {
  readonly a: number;
  readonly b: number;
  readonly tx: number;
  readonly ty: number;
}

/**
 * Samples `frame` at T(u, v) for every pixel (u, v) of a planar RGB target (values 0..255, black outside the frame).
 * Where the picture is shrunk by more than 1.5 the samples of a small grid are averaged, so that large faces do not alias.
 *
 * @param fromTarget maps target pixels to frame pixels
 */
export function warpInto(
  frame: Frame,
  fromTarget: Similarity,
  target: Float32Array,
  width: number,
  height: number,
): void {
  const { a, b } = fromTarget;
  const step = Math.hypot(a, b);
  const grid = Math.min(4, Math.max(1, Math.round(step)));
  target.fill(0);
  for (let j = 0; j < grid; j++)
    for (let i = 0; i < grid; i++) {
      const du = (i + 0.5) / grid - 0.5;
      const dv = (j + 0.5) / grid - 0.5;
      const tx = fromTarget.tx + a * du - b * dv;
      const ty = fromTarget.ty + b * du + a * dv;
      accumulate(frame, a, b, tx, ty, 1 / (grid * grid), target, width, height);
    }
}

function accumulate(
  frame: Frame,
  a: number,
  b: number,
  tx: number,
  ty: number,
  gain: number,
  target: Float32Array,
  width: number,
  height: number,
): void {
  const { data, width: sourceWidth, height: sourceHeight } = frame;
  const plane = width * height;
  const row = sourceWidth * 3;
  const maxX = sourceWidth - 1;
  const maxY = sourceHeight - 1;
  for (let v = 0, out = 0; v < height; v++) {
    let x = tx - b * v;
    let y = ty + a * v;
    for (let u = 0; u < width; u++, out++, x += a, y += b) {
      if (!(x >= 0 && y >= 0 && x < maxX && y < maxY)) continue;
      const x0 = x | 0;
      const y0 = y | 0;
      const wx = x - x0;
      const wy = y - y0;
      const w11 = wx * wy * gain;
      const w10 = wy * gain - w11;
      const w01 = wx * gain - w11;
      const w00 = gain - w01 - w10 - w11;
      const tl = y0 * row + x0 * 3;
      const bl = tl + row;
      target[out] =
        (target[out] as number) +
        (data[tl] as number) * w00 +
        (data[tl + 3] as number) * w01 +
        (data[bl] as number) * w10 +
        (data[bl + 3] as number) * w11;
      target[out + plane] =
        (target[out + plane] as number) +
        (data[tl + 1] as number) * w00 +
        (data[tl + 4] as number) * w01 +
        (data[bl + 1] as number) * w10 +
        (data[bl + 4] as number) * w11;
      target[out + 2 * plane] =
        (target[out + 2 * plane] as number) +
        (data[tl + 2] as number) * w00 +
        (data[tl + 5] as number) * w01 +
        (data[bl + 2] as number) * w10 +
        (data[bl + 5] as number) * w11;
    }
  }
}
