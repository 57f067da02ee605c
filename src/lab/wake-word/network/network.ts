import { seededRandom } from '../../../random';
import type { Tensor1D, Tensor2D, TfTensor, Tf } from '../../learning/tensorflow';
import type { Arena } from './arena';
import { conv1d, type FrameBatch } from './conv1d';
import { gru } from './gru';
import { weightedCrossEntropy } from './loss';
import {
  type GruLayer,
  KERNEL_FRAMES,
  type Moments,
  type Network,
  PARAMETER_NAMES,
  type ParameterName,
  STRIDE_FRAMES,
} from './parameters';

export interface Engine {
  readonly tf: Tf;
  readonly arena: Arena;
}

/** Sequences with a target and a weight for each step, both [steps × batch], time first; weight 0 is "do not care". */
export interface LabelledBatch extends FrameBatch {
  readonly targets: Float32Array;
  readonly weights: Float32Array;
}

export interface Gradients {
  readonly loss: number;
  /** In the order of `PARAMETER_NAMES`. */
  readonly gradients: readonly Float32Array[];
  /** Of this batch, for the running ones. */
  readonly norm1: Moments;
  readonly norm2: Moments;
}

export const NORM_EPSILON = 1e-3;
const DROPOUT = 0.2;

type Weights = Readonly<Record<ParameterName, Tensor2D>>;

/** Loss and gradients of one batch. @param dropoutSeed which activations drop out */
export function differentiate(
  engine: Engine,
  network: Network,
  batch: LabelledBatch,
  dropoutSeed: number,
  { dropout = DROPOUT }: { dropout?: number } = {},
): Gradients {
  const { tf, arena } = engine;
  arena.clear();
  let result: Gradients | null = null;
  tf.tidy(() => {
    const moments: Moments[] = [];
    const normalise = (x: Tensor2D, gamma: Tensor2D, beta: Tensor2D): Tensor2D => {
      const mean = tf.mean<Tensor1D>(x, 0);
      const centred = tf.sub<Tensor2D>(x, mean);
      const variance = tf.mean<Tensor1D>(tf.square(centred), 0);
      moments.push({ mean: mean.dataSync<'float32'>(), variance: variance.dataSync<'float32'>() });
      return scaled(tf, centred, variance, gamma, beta);
    };
    const drop = (x: Tensor2D): Tensor2D =>
      dropout === 0 ? x : tf.mul(x, tf.tensor2d(dropoutMask(x.size, dropout, dropoutSeed), x.shape));
    const loss = (...tensors: TfTensor[]): TfTensor => {
      const logits = forward(engine, weightsOf(tensors as Tensor2D[]), batch, normalise, drop);
      return weightedCrossEntropy(tf, logits, batch.targets, batch.weights);
    };
    const { value, grads } = tf.valueAndGrads(loss)(parameterTensors(tf, network));
    const [norm1, norm2] = moments as [Moments, Moments];
    const gradients = grads.map((gradient) => gradient.dataSync<'float32'>());
    result = { loss: value.dataSync<'float32'>()[0] as number, gradients, norm1, norm2 };
  });
  return result as unknown as Gradients;
}

/** Scores as in use: running statistics, nothing dropped. [steps × batch], time first. */
export function score(engine: Engine, network: Network, batch: FrameBatch): Float32Array {
  const { tf, arena } = engine;
  arena.clear();
  let scores = new Float32Array(0);
  tf.tidy(() => {
    const known = [network.norm1, network.norm2].values();
    const normalise = (x: Tensor2D, gamma: Tensor2D, beta: Tensor2D): Tensor2D => {
      const { mean, variance } = known.next().value as Moments;
      return scaled(tf, tf.sub<Tensor2D>(x, tf.tensor1d(mean)), tf.tensor1d(variance), gamma, beta);
    };
    const logits = forward(engine, weightsOf(parameterTensors(tf, network)), batch, normalise, (x) => x);
    scores = Float32Array.from(tf.sigmoid(logits).dataSync<'float32'>());
  });
  return scores;
}

/** Conv → batch norm → ReLU → dropout → GRU → GRU → batch norm → dense, at every step. */
function forward(
  engine: Engine,
  weights: Weights,
  batch: FrameBatch,
  normalise: (x: Tensor2D, gamma: Tensor2D, beta: Tensor2D) => Tensor2D,
  drop: (x: Tensor2D) => Tensor2D,
): Tensor2D {
  const { tf } = engine;
  const seen = conv1d(engine, batch, weights['conv.kernel'], { width: KERNEL_FRAMES, stride: STRIDE_FRAMES });
  const active = drop(tf.relu(normalise(seen, weights['norm1.gamma'], weights['norm1.beta'])));
  const first = gru(engine, active, layerOf(weights, 'gru1'), batch.batch);
  const second = gru(engine, first, layerOf(weights, 'gru2'), batch.batch);
  const normal = normalise(second, weights['norm2.gamma'], weights['norm2.beta']);
  return tf.add(tf.matMul(normal, weights['dense.kernel']), weights['dense.bias']);
}

function layerOf(weights: Weights, layer: GruLayer) {
  return {
    kernel: weights[`${layer}.kernel`],
    recurrent: weights[`${layer}.recurrent`],
    bias: weights[`${layer}.bias`],
  };
}

function scaled(tf: Tf, centred: Tensor2D, variance: Tensor1D, gamma: Tensor2D, beta: Tensor2D): Tensor2D {
  const gain = tf.mul<Tensor2D>(gamma, tf.rsqrt(tf.add(variance, NORM_EPSILON)));
  return tf.add(tf.mul(centred, gain), beta);
}

function parameterTensors(tf: Tf, { parameters }: Network): Tensor2D[] {
  return PARAMETER_NAMES.map((name) => tf.tensor2d(parameters[name].data, [...parameters[name].dims]));
}

function weightsOf(tensors: readonly Tensor2D[]): Weights {
  return Object.fromEntries(PARAMETER_NAMES.map((name, i) => [name, tensors[i]])) as unknown as Weights;
}

/** 0 for what drops out, else 1 / (1 − share), so that sums keep their size. */
function dropoutMask(size: number, share: number, seed: number): Float32Array {
  const random = seededRandom(seed);
  const kept = 1 / (1 - share);
  const mask = new Float32Array(size);
  for (let i = 0; i < size; i++) mask[i] = random.next() < share ? 0 : kept;
  return mask;
}
