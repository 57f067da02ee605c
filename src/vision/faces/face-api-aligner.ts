import { UsherError } from '../../errors';
import type { Box } from '../../events';
import type { Frame, Point } from '../picture/frame';
import { clipToFrame, SquareCrop } from '../picture/square-crop';
import type { AlignedFace, FaceAligner, FaceShape } from './faces';
import { centreOf, LEFT_EYE, MOUTH, RIGHT_EYE } from './landmarks68';

/** Where the mean of eyes and mouth lies in the square, and the eye-to-mouth distance in it: dlib's chip, by face-api's constants. */
const CENTRE_X = 0.5;
const CENTRE_Y = 0.43;
const EYE_TO_MOUTH = 0.45;
/** The aligned face keeps the frame's levels: its quality is measured on them. */
const LEVELS = { mean: [0, 0, 0], scale: [1, 1, 1] } as const;

/** As face-api's FaceRecognitionNet does it: an upright square around eyes and mouth (no rotation), padded and resized. */
export class FaceApiAligner implements FaceAligner {
  private readonly crop: SquareCrop;
  private readonly aligned: AlignedFace;

  /** @throws UsherError `model-invalid` for a network whose input is no square */
  constructor({ width, height }: { readonly width: number; readonly height: number }) {
    if (width !== height) throw new UsherError('model-invalid', 'an encoder with such an alignment has a square input');
    this.crop = new SquareCrop(width, true, LEVELS);
    this.aligned = { width, height, data: this.crop.output };
  }

  align(frame: Frame, shape: FaceShape): AlignedFace | null {
    const rect = clipToFrame(alignmentBox(shape, frame), frame);
    if (!(rect.width > 0 && rect.height > 0)) return null;
    this.crop.run(frame, rect);
    return this.aligned;
  }
}

/**
 * `FaceLandmarks.align` with `useDlibAlignment`, its roundings and bounds included (classes/FaceLandmarks.ts). Landmarks of
 * another network have five points; then the mouth is the middle of its corners.
 */
export function alignmentBox(shape: FaceShape, frame: Frame): Box {
  const [leftEye, rightEye, mouth] = referencePoints(shape);
  const toMouth = (eye: Point): number => Math.hypot(mouth.x - eye.x, mouth.y - eye.y);
  const size = Math.floor((toMouth(leftEye) + toMouth(rightEye)) / 2 / EYE_TO_MOUTH);
  const middleX = (leftEye.x + rightEye.x + mouth.x) / 3;
  const middleY = (leftEye.y + rightEye.y + mouth.y) / 3;
  const x = Math.floor(Math.max(0, middleX - CENTRE_X * size));
  const y = Math.floor(Math.max(0, middleY - CENTRE_Y * size));
  // The library uses the size of the detector's crop as the size of the picture here.
  const seen = clipToFrame(shape.box, frame);
  return { x, y, width: Math.min(size, seen.width + x), height: Math.min(size, seen.height + y) };
}

function referencePoints({ points, five }: FaceShape): [Point, Point, Point] {
  if (points.length === 68) return [centreOf(points, LEFT_EYE), centreOf(points, RIGHT_EYE), centreOf(points, MOUTH)];
  const [leftEye, rightEye, , leftMouth, rightMouth] = five;
  return [leftEye, rightEye, { x: (leftMouth.x + rightMouth.x) / 2, y: (leftMouth.y + rightMouth.y) / 2 }];
}
