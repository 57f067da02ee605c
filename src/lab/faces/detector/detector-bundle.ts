import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { exposeTensor, replaceConstants } from '../../../onnx/edit';
import { toOihw } from '../../../bundles/face-api/layers';
import { type CardDraft, writeBundle } from '../../../bundles/write';
import { UsherError } from '../../../errors';
import { type Bundle, readBundle } from '../../../inference/bundle';
import { type CardOutput, imageInputOf } from '../../../inference/card';
import { CPU_ONE_THREAD, type Model, type Tensor, type Tensors } from '../../../inference/model';
import { loadOnnx } from '../../../inference/onnx';
import { readOnnxFile } from '../../../onnx/reader';
import type { Frame } from '../../../vision/picture/frame';
import { TinyYoloDetector } from '../../../vision/faces/tiny-yolo';
import type { HeadPicture, HeadWeights } from './detector-head';
import type { Box } from '../../../events';

/** A Tiny YOLOv2 bundle with its last layer readable. */
export interface DetectorBase {
  readonly bundle: Bundle;
  readonly output: CardOutput<'tiny-yolo-v2'>;
  readonly modelBytes: Uint8Array;
  /** Names of the head's input, kernel and bias inside the network. */
  readonly head: { readonly input: string; readonly kernel: string; readonly bias: string };
  readonly weights: HeadWeights;
}

/** Detections with a lower score are not worth ranking; a door uses the threshold of the card. */
export const RANKED_FROM = 0.01;

/** @throws UsherError `model-missing`, or `model-invalid` for another kind of network */
export async function readDetectorBase(modelsDir: string, name: string): Promise<DetectorBase> {
  const bundle = await readBundle(path.join(modelsDir, name));
  const { output } = bundle.card;
  if (output.decoding !== 'tiny-yolo-v2')
    throw new UsherError('model-invalid', `${bundle.dir} is not a Tiny YOLOv2 detector`, {
      remedy: 'Name tiny-yolo-face (usher models build), or a bundle that was trained from it.',
    });
  const modelBytes = await readFile(bundle.modelFile);
  const { nodes, tensors } = readOnnxFile(modelBytes, bundle.modelFile);
  const producer = (value: string) => nodes.find(({ outputs }) => outputs.includes(value));
  let node = producer(output.output);
  while (node?.opType === 'Identity') node = producer(node.inputs[0] ?? '');
  const [input, kernel, bias] = node?.inputs ?? [];
  const weights = kernel === undefined ? undefined : tensors.get(kernel);
  const offsets = bias === undefined ? undefined : tensors.get(bias)?.data;
  const [out = 0, channels = 0, height, width] = weights?.dims ?? [];
  const known = weights?.data instanceof Float32Array && offsets instanceof Float32Array;
  if (node?.opType !== 'Conv' || !known || height !== 1 || width !== 1 || !input || !kernel || !bias)
    throw new UsherError('model-invalid', `${bundle.modelFile} does not end in a 1×1 convolution with a bias`);
  return {
    bundle,
    output,
    modelBytes,
    head: { input, kernel, bias },
    // [out][in] to [in][out]. With a kernel of side 1 this is the only difference of the layouts, so one function
    // serves both ways.
    weights: { kernel: toOihw(weights.data, 1, 1, out, channels), bias: Float32Array.from(offsets) },
  };
}

/** The network with another head. */
export function withHead({ modelBytes, head, weights: { bias } }: DetectorBase, weights: HeadWeights): Uint8Array {
  const channels = weights.kernel.length / bias.length;
  return replaceConstants(
    modelBytes,
    new Map([
      [head.kernel, toOihw(weights.kernel, 1, 1, channels, bias.length)],
      [head.bias, weights.bias],
    ]),
  );
}

/** A detector that also returns the low scores that a ranking needs. */
export async function rankingDetector(
  { bundle, output }: DetectorBase,
  modelBytes: Uint8Array,
): Promise<TinyYoloDetector> {
  const model = await loadOnnx(modelBytes, CPU_ONE_THREAD);
  return new TinyYoloDetector(runningOf(bundle, model), model, imageInputOf(bundle.card), {
    ...output,
    scoreThreshold: RANKED_FROM,
  });
}

/** Output of the frozen layers for pictures that are prepared exactly as the detector prepares them. */
export class FeatureReader {
  private constructor(
    private readonly detector: TinyYoloDetector,
    private readonly tap: TapModel,
    private readonly base: DetectorBase,
  ) {}

  static async open(base: DetectorBase): Promise<FeatureReader> {
    const model = await loadOnnx(exposeTensor(base.modelBytes, base.head.input), CPU_ONE_THREAD);
    const tap = new TapModel(model, base.head.input);
    const { bundle, output } = base;
    return new FeatureReader(
      new TinyYoloDetector(runningOf(bundle, model), tap, imageInputOf(bundle.card), output),
      tap,
      base,
    );
  }

  /** @param faces in pixels of the frame */
  async read(frame: Frame, faces: readonly Box[], smallestFacePx: number): Promise<HeadPicture> {
    const size = this.detector.sizeFor(frame, smallestFacePx);
    await this.detector.detectAt(frame, size);
    const { data, dims } = this.tap.taken;
    const [, channels = 0, rows = 0, columns = 0] = dims;
    const features = new Float32Array(data.length);
    const cells = rows * columns;
    for (let c = 0; c < channels; c++)
      for (let cell = 0; cell < cells; cell++) features[cell * channels + c] = data[c * cells + cell] as number;
    const { cellPx } = this.base.output;
    const scale = size / Math.max(frame.width, frame.height);
    // As the detector scales back: the picture's size inside the square is rounded to whole pixels.
    const toCellX = Math.round(frame.width * scale) / frame.width / cellPx;
    const toCellY = Math.round(frame.height * scale) / frame.height / cellPx;
    return {
      features,
      rows,
      columns,
      side: size / cellPx,
      faces: faces.map(({ x, y, width, height }) => ({
        x: (x + width / 2) * toCellX,
        y: (y + height / 2) * toCellY,
        width: width * toCellX,
        height: height * toCellY,
      })),
    };
  }

  async dispose(): Promise<void> {
    await this.detector.dispose();
  }
}

/** Keeps the value of one tensor inside the network from the last run. */
class TapModel implements Model {
  private last: Tensor | null = null;

  constructor(
    private readonly model: Model,
    private readonly value: string,
  ) {}

  get inputs(): readonly string[] {
    return this.model.inputs;
  }

  get outputs(): readonly string[] {
    return this.model.outputs;
  }

  get provider(): Model['provider'] {
    return this.model.provider;
  }

  get taken(): Tensor<Float32Array> {
    if (!(this.last?.data instanceof Float32Array))
      throw new UsherError('model-invalid', `the network gives no ${this.value}`);
    return { data: this.last.data, dims: this.last.dims };
  }

  async run(inputs: Tensors): Promise<Tensors> {
    const outputs = await this.model.run(inputs);
    this.last = outputs[this.value] ?? null;
    return outputs;
  }

  dispose(): Promise<void> {
    return this.model.dispose();
  }
}

function runningOf({ card }: Bundle, { provider }: Model) {
  return {
    task: card.task,
    name: card.name,
    version: card.version,
    sha256: card.files[card.model] ?? '',
    providersAsked: CPU_ONE_THREAD.providers,
    provider,
  };
}

export interface TrainedOn {
  readonly name: string;
  /** For people: how many pictures of what. */
  readonly data: string;
  readonly figures: CardDraft['figures'];
}

/** Writes the network with its new head as another bundle. @returns its folder */
export async function writeTrainedDetector(
  modelsDir: string,
  base: DetectorBase,
  weights: HeadWeights,
  { name, data, figures }: TrainedOn,
): Promise<string> {
  const { card, dir } = base.bundle;
  const { inputDims } = card.golden;
  const bytes = await readFile(path.join(dir, card.golden.input));
  const golden = Float32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i));
  return writeBundle(modelsDir, {
    card: {
      task: card.task,
      name,
      version: card.version,
      summary: `${card.name} with its last layer trained on a site's own pictures (usher train detector-head)`,
      set: null,
      licence: { ...card.licence, trainingData: `${card.licence.trainingData}; last layer: ${data}` },
      input: card.input,
      output: card.output,
      alignment: card.alignment,
      figures,
    },
    modelBytes: withHead(base, weights),
    goldenInput: { data: golden, dims: inputDims },
  });
}
