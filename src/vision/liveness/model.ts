import { join } from 'node:path';
import { UsherError } from '../../errors';
import type { Box, RunningModel } from '../../events';
import { openBundle, readCard } from '../../inference/bundle';
import { type CardOutput, type ImageInput, imageInputOf } from '../../inference/card';
import type { ExecutionOptions, Model } from '../../inference/model';
import { type BilinearKernel } from '../picture/bilinear';
import { createBilinear } from '../picture/bilinear-simd';
import type { Frame } from '../picture/frame';
import { fillHalfPixel, PLANES } from '../picture/resample';

/** The bundle of the recommended set. */
export const LIVENESS_MODEL = 'minifas';

/** Samples a side for each pixel of the input: a large face is shrunk by their mean, or its screen's pixels would alias twice. */
const SAMPLES = 2;

/** Frame and face → how live it looks. Not re-entrant. */
export class LivenessModel {
  private readonly kernel: BilinearKernel;
  private readonly input: Float32Array;
  private readonly size: number;
  private side = 0;

  constructor(
    readonly running: RunningModel,
    private readonly model: Model,
    private readonly image: ImageInput,
    private readonly output: CardOutput<'live-spoof-logits'>,
    create = createBilinear,
  ) {
    const { width, height, layout, mean, scale } = image;
    if (width === null || width !== height || layout !== 'NCHW')
      throw new UsherError('model-invalid', `${running.name}: a liveness model needs a fixed square NCHW input`);
    this.size = width;
    const samples = SAMPLES * width;
    const shape = { columns: samples, rows: samples, stride: samples, planeSize: samples * samples };
    this.kernel = create(shape, { order: PLANES[image.colour], mean, scale });
    this.input = new Float32Array(3 * width * width);
  }

  /**
   * Logit of "live" against "fake", above 0 live; null when the surroundings that the model judges do not lie in the frame whole:
   * then it would be guessed from a picture that it was never shown.
   */
  async score(frame: Frame, box: Box): Promise<number | null> {
    const side = Math.round(this.output.cropScale * Math.max(box.width, box.height));
    const x = Math.round(box.x + box.width / 2 - side / 2);
    const y = Math.round(box.y + box.height / 2 - side / 2);
    const inside = x >= 0 && y >= 0 && x + side <= frame.width && y + side <= frame.height;
    // Also false for NaN.
    if (!inside || !(side >= 2)) return null;
    this.cut(frame, x, y, side);
    const { size, image } = this;
    const outputs = await this.model.run({ [image.name]: { data: this.input, dims: [1, 3, size, size] } });
    const data = outputs[this.output.output]?.data;
    if (!(data instanceof Float32Array) || data.length !== 2)
      throw new UsherError('model-invalid', `${this.running.name}: output "${this.output.output}" is not two floats`);
    const live = data[this.output.liveIndex] as number;
    const score = live - (data[1 - this.output.liveIndex] as number);
    return Number.isFinite(score) ? score : null;
  }

  async dispose(): Promise<void> {
    await this.model.dispose();
  }

  private cut(frame: Frame, x: number, y: number, side: number): void {
    const { kernel, size, input } = this;
    if (side !== this.side) {
      this.side = side;
      fillHalfPixel(kernel.columns, side);
      fillHalfPixel(kernel.rows, side);
      kernel.prepare();
    }
    kernel.run(frame, x, y, side);
    const from = kernel.output;
    const stride = SAMPLES * size;
    const plane = stride * stride;
    for (let channel = 0, at = 0; channel < 3; channel++)
      for (let row = 0; row < size; row++) {
        let top = channel * plane + SAMPLES * row * stride;
        for (let column = 0; column < size; column++, at++, top += SAMPLES)
          input[at] =
            0.25 *
            ((from[top] as number) +
              (from[top + 1] as number) +
              (from[top + stride] as number) +
              (from[top + stride + 1] as number));
      }
  }
}

/** @throws UsherError `model-missing`, or `model-invalid` for a bundle that is broken or of another task */
export async function loadLiveness(
  modelsDir: string,
  name: string,
  execution: ExecutionOptions,
  wrap: (model: Model, name: string) => Model = (model) => model,
): Promise<LivenessModel> {
  const dir = join(modelsDir, name);
  const card = await readCard(dir);
  const { task, output, version, files } = card;
  if (task !== 'face-liveness' || output.decoding !== 'live-spoof-logits')
    throw new UsherError('model-invalid', `${dir} is a ${task} model, here a face-liveness model is needed`);
  const { model } = await openBundle(dir, execution);
  const running: RunningModel = {
    task,
    name,
    version,
    sha256: files[card.model] ?? '',
    providersAsked: execution.providers,
    provider: model.provider,
  };
  return new LivenessModel(running, wrap(model, name), imageInputOf(card), output);
}
