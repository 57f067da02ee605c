import type { Frame } from './frame';

/** Where the channels of a packed RGB frame go: plane k of the target takes source channel `order[k]`. */
export const PLANES = { RGB: [0, 1, 2], BGR: [2, 1, 0] } as const;

/**
 * Shrinks (or enlarges) frames of one fixed size into the top-left corner of a planar network input; the rest stays as it was
 * (zero). Bilinear with half-pixel centres, as OpenCV's INTER_LINEAR. The coordinate tables are made once, so a frame costs
 * no allocation.
 */
export class FrameResizer {
  private readonly left: Int32Array;
  private readonly right: Int32Array;
  private readonly weight: Float32Array;

  /**
   * @param width target width of the picture inside the network input, `height` likewise
   * @param stride width of the network input
   * @param planeSize width × height of the network input
   */
  constructor(
    readonly sourceWidth: number,
    readonly sourceHeight: number,
    private readonly width: number,
    private readonly height: number,
    private readonly stride: number,
    private readonly planeSize: number,
  ) {
    this.left = new Int32Array(width);
    this.right = new Int32Array(width);
    this.weight = new Float32Array(width);
    for (let x = 0; x < width; x++) {
      const at = Math.min(Math.max(((x + 0.5) * sourceWidth) / width - 0.5, 0), sourceWidth - 1);
      const x0 = Math.floor(at);
      this.left[x] = x0 * 3;
      this.right[x] = Math.min(x0 + 1, sourceWidth - 1) * 3;
      this.weight[x] = at - x0;
    }
  }

  /** Writes (value − mean[k]) / scale[k] into plane k of `target`. */
  run(
    frame: Frame,
    target: Float32Array,
    order: readonly [number, number, number],
    mean: readonly [number, number, number],
    scale: readonly [number, number, number],
  ): void {
    const { left, right, weight, width, height, stride, planeSize, sourceWidth, sourceHeight } = this;
    const data = frame.data;
    const [c0, c1, c2] = order;
    const [m0, m1, m2] = mean;
    const s0 = 1 / scale[0];
    const s1 = 1 / scale[1];
    const s2 = 1 / scale[2];
    for (let y = 0; y < height; y++) {
      const at = Math.min(Math.max(((y + 0.5) * sourceHeight) / height - 0.5, 0), sourceHeight - 1);
      const y0 = Math.floor(at);
      const wy = at - y0;
      const top = y0 * sourceWidth * 3;
      const bottom = Math.min(y0 + 1, sourceHeight - 1) * sourceWidth * 3;
      let out = y * stride;
      for (let x = 0; x < width; x++, out++) {
        const l = left[x] as number;
        const r = right[x] as number;
        const wx = weight[x] as number;
        const w11 = wx * wy;
        const w10 = wy - w11;
        const w01 = wx - w11;
        const w00 = 1 - wx - w10;
        const tl = top + l;
        const tr = top + r;
        const bl = bottom + l;
        const br = bottom + r;
        target[out] =
          ((data[tl + c0] as number) * w00 +
            (data[tr + c0] as number) * w01 +
            (data[bl + c0] as number) * w10 +
            (data[br + c0] as number) * w11 -
            m0) *
          s0;
        target[out + planeSize] =
          ((data[tl + c1] as number) * w00 +
            (data[tr + c1] as number) * w01 +
            (data[bl + c1] as number) * w10 +
            (data[br + c1] as number) * w11 -
            m1) *
          s1;
        target[out + 2 * planeSize] =
          ((data[tl + c2] as number) * w00 +
            (data[tr + c2] as number) * w01 +
            (data[bl + c2] as number) * w10 +
            (data[br + c2] as number) * w11 -
            m2) *
          s2;
      }
    }
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
