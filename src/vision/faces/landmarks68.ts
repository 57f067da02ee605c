import { UsherError } from '../../errors';
import type { Box, RunningModel } from '../../events';
import type { CardOutput, ImageInput } from '../../inference/card';
import type { Model } from '../../inference/model';
import type { FaceLandmarker, FaceShape } from './faces';
import type { FiveLandmarks, Frame, Point } from '../picture/frame';
import { clipToFrame, SquareCrop } from '../picture/square-crop';

const POINTS = 68;
/** Ranges of the 68-point mark-up (iBUG 300-W) and the points that stand for ArcFace's five. */
export const LEFT_EYE = [36, 42] as const;
export const RIGHT_EYE = [42, 48] as const;
export const MOUTH = [48, 68] as const;
const NOSE_TIP = 30;
const LEFT_MOUTH_CORNER = 48;
const RIGHT_MOUTH_CORNER = 54;

/** face-api's 68-point landmark network on the detector's box, padded to a square (faceLandmarkNet/FaceLandmark68NetBase.ts). */
export class Landmarks68 implements FaceLandmarker {
  private readonly crop: SquareCrop;
  private readonly dims: readonly number[];

  constructor(
    readonly running: RunningModel,
    private readonly model: Model,
    private readonly image: ImageInput,
    private readonly output: CardOutput<'face-api-landmarks-68'>,
  ) {
    const size = image.width;
    if (size === null || size !== image.height || image.layout !== 'NCHW' || image.colour !== 'RGB')
      throw new UsherError('model-invalid', `${running.name}: landmarks need a fixed square NCHW input in RGB`);
    this.crop = new SquareCrop(size, true, image);
    this.dims = [1, 3, size, size];
  }

  /** @throws UsherError face-unsuitable when no pixel of the box lies in the frame. */
  async locate(frame: Frame, box: Box): Promise<FaceShape> {
    const rect = clipToFrame(box, frame);
    if (!(rect.width > 0 && rect.height > 0))
      throw new UsherError('face-unsuitable', 'the face box lies outside the picture');
    this.crop.run(frame, rect);
    const outputs = await this.model.run({ [this.image.name]: { data: this.crop.output, dims: this.dims } });
    const values = outputs[this.output.output]?.data;
    if (!(values instanceof Float32Array) || values.length !== 2 * POINTS)
      throw new UsherError('model-invalid', `${this.running.name}: output "${this.output.output}" is not 68 points`);
    const side = Math.max(rect.width, rect.height);
    // The library shifts by the detector's own box, not by the clipped and rounded one that it cut out: so do we.
    const shiftX = box.x - (side - rect.width) / 2;
    const shiftY = box.y - (side - rect.height) / 2;
    const points = Array.from({ length: POINTS }, (_, i): Point => {
      return { x: (values[2 * i] as number) * side + shiftX, y: (values[2 * i + 1] as number) * side + shiftY };
    });
    return { box, five: fiveOf(points), points };
  }

  async dispose(): Promise<void> {
    await this.model.dispose();
  }
}

/** The mean of points `from` up to, but without, `to`. */
export function centreOf(points: readonly Point[], [from, to]: readonly [number, number]): Point {
  let x = 0;
  let y = 0;
  for (const point of points.slice(from, to)) {
    x += point.x / (to - from);
    y += point.y / (to - from);
  }
  return { x, y };
}

export function fiveOf(points: readonly Point[]): FiveLandmarks {
  const at = (index: number): Point => points[index] as Point;
  return [
    centreOf(points, LEFT_EYE),
    centreOf(points, RIGHT_EYE),
    at(NOSE_TIP),
    at(LEFT_MOUTH_CORNER),
    at(RIGHT_MOUTH_CORNER),
  ];
}
