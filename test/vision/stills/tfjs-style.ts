import type { Tensor2D, Tensor4D, Tf } from '../../../src/lab/learning/tensorflow';
import type { ImageInput } from '../../../src/inference/card';
import type { OnnxFile, OnnxNode } from '../../../src/onnx/reader';
import { CONTENT_LAYER, type LossWeights, STYLE_LAYERS } from '../../../src/vision/stills/style-graphs';

/** Pictures are [1, height, width, 3], 0..1. */
interface Goal {
  readonly content: Tensor4D;
  readonly style: Tensor4D;
  /** Of each position of the content layer, [rows × columns, 1]. */
  readonly weight: Tensor2D;
}

/** The painter's loss as TensorFlow.js computes it, with layers, pooling and derivatives of its own. */
export function tfjsLoss(
  tf: Tf,
  file: OnnxFile,
  image: ImageInput,
  goal: Goal,
  { contentWeight, styleWeight, smoothness }: LossWeights,
): (picture: Tensor4D) => Tensor2D {
  const see = (picture: Tensor4D): Tensor2D[] => layers(tf, file, image, picture);
  const gram = (x: Tensor2D): Tensor2D => tf.div(tf.matMul(x, x, true, false), x.shape[0]);
  const wanted = see(goal.content)[CONTENT_LAYER]!;
  const grams = see(goal.style).map(gram);
  return (picture) => {
    const seen = see(picture);
    const shown = seen[CONTENT_LAYER]!;
    const content = tf.sum(tf.mul(tf.squaredDifference(shown, wanted), goal.weight));
    const styles = seen.map((layer, i) =>
      tf.div<Tensor2D>(tf.sum(tf.squaredDifference(gram(layer), grams[i]!)), 4 * layer.shape[1] ** 2),
    );
    return tf.addN([
      tf.mul((0.5 * contentWeight) / shown.size, content),
      tf.mul(styleWeight / STYLE_LAYERS, tf.addN(styles)),
      tf.mul(smoothness, roughness(tf, picture)),
    ]);
  };
}

function layers(tf: Tf, file: OnnxFile, { mean, scale }: ImageInput, picture: Tensor4D): Tensor2D[] {
  const seen: Tensor2D[] = [];
  let at: Tensor4D = tf.div(tf.sub(tf.mul(picture, 255), tf.tensor1d(mean)), tf.tensor1d(scale));
  for (const node of file.nodes) {
    if (seen.length === STYLE_LAYERS) break;
    if (node.opType === 'LeakyRelu') {
      at = tf.leakyRelu(at, node.floats['alpha']);
      const [, rows, columns, channels] = at.shape;
      seen.push(tf.reshape(at, [rows * columns, channels]));
    } else at = node.opType === 'MaxPool' ? tf.avgPool(at, 2, 2, 'valid') : convolve(tf, at, node, file);
  }
  return seen;
}

function convolve(tf: Tf, x: Tensor4D, { inputs, ints }: OnnxNode, { tensors }: OnnxFile): Tensor4D {
  const { dims, data } = tensors.get(inputs[1]!)!;
  const weights = tf.tensor4d(data as Float32Array, dims as [number, number, number, number]);
  const padding = ints['pads']?.[0] === 0 ? 'valid' : 'same';
  const y: Tensor4D =
    ints['group']?.[0] === 1
      ? tf.conv2d(x, tf.transpose<Tensor4D>(weights, [2, 3, 1, 0]), 1, padding)
      : tf.depthwiseConv2d(x, tf.transpose<Tensor4D>(weights, [2, 3, 0, 1]), 1, padding);
  const bias = tensors.get(inputs[2] ?? '');
  return bias === undefined ? y : tf.add(y, tf.tensor1d(bias.data as Float32Array));
}

function roughness(tf: Tf, picture: Tensor4D): Tensor2D {
  const [, height, width] = picture.shape;
  const part = (y: number, x: number, rows: number, columns: number): Tensor4D =>
    tf.slice(picture, [0, y, x, 0], [1, rows, columns, 3]);
  const across = tf.squaredDifference(part(0, 1, height, width - 1), part(0, 0, height, width - 1));
  const down = tf.squaredDifference(part(1, 0, height - 1, width), part(0, 0, height - 1, width));
  return tf.add(tf.mean(across), tf.mean(down));
}
