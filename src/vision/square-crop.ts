import type { Box } from '../events';
import type { Frame } from './frame';

/** Whole pixels of a frame. */
export interface PixelRect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

type Three = readonly [number, number, number];

/**
 * The part of a box that lies in the frame, in whole pixels, as face-api cuts it (`Box.clipAtImageBorders`): first clipped,
 * then every number rounded down. Width or height is 0 or less where nothing is left.
 */
export function clipToFrame(box: Box, frame: Frame): PixelRect {
  const x = Math.max(box.x, 0);
  const y = Math.max(box.y, 0);
  return {
    x: Math.floor(x),
    y: Math.floor(y),
    width: Math.floor(Math.min(box.x + box.width - x, frame.width - x)),
    height: Math.floor(Math.min(box.y + box.height - y, frame.height - y)),
  };
}

/**
 * Cuts a rectangle out of a frame, pads the shorter side with black to a square and resizes that to `size` × `size`, as face-api
 * and TensorFlow do it: `resizeBilinear` without half-pixel centres (output pixel i samples at i·side/size), no antialiasing.
 * Tables are kept between calls, so a frame costs no allocation.
 */
export class SquareCrop {
  private readonly left: Int32Array;
  private readonly right: Int32Array;
  private readonly leftWeight: Float64Array;
  private readonly rightWeight: Float64Array;

  /** @param centred padding on both sides (faces), or only to the right or below (whole pictures) */
  constructor(
    readonly size: number,
    private readonly centred: boolean,
  ) {
    this.left = new Int32Array(size);
    this.right = new Int32Array(size);
    this.leftWeight = new Float64Array(size);
    this.rightWeight = new Float64Array(size);
  }

  /** Writes (value − mean[k]) / scale[k] of the RGB planes into `target` (3 × size × size). `rect` must lie inside the frame. */
  run(frame: Frame, rect: PixelRect, target: Float32Array, mean: Three, scale: Three): void {
    const { size } = this;
    const side = Math.max(rect.width, rect.height);
    const step = side / size;
    const padLeft = this.padBefore(side - rect.width);
    const padTop = this.padBefore(side - rect.height);
    this.prepareColumns(rect, side, step, padLeft);
    for (let v = 0; v < size; v++) {
      const at = v * step;
      const y0 = Math.floor(at);
      const weight = at - y0;
      const top = y0 - padTop;
      const bottom = Math.min(y0 + 1, side - 1) - padTop;
      const topIn = top >= 0 && top < rect.height;
      const bottomIn = bottom >= 0 && bottom < rect.height;
      const from0 = (rect.y + (topIn ? top : 0)) * frame.width * 3;
      const from1 = (rect.y + (bottomIn ? bottom : 0)) * frame.width * 3;
      const w0 = topIn ? 1 - weight : 0;
      const w1 = bottomIn ? weight : 0;
      for (let k = 0; k < 3; k++) {
        const gain = 1 / (scale[k] as number);
        const shift = -(mean[k] as number) * gain;
        const out = (k * size + v) * size;
        if (topIn || bottomIn) this.row(frame.data, from0 + k, from1 + k, w0 * gain, w1 * gain, shift, target, out);
        else target.fill(shift, out, out + size);
      }
    }
  }

  /** face-api appends the rounded half of the padding and puts the rest in front. */
  private padBefore(padding: number): number {
    return this.centred ? padding - Math.round(padding * 0.5) : 0;
  }

  private prepareColumns(rect: PixelRect, side: number, step: number, padLeft: number): void {
    for (let u = 0; u < this.size; u++) {
      const at = u * step;
      const x0 = Math.floor(at);
      const left = x0 - padLeft;
      const right = Math.min(x0 + 1, side - 1) - padLeft;
      const leftIn = left >= 0 && left < rect.width;
      const rightIn = right >= 0 && right < rect.width;
      this.left[u] = (rect.x + (leftIn ? left : 0)) * 3;
      this.right[u] = (rect.x + (rightIn ? right : 0)) * 3;
      this.leftWeight[u] = leftIn ? 1 - (at - x0) : 0;
      this.rightWeight[u] = rightIn ? at - x0 : 0;
    }
  }

  private row(
    data: Uint8Array,
    from0: number,
    from1: number,
    w0: number,
    w1: number,
    shift: number,
    target: Float32Array,
    out: number,
  ): void {
    const { left, right, leftWeight, rightWeight, size } = this;
    for (let u = 0; u < size; u++) {
      const l = left[u] as number;
      const r = right[u] as number;
      const column0 = (data[from0 + l] as number) * w0 + (data[from1 + l] as number) * w1;
      const column1 = (data[from0 + r] as number) * w0 + (data[from1 + r] as number) * w1;
      target[out + u] = column0 * (leftWeight[u] as number) + column1 * (rightWeight[u] as number) + shift;
    }
  }
}
