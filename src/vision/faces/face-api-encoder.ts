import { UsherError } from '../../errors';
import type { Box, RunningModel } from '../../events';
import type { CardOutput, ImageInput } from '../../inference/card';
import type { Model } from '../../inference/model';
import type { AlignedFace, FaceEncoder, FaceShape } from './faces';
import type { Frame, Point } from '../picture/frame';
import { normaliseInPlace } from './fusion';
import { centreOf, LEFT_EYE, MOUTH, RIGHT_EYE } from './landmarks68';
import { clipToFrame, SquareCrop } from '../picture/square-crop';

/** Where the mean of eyes and mouth lies in the square, and the eye-to-mouth distance in it: dlib's chip, by face-api's constants. */
const CENTRE_X = 0.5;
const CENTRE_Y = 0.43;
const EYE_TO_MOUTH = 0.45;
/** The aligned face keeps the frame's levels: its quality is measured on them. */
const LEVELS = { mean: [0, 0, 0], scale: [1, 1, 1] } as const;

/** face-api's FaceRecognitionNet: an upright square around eyes and mouth (no rotation), padded, resized, encoded. */
export class FaceApiEncoder implements FaceEncoder {
  readonly space: string;
  readonly dimensions: number;
  private readonly crop: SquareCrop;
  private readonly aligned: { width: number; height: number; data: Float32Array };
  private readonly input: Float32Array;
  private readonly dims: readonly number[];

  constructor(
    readonly running: RunningModel,
    private readonly model: Model,
    private readonly image: ImageInput,
    private readonly output: CardOutput<'embedding'>,
    private readonly mirror: boolean,
  ) {
    const size = image.width;
    if (size === null || size !== image.height || image.layout !== 'NCHW' || image.colour !== 'RGB')
      throw new UsherError('model-invalid', `${running.name}: this encoder needs a fixed square NCHW input in RGB`);
    this.space = output.space;
    this.dimensions = output.dimensions;
    this.crop = new SquareCrop(size, true, LEVELS);
    this.aligned = { width: size, height: size, data: this.crop.output };
    this.input = new Float32Array(3 * size * size);
    this.dims = [1, 3, size, size];
  }

  align(frame: Frame, shape: FaceShape): AlignedFace | null {
    const rect = clipToFrame(alignmentBox(shape, frame), frame);
    if (!(rect.width > 0 && rect.height > 0)) return null;
    this.crop.run(frame, rect);
    return this.aligned;
  }

  async encode(face: AlignedFace): Promise<Float32Array> {
    const embedding = await this.encodeOnce(face, false);
    if (this.mirror) {
      const mirrored = await this.encodeOnce(face, true);
      for (let i = 0; i < embedding.length; i++)
        // The mean, not the sum: these vectors have a length of their own, and thresholds are distances.
        embedding[i] = ((embedding[i] as number) + (mirrored[i] as number)) / 2;
    }
    if (this.output.normalise) normaliseInPlace(embedding);
    return embedding;
  }

  async dispose(): Promise<void> {
    await this.model.dispose();
  }

  private async encodeOnce(face: AlignedFace, mirrored: boolean): Promise<Float32Array> {
    this.fill(face, mirrored);
    const outputs = await this.model.run({ [this.image.name]: { data: this.input, dims: this.dims } });
    const data = outputs[this.output.output]?.data;
    if (!(data instanceof Float32Array) || data.length !== this.dimensions)
      throw new UsherError(
        'model-invalid',
        `${this.running.name}: output "${this.output.output}" is not ${this.dimensions} floats`,
      );
    return Float32Array.from(data);
  }

  private fill({ width, height, data }: AlignedFace, mirrored: boolean): void {
    const { input, image } = this;
    const plane = width * height;
    for (let k = 0; k < 3; k++) {
      const gain = 1 / (image.scale[k] as number);
      const shift = -(image.mean[k] as number) * gain;
      const first = k * plane;
      if (!mirrored) for (let i = first; i < first + plane; i++) input[i] = (data[i] as number) * gain + shift;
      else
        for (let row = first; row < first + plane; row += width)
          for (let x = 0; x < width; x++) input[row + x] = (data[row + width - 1 - x] as number) * gain + shift;
    }
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
