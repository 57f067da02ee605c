import { UsherError } from '../../errors';
import type { RunningModel } from '../../events';
import type { Card, CardOutput, ImageInput } from '../../inference/card';
import type { Model } from '../../inference/model';
import { fitSimilarity, templatePoints } from './align';
import type { AlignedFace, FaceEncoder, FaceShape } from './faces';
import type { Frame, Point } from '../picture/frame';
import { normaliseInPlace } from './fusion';
import { PLANES, warpInto } from '../picture/resample';

/** Encoders of the ArcFace manner: five landmarks onto a template, one planar input, optionally the mirrored face too. */
export class FivePointEncoder implements FaceEncoder {
  readonly space: string;
  readonly dimensions: number;
  private readonly template: readonly Point[];
  private readonly aligned: { width: number; height: number; data: Float32Array };
  private readonly input: Float32Array;
  private readonly dims: readonly number[];

  constructor(
    readonly running: RunningModel,
    private readonly model: Model,
    private readonly image: ImageInput,
    private readonly output: CardOutput<'embedding'>,
    alignment: Extract<NonNullable<Card['alignment']>, { kind: 'five-point' }>,
    private readonly mirror: boolean,
  ) {
    const { width, height } = image;
    if (width === null || height === null || image.layout !== 'NCHW')
      throw new UsherError('model-invalid', `${running.name}: an encoder needs a fixed NCHW input`);
    this.space = output.space;
    this.dimensions = output.dimensions;
    this.template = templatePoints(alignment.template);
    this.aligned = { width, height, data: new Float32Array(3 * width * height) };
    this.input = new Float32Array(3 * width * height);
    this.dims = [1, 3, height, width];
  }

  align(frame: Frame, shape: FaceShape): AlignedFace | null {
    const fromTarget = fitSimilarity(this.template, shape.five);
    if (fromTarget === null) return null;
    warpInto(frame, fromTarget, this.aligned.data, this.aligned.width, this.aligned.height);
    return this.aligned;
  }

  async encode(face: AlignedFace): Promise<Float32Array> {
    const embedding = await this.encodeOnce(face, false);
    if (this.mirror) {
      const mirrored = await this.encodeOnce(face, true);
      for (let i = 0; i < embedding.length; i++) embedding[i] = (embedding[i] as number) + (mirrored[i] as number);
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

  private fill(face: AlignedFace, mirrored: boolean): void {
    const { input, image } = this;
    const { width, height, data } = face;
    const plane = width * height;
    for (let k = 0; k < 3; k++) {
      const from = (PLANES[image.colour][k] as number) * plane;
      const mean = image.mean[k] as number;
      const gain = 1 / (image.scale[k] as number);
      if (mirrored) {
        for (let row = 0; row < plane; row += width)
          for (let x = 0; x < width; x++)
            input[k * plane + row + x] = ((data[from + row + width - 1 - x] as number) - mean) * gain;
      } else {
        for (let i = 0; i < plane; i++) input[k * plane + i] = ((data[from + i] as number) - mean) * gain;
      }
    }
  }
}
