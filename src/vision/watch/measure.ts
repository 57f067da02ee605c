import type { Frame } from '../picture/frame';
import { PICTURE_LIMITS } from './limits';

/** Blocks of the coarse picture of edges. */
export const EDGE_COLUMNS = 32;
export const EDGE_ROWS = 18;
/** Edges across and along, block by block. */
export const EDGE_VALUES = 2 * EDGE_COLUMNS * EDGE_ROWS;

/** Samples along the shorter side. */
const SAMPLES = 180;
/** Distance of the neighbours for edges, and of the nearer ones for focus, pixels. */
const FAR = 4;
const NEAR = 1;
/** What rounding to whole levels leaves in the square of the nearer difference: (4² + 4·1²) / 12. */
const ROUNDING = 20 / 12;

export interface PictureMeasure {
  /** Mean luma of what is not a black bar, 0..255; 0 where all is black. */
  readonly brightness: number;
  /** Share of places where luma steps. */
  readonly detail: number;
  /** Fine structure to coarse structure: falls with blur, hardly depends on what is seen. */
  readonly focus: number;
  /** Root mean square of the steps in each block. Overwritten by the next measurement. */
  readonly edges: Float32Array;
}

/**
 * Measures a whole picture on a grid of samples, in about a millisecond. Green is used as luma. Pure black is left out:
 * it is the bars next to a picture of another shape, and their edges say nothing about the scene.
 */
export class PictureMeter {
  private readonly edges = new Float32Array(EDGE_VALUES);
  private readonly counts = new Uint32Array(EDGE_COLUMNS * EDGE_ROWS);

  measure({ width, height, data }: Frame): PictureMeasure {
    const { edges, counts } = this;
    edges.fill(0);
    counts.fill(0);
    const step = Math.max(1, Math.floor(Math.min(width, height) / SAMPLES));
    const row = width * 3;
    let sum = 0;
    let lit = 0;
    let steps = 0;
    let places = 0;
    let fine = 0;
    let coarse = 0;
    for (let y = FAR; y < height - FAR; y += step) {
      const blockRow = Math.floor((y * EDGE_ROWS) / height) * EDGE_COLUMNS;
      for (let x = FAR; x < width - FAR; x += step) {
        const i = y * row + x * 3 + 1;
        const here = data[i] as number;
        if (here === 0) continue;
        sum += here;
        lit++;
        const right = data[i + FAR * 3] as number;
        const below = data[i + FAR * row] as number;
        const left = data[i - FAR * 3] as number;
        const above = data[i - FAR * row] as number;
        if (right === 0 || below === 0 || left === 0 || above === 0) continue;
        places++;
        const across = right - here;
        const along = below - here;
        if (Math.abs(across) + Math.abs(along) >= PICTURE_LIMITS.detailStep) steps++;
        const block = blockRow + Math.floor((x * EDGE_COLUMNS) / width);
        edges[2 * block] = (edges[2 * block] as number) + across * across;
        edges[2 * block + 1] = (edges[2 * block + 1] as number) + along * along;
        counts[block] = (counts[block] as number) + 1;
        const far = 4 * here - left - right - above - below;
        const near =
          4 * here -
          (data[i - NEAR * 3] as number) -
          (data[i + NEAR * 3] as number) -
          (data[i - NEAR * row] as number) -
          (data[i + NEAR * row] as number);
        coarse += far * far;
        fine += near * near;
      }
    }
    for (let block = 0; block < counts.length; block++) {
      const count = Math.max(1, counts[block] as number);
      edges[2 * block] = Math.sqrt((edges[2 * block] as number) / count);
      edges[2 * block + 1] = Math.sqrt((edges[2 * block + 1] as number) / count);
    }
    return {
      brightness: lit === 0 ? 0 : sum / lit,
      detail: places === 0 ? 0 : steps / places,
      focus: coarse === 0 ? 0 : Math.sqrt(Math.max(0, fine - ROUNDING * places) / coarse),
      edges,
    };
  }
}
