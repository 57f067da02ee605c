import type { Box } from '../../events';
import { loadTfjs } from '../../inference/tfjs';
import type { Frame } from '../picture/frame';
import { shrinkPicture } from '../picture/picture';
import { StyleNetwork } from './style-network';
import { LAYERS, stylise, styliseDefaults, type StyliseOptions } from './stylise';

export interface PaintOptions extends Partial<Omit<StyliseOptions, 'faces'>> {
  /** Longer side of the result, and of the style picture, in pixels; smaller pictures stay as they are. */
  readonly side?: number;
}

/** Large enough to see who does what, small enough for a step in well under a second on one core. */
export const PAINTED_SIDE = 320;

/** Makes privacy stills: people, clothes and action stay visible, faces do not. */
export class StillPainter {
  private constructor(
    private readonly tf: Awaited<ReturnType<typeof loadTfjs>>['tf'],
    private readonly network: StyleNetwork,
  ) {}

  /** @throws UsherError `model-missing`, `model-invalid`, `dependency-missing` */
  static async open(modelsDir: string): Promise<StillPainter> {
    const { tf } = await loadTfjs();
    return new StillPainter(tf, await StyleNetwork.open(tf, modelsDir, LAYERS));
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
    return stylise(this.tf, this.network, small, { ...wanted, style });
  }

  dispose(): void {
    this.network.dispose();
  }
}
