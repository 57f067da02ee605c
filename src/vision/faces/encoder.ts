import { UsherError } from '../../errors';
import type { RunningModel } from '../../events';
import type { CardOutput, ImageInput } from '../../inference/card';
import type { Model } from '../../inference/model';
import type { Frame } from '../picture/frame';
import { PLANES } from '../picture/resample';
import type { AlignedFace, FaceAligner, FaceEncoder, FaceShape } from './faces';
import { normaliseInPlace } from './fusion';

export interface EncoderParts {
  readonly running: RunningModel;
  readonly model: Model;
  readonly image: ImageInput;
  readonly output: CardOutput<'embedding'>;
  readonly aligner: FaceAligner;
  /** Encode the mirrored face too, and take the mean of both. */
  readonly mirror: boolean;
}

/** A network with one planar input, which makes a vector of an aligned face. */
export class AlignedFaceEncoder implements FaceEncoder {
  readonly running: RunningModel;
  readonly space: string;
  readonly dimensions: number;
  private readonly input: Float32Array;
  private readonly dims: readonly number[];

  constructor(private readonly parts: EncoderParts) {
    const { running, output } = parts;
    const { width, height } = fixedSizeOf(parts.image, running.name);
    this.running = running;
    this.space = output.space;
    this.dimensions = output.dimensions;
    this.input = new Float32Array(3 * width * height);
    this.dims = [1, 3, height, width];
  }

  align(frame: Frame, shape: FaceShape): AlignedFace | null {
    return this.parts.aligner.align(frame, shape);
  }

  async encode(face: AlignedFace): Promise<Float32Array> {
    const embedding = await this.encodeOnce(face, false);
    if (this.parts.mirror) {
      const mirrored = await this.encodeOnce(face, true);
      for (let i = 0; i < embedding.length; i++)
        // The mean, not the sum: where vectors have a length of their own, thresholds are distances between them.
        embedding[i] = ((embedding[i] as number) + (mirrored[i] as number)) / 2;
    }
    if (this.parts.output.normalise) normaliseInPlace(embedding);
    return embedding;
  }

  async dispose(): Promise<void> {
    await this.parts.model.dispose();
  }

  private async encodeOnce(face: AlignedFace, mirrored: boolean): Promise<Float32Array> {
    const { model, image, output, running } = this.parts;
    this.fill(face, mirrored);
    const outputs = await model.run({ [image.name]: { data: this.input, dims: this.dims } });
    const data = outputs[output.output]?.data;
    if (!(data instanceof Float32Array) || data.length !== this.dimensions)
      throw new UsherError(
        'model-invalid',
        `${running.name}: output "${output.output}" is not ${this.dimensions} floats`,
      );
    return Float32Array.from(data);
  }

  private fill(face: AlignedFace, mirrored: boolean): void {
    const { input } = this;
    const { image } = this.parts;
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

/** @throws UsherError `model-invalid` where the network takes pictures of any size, or in another layout */
export function fixedSizeOf(
  { width, height, layout }: ImageInput,
  name: string,
): { readonly width: number; readonly height: number } {
  if (width === null || height === null || layout !== 'NCHW')
    throw new UsherError('model-invalid', `${name}: an encoder needs a fixed NCHW input`);
  return { width, height };
}
