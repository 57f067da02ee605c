import type { Box } from '../../events';
import type { Frame } from '../picture/frame';
import { shrinkPicture } from '../picture/picture';
import { STYLE_LAYERS } from './style-graphs';
import { readStyleNetwork, type StyleLayer } from './style-network';
import { stylise, styliseDefaults, type StyliseOptions } from './stylise';

export interface PaintOptions extends Partial<Omit<StyliseOptions, 'faces'>> {
  /** Longer side of the result, and of the style picture, in pixels; smaller pictures stay as they are. */
  readonly side?: number;
}

/** Large enough to see who does what, small enough for a step in well under a second on one core. */
export const PAINTED_SIDE = 320;

/** Makes privacy stills: people, clothes and action stay visible, faces do not. */
export class StillPainter {
  private constructor(private readonly network: readonly StyleLayer[]) {}

  /** @throws UsherError `model-missing`, `model-invalid` */
  static async open(modelsDir: string): Promise<StillPainter> {
    return new StillPainter(await readStyleNetwork(modelsDir, STYLE_LAYERS));
  }

  /** @param faces every face in `frame`, in its pixels: what is not named here keeps its features */
  async paint(
    frame: Frame,
    faces: readonly Box[],
    { side = PAINTED_SIDE, ...options }: PaintOptions = {},
  ): Promise<Frame> {
    const small = await shrinkPicture(frame, side);
    const [sx, sy] = [small.width / frame.width, small.height / frame.height];
    const scaled = faces.map(({ x, y, width, height }) => ({
      x: x * sx,
      y: y * sy,
      width: width * sx,
      height: height * sy,
    }));
    const wanted = { ...styliseDefaults(options.from ?? 'content'), ...options, faces: scaled };
    // A photograph of ten megapixels would need gigabytes of activations; and strokes are to be as wide as they are in a picture of this size.
    const style = wanted.style === null ? null : await shrinkPicture(wanted.style, side);
    return stylise(this.network, small, { ...wanted, style });
  }
}
