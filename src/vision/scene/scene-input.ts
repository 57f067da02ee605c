import { type BilinearKernel } from '../picture/bilinear';
import { createBilinear } from '../picture/bilinear-simd';
import type { Frame } from '../picture/frame';
import { fillHalfPixel, PLANES } from '../picture/resample';

/** Side of the square that every picture is first brought to, whatever its own size. */
export const SCENE_GRID = 256;

/**
 * A whole picture as a square of `SCENE_GRID` pixels a side: planar RGB, 0..255, stretched, bilinear. The one way into scene
 * models, in training and in service: what a camera of 1280×720 and a picture of 320×180 give must be alike.
 */
export class SceneGrid {
  private readonly kernel: BilinearKernel;
  private width = 0;
  private height = 0;

  constructor(create = createBilinear) {
    const shape = { columns: SCENE_GRID, rows: SCENE_GRID, stride: SCENE_GRID, planeSize: SCENE_GRID * SCENE_GRID };
    this.kernel = create(shape, { order: PLANES.RGB, mean: [0, 0, 0], scale: [1, 1, 1] });
  }

  /** One and the same array for ever, overwritten by each call. */
  of(frame: Frame): Float32Array {
    const { kernel } = this;
    if (frame.width !== this.width || frame.height !== this.height) {
      this.width = frame.width;
      this.height = frame.height;
      fillHalfPixel(kernel.columns, frame.width);
      fillHalfPixel(kernel.rows, frame.height);
      kernel.prepare();
    }
    kernel.run(frame, 0, 0, frame.width);
    return kernel.output;
  }
}

/**
 * Averages blocks of the grid into a planar square of `size` pixels: lights of a town at night are smaller than a pixel of the
 * target, and a picture that was only sampled would see them or not by chance.
 * @param size divides `SCENE_GRID`, and is smaller
 */
export function shrinkGrid(
  grid: Float32Array,
  size: number,
  mean: readonly [number, number, number],
  scale: readonly [number, number, number],
  target: Float32Array,
): void {
  const block = SCENE_GRID / size;
  for (let channel = 0, at = 0; channel < 3; channel++) {
    const gain = 1 / (block * block * (scale[channel] as number));
    const shift = (mean[channel] as number) / (scale[channel] as number);
    for (let row = 0; row < size; row++) {
      let corner = (channel * SCENE_GRID + row * block) * SCENE_GRID;
      for (let column = 0; column < size; column++, at++, corner += block) {
        let sum = 0;
        // Two at a time: blocks are even, and what the loop itself costs is most of it.
        for (let y = 0, from = corner; y < block; y++, from += SCENE_GRID)
          for (let x = from; x < from + block; x += 2) sum = sum + (grid[x] as number) + (grid[x + 1] as number);
        target[at] = sum * gain - shift;
      }
    }
  }
}
