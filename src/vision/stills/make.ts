import { CameraConfig } from '../../config/schema/cameras';
import { UsherError } from '../../errors';
import type { ExecutionOptions } from '../../inference/model';
import type { AnalysedFace, FaceAnalyser } from '../faces/analyser';
import type { Frame } from '../picture/frame';
import { l2Distance } from '../../store/members/vector';
import { loadAnalyser, readEncoderCard } from '../faces/load';
import { WHOLE_FRAME } from '../faces/quality';
import type { PaintOptions, StillPainter } from './painter';

export interface MadeStill {
  readonly still: Frame;
  /** Found in the picture and painted over. */
  readonly faces: number;
  /** What a detector still takes for a face in the result; none of them matches. */
  readonly facesAfter: number;
}

/**
 * Paints a picture with its faces hidden, and checks the result with a door's models.
 * @param loosest a distance at which two faces may be of one person: the largest in the encoder's table
 * @throws UsherError `face-unsuitable` if a face of the result matches one of the picture; then the result must not be
 * used
 */
export async function makeStill(
  analyser: Pick<FaceAnalyser, 'still'>,
  painter: Pick<StillPainter, 'paint'>,
  picture: Frame,
  loosest: number,
  options: PaintOptions,
): Promise<MadeStill> {
  const { faces } = await analyser.still(picture);
  const still = await painter.paint(
    picture,
    faces.map(({ box }) => box),
    options,
  );
  const after = (await analyser.still(still)).faces;
  if (after.some((face) => faces.some((original) => distance(face, original) <= loosest)))
    throw new UsherError('face-unsuitable', 'a face in the stylised picture still matches', {
      remedy: 'Take more steps, or a smaller side.',
    });
  return { still, faces: faces.length, facesAfter: after.length };
}

/** What finds the faces of a still, and the loosest distance of its encoder. @throws UsherError `model-missing`, `model-invalid` */
export async function openStillAnalyser(
  modelsDir: string,
  models: { readonly detector: string; readonly encoder: string },
  execution: ExecutionOptions,
): Promise<{ readonly analyser: FaceAnalyser; readonly loosest: number }> {
  const { output } = await readEncoderCard(modelsDir, models.encoder);
  const analyser = await loadAnalyser({
    modelsDir,
    models,
    execution,
    region: WHOLE_FRAME,
    minFacePx: CameraConfig.shape.minFacePx.parse(undefined),
    gates: CameraConfig.shape.quality.parse(undefined),
  });
  return { analyser, loosest: Math.max(...output.thresholds.map((row) => row.distance)) };
}

/** Infinity where one was not encoded. */
function distance(a: AnalysedFace, b: AnalysedFace): number {
  return a.embedding === null || b.embedding === null ? Infinity : l2Distance(a.embedding, b.embedding);
}
