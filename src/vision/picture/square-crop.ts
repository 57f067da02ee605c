import type { Box } from '../../events';
import { type Axis, type BilinearKernel, type PlaneLevels, setSample } from './bilinear';
import { createBilinear } from './bilinear-simd';
import type { Frame } from './frame';
import { PLANES } from './resample';

/** Whole pixels of a frame. */
export interface PixelRect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

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
 */
export class SquareCrop {
  private readonly kernel: BilinearKernel;
  /** Width and height that the kernel's tables were made for. */
  private width = 0;
  private height = 0;

  /**
   * @param centred padding on both sides (faces), or only to the right or below (whole pictures)
   * @param levels what the planes red, green and blue hold
   * @param part how much of the square is wanted, from its top left corner
   */
  constructor(
    private readonly size: number,
    private readonly centred: boolean,
    levels: Omit<PlaneLevels, 'order'>,
    part: { readonly columns: number; readonly rows: number } = { columns: size, rows: size },
    create = createBilinear,
  ) {
    const { columns, rows } = part;
    const { mean, scale } = levels;
    this.kernel = create(
      { columns, rows, stride: columns, planeSize: columns * rows },
      { order: PLANES.RGB, mean, scale },
    );
  }

  /** 3 × rows × columns floats; one and the same array for ever, overwritten by each `run`. */
  get output(): Float32Array {
    return this.kernel.output;
  }

  /** Writes (value − mean[k]) / scale[k] of the RGB planes into `output`. `rect` must lie inside the frame and not be empty. */
  run(frame: Frame, rect: PixelRect): void {
    if (rect.width !== this.width || rect.height !== this.height) this.prepare(rect);
    this.kernel.run(frame, rect.x, rect.y, rect.width);
  }

  private prepare({ width, height }: PixelRect): void {
    this.width = width;
    this.height = height;
    const side = Math.max(width, height);
    this.fill(this.kernel.columns, side, width);
    this.fill(this.kernel.rows, side, height);
    this.kernel.prepare();
  }

  private fill(axis: Axis, side: number, length: number): void {
    const step = side / this.size;
    const padding = this.padBefore(side - length);
    for (let i = 0; i < axis.first.length; i++) setSample(axis, i, Math.min(i * step, side - 1) - padding, length);
  }

  /** face-api appends the rounded half of the padding and puts the rest in front. */
  private padBefore(padding: number): number {
    return this.centred ? padding - Math.round(padding * 0.5) : 0;
  }
}
