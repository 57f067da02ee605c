import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UsherError } from '../../errors';
import { readBundle } from '../../inference/bundle';
import { type ImageInput, imageInputOf } from '../../inference/card';
import { type OnnxNode, type OnnxTensor, readOnnxFile } from '../../onnx/reader';
import type { Tensor2D, Tensor4D, Tf } from '../../inference/tfjs';

/**
 * The network whose layers see the pictures: Tiny YOLOv2, the detector of the fallback set. It is on every box, was trained on whole
 * scenes, and a step through its first layers costs a sixth of one through those of the ResNet.
 */
export const STYLE_NETWORK = 'tiny-yolo-face';

/** Layers by their place among the network's activations, 0 being the first, at a half, a quarter, … of the picture's side. */
export const STYLE_LAYERS = [0, 1, 2, 3] as const;
export const CONTENT_LAYER = 1;

/** Activations of one layer, [positions, channels], with the layer's shape. */
export interface Activations {
  readonly values: Tensor2D;
  readonly rows: number;
  readonly columns: number;
}

interface Kernel {
  readonly weights: Tensor4D;
  readonly bias: Tensor2D | null;
  /** Of a depthwise convolution: turned by 180°, which makes its own gradient. */
  readonly turned: Tensor4D | null;
}

/** The first layers of a bundle's network in tfjs, with gradients to the pixels. */
export class StyleNetwork {
  private constructor(
    private readonly tf: Tf,
    private readonly image: ImageInput,
    private readonly nodes: readonly OnnxNode[],
    private readonly taps: ReadonlyMap<number, string>,
    private readonly constants: ReadonlyMap<string, OnnxTensor>,
    private readonly kernels: Map<string, Kernel>,
  ) {}

  /** @throws UsherError `model-missing`, or `model-invalid` where the network has other layers than these */
  static async open(tf: Tf, modelsDir: string, layers: readonly number[]): Promise<StyleNetwork> {
    const bundle = await readBundle(join(modelsDir, STYLE_NETWORK));
    const input = imageInputOf(bundle.card);
    const file = readOnnxFile(await readFile(bundle.modelFile), bundle.modelFile);
    const activations = file.nodes
      .filter(({ opType }) => opType === 'LeakyRelu')
      .map(({ outputs }) => outputs[0] ?? '');
    const taps = new Map(layers.map((layer) => [layer, activations[layer] ?? '']));
    const last = Math.max(...[...taps.values()].map((name) => file.nodes.findIndex((one) => one.outputs[0] === name)));
    const network = new StyleNetwork(tf, input, file.nodes.slice(0, last + 1), taps, file.tensors, new Map());
    network.prepare(bundle.modelFile);
    return network;
  }

  /**
   * @param picture [1, height, width, 3], RGB, 0..1
   * @returns in the order of the layers asked for at `open`; to be called within `tf.tidy`
   */
  run(picture: Tensor4D): Activations[] {
    const { tf } = this;
    const { mean, scale, colour } = this.image;
    const planes = colour === 'RGB' ? picture : tf.reverse(picture, 3);
    const values = new Map<string, Tensor4D>([
      [this.image.name, tf.div(tf.sub(tf.mul(planes, 255), tf.tensor1d(mean)), tf.tensor1d(scale))],
    ]);
    for (const node of this.nodes)
      values.set(
        node.outputs[0] ?? '',
        this.apply(node, (name) => values.get(name)),
      );
    return [...this.taps.values()].map((name) => {
      const value = values.get(name) as Tensor4D;
      const [, rows, columns, channels] = value.shape;
      return { values: tf.reshape(value, [rows * columns, channels]), rows, columns };
    });
  }

  dispose(): void {
    for (const { weights, bias, turned } of this.kernels.values())
      this.tf.dispose([weights, bias, turned].filter((tensor) => tensor !== null));
    this.kernels.clear();
  }

  private apply(node: OnnxNode, value: (name: string) => Tensor4D | undefined): Tensor4D {
    const { tf } = this;
    const x = value(node.inputs[0] ?? '') as Tensor4D;
    switch (node.opType) {
      case 'LeakyRelu':
        return tf.leakyRelu(x, node.floats['alpha']);
      case 'MaxPool': {
        // The mean instead of the maximum: Gatys et al. found that the gradient flows better (section 2).
        const [side = 1] = node.ints['kernel_shape'] ?? [];
        return tf.avgPool(x, side, node.ints['strides']?.[0] ?? 1, 'valid');
      }
      default: {
        const { weights, bias, turned } = this.kernels.get(node.outputs[0] ?? '') as Kernel;
        const padding = (node.ints['pads']?.[0] ?? 0) > 0 ? 'same' : 'valid';
        const y = turned === null ? tf.conv2d(x, weights, 1, padding) : depthwise(tf, x, weights, turned);
        return bias === null ? y : tf.add(y, bias);
      }
    }
  }

  /** Kernels from ONNX's [out][in][height][width] to TensorFlow's layouts; refuses what `apply` does not know. */
  private prepare(file: string): void {
    const { tf } = this;
    for (const { opType, inputs, outputs, ints } of this.nodes) {
      if (opType === 'LeakyRelu' || opType === 'MaxPool') continue;
      const constant = this.constants.get(inputs[1] ?? '');
      const offsets = this.constants.get(inputs[2] ?? '')?.data;
      const group = ints['group']?.[0] ?? 1;
      const [out = 0, perGroup = 0, side = 0] = constant?.dims ?? [];
      const known = opType === 'Conv' && (ints['strides'] ?? [1]).every((stride) => stride === 1);
      if (!known || !(constant?.data instanceof Float32Array) || (group !== 1 && (group !== out || perGroup !== 1)))
        throw new UsherError('model-invalid', `${file}: a layer of type ${opType} cannot be rebuilt for styling`);
      const { data } = constant;
      const oihw = (order: number[]): Tensor4D =>
        tf.tidy(() => tf.transpose(tf.tensor4d(data, [out, perGroup, side, side]), order));
      const weights = oihw(group === 1 ? [2, 3, 1, 0] : [2, 3, 0, 1]);
      this.kernels.set(outputs[0] ?? '', {
        weights,
        bias: offsets instanceof Float32Array ? tf.tensor2d(offsets, [1, offsets.length]) : null,
        turned: group === 1 ? null : tf.reverse(weights, [0, 1]),
      });
    }
  }
}

/**
 * A depthwise convolution at stride 1 with zeros around, with the gradient to its input: the same with the kernel turned. The wasm
 * backend has none of its own (DepthwiseConv2dNativeBackpropInput).
 */
function depthwise(tf: Tf, x: Tensor4D, weights: Tensor4D, turned: Tensor4D): Tensor4D {
  const convolve = tf.customGrad((input) => ({
    value: tf.depthwiseConv2d(input as Tensor4D, weights, 1, 'same'),
    gradFunc: (dy: Tensor4D) => tf.depthwiseConv2d(dy, turned, 1, 'same'),
  }));
  return convolve(x);
}
