import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UsherError } from '../../errors';
import { readBundle } from '../../inference/bundle';
import { type ImageInput, imageInputOf } from '../../inference/card';
import { type OnnxFile, type OnnxNode, readOnnxFile } from '../../onnx/reader';

/**
 * The network whose layers see the pictures: Tiny YOLOv2, the detector of the fallback set. It is on every box, was trained on whole
 * scenes, and a step through its first layers costs a sixth of one through those of the ResNet.
 */
export const STYLE_NETWORK = 'tiny-yolo-face';

/** A convolution with the same stride and the same zeros on all sides. */
export interface Convolution {
  /** [out, in / group, height, width] */
  readonly dims: readonly [number, number, number, number];
  readonly weights: Float32Array;
  readonly bias: Float32Array | null;
  readonly group: number;
  readonly stride: number;
  readonly padding: number;
}

/** What lies between two activations: convolutions one after the other, then a leaky ReLU. */
export interface StyleLayer {
  readonly convolutions: readonly Convolution[];
  /** Of the leaky ReLU, below zero. */
  readonly slope: number;
}

/**
 * The first `layers` layers of a bundle's network. Its input is a picture of RGB planes, 0..1.
 * @throws UsherError `model-missing`, or `model-invalid` where the network has other layers than these
 */
export async function readStyleNetwork(modelsDir: string, layers: number): Promise<StyleLayer[]> {
  const { card, modelFile } = await readBundle(join(modelsDir, STYLE_NETWORK));
  return styleLayers(readOnnxFile(await readFile(modelFile), modelFile), imageInputOf(card), layers, modelFile);
}

/** @param name of the network, for messages */
export function styleLayers(file: OnnxFile, image: ImageInput, layers: number, name: string): StyleLayer[] {
  const found: StyleLayer[] = [];
  let convolutions: Convolution[] = [normalisation(image)];
  for (const node of file.nodes) {
    if (found.length === layers) break;
    switch (node.opType) {
      case 'LeakyRelu':
        found.push({ convolutions, slope: node.floats['alpha'] ?? 0.01 });
        convolutions = [];
        break;
      case 'MaxPool':
        convolutions = withMean(convolutions, node) ?? refuse(name, node);
        break;
      default:
        convolutions.push(convolutionOf(node, file) ?? refuse(name, node));
    }
  }
  return found;
}

/** From 0..1 to what the network takes, as a convolution of one pixel: so it has the gradient of every other. */
function normalisation({ mean, scale, colour }: ImageInput): Convolution {
  const weights = new Float32Array(9);
  for (let to = 0; to < 3; to++) weights[3 * to + (colour === 'RGB' ? to : 2 - to)] = 255 / (scale[to] as number);
  const bias = Float32Array.from(mean, (value, i) => -value / (scale[i] as number));
  return { dims: [3, 3, 1, 1], weights, bias, group: 1, stride: 1, padding: 0 };
}

function convolutionOf({ opType, inputs, ints }: OnnxNode, { tensors }: OnnxFile): Convolution | null {
  const weights = tensors.get(inputs[1] ?? '');
  const bias = tensors.get(inputs[2] ?? '')?.data ?? null;
  const [out = 0, perGroup = 0, side = 0, width = 0] = weights?.dims ?? [];
  const { strides = [1], dilations = [1], pads = [0], group = [1] } = ints;
  const [padding = 0] = pads;
  const plain = [...strides, ...dilations].every((step) => step === 1) && pads.every((pad) => pad === padding);
  if (opType !== 'Conv' || !plain || side === 0 || side !== width) return null;
  if (!(weights?.data instanceof Float32Array) || !(bias === null || bias instanceof Float32Array)) return null;
  const dims = [out, perGroup, side, side] as const;
  return { dims, weights: weights.data, bias, group: group[0] ?? 1, stride: 1, padding };
}

/**
 * The mean instead of the maximum: Gatys et al. found that the gradient flows better (section 2). A mean is linear, so it goes into the
 * convolution before it, and passes those of one pixel after that: a quarter of the positions is left to compute.
 */
function withMean(convolutions: readonly Convolution[], { ints }: OnnxNode): Convolution[] | null {
  const [side = 1] = ints['kernel_shape'] ?? [];
  const [stride = 1] = ints['strides'] ?? [];
  const at = convolutions.findLastIndex(({ dims }) => dims[2] > 1);
  const spatial = convolutions[at];
  if (spatial?.stride !== 1 || side !== stride) return null;
  return convolutions.with(at, { ...meanOf(spatial, side), stride });
}

/** Kernels that have the mean over side × side results of the given ones. */
function meanOf(convolution: Convolution, side: number): Convolution {
  const [out, perGroup, from] = convolution.dims;
  const to = from + side - 1;
  const weights = new Float32Array(out * perGroup * to * to);
  for (let plane = 0; plane < out * perGroup; plane++)
    for (let y = 0; y < from; y++)
      for (let x = 0; x < from; x++) {
        const share = (convolution.weights[(plane * from + y) * from + x] as number) / (side * side);
        for (let dy = 0; dy < side; dy++)
          for (let dx = 0; dx < side; dx++) {
            const target = (plane * to + y + dy) * to + x + dx;
            weights[target] = (weights[target] as number) + share;
          }
      }
  return { ...convolution, dims: [out, perGroup, to, to], weights };
}

function refuse(name: string, { opType }: OnnxNode): never {
  throw new UsherError('model-invalid', `${name}: a layer of type ${opType} cannot be rebuilt for styling`);
}
