import { seededRandom, streamSeed, type Random } from '../../../random';
import type { Scalar, Tensor2D, Tf } from '../../learning/tensorflow';
import { SCENE_GRID, shrinkGrid } from '../../../vision/scene/scene-input';
import { logisticLoss } from './logistic';
import { augmentInto, SCENE_AUGMENTATION, type SceneAugmentation } from './augment';
import type { SceneData, ScenePicture } from '../evaluation/data';
import { type SceneArchitecture, SceneNetwork, type SceneShape, type SceneWeights } from './network';

/** (value − mean) / scale of each channel: about −2..2. */
export const SCENE_MEAN = 127.5;
export const SCENE_SCALE = 64;

export interface SceneTraining {
  readonly architecture: SceneArchitecture;
  readonly size: number;
  readonly seed: number;
  readonly epochs: number;
  readonly batch: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  /** Null: each picture as it is, whole. */
  readonly augmentation: SceneAugmentation | null;
}

export const SCENE_TRAINING: Omit<SceneTraining, 'architecture' | 'size' | 'seed'> = {
  epochs: 60,
  batch: 32,
  learningRate: 2e-3,
  weightDecay: 1e-4,
  augmentation: SCENE_AUGMENTATION,
};

/** Share of the training pictures that are trained on; the others choose the epoch. */
const FITTED_SHARE = 0.8;
/** Running mean of the weights over about so many steps; what is judged and kept is the mean (Polyak & Juditsky 1992). */
const MEAN_STEPS = 40;

export interface SceneEpoch {
  readonly epoch: number;
  readonly loss: number;
  readonly validationLoss: number;
  readonly validationAccuracy: number;
}

export interface TrainedScene {
  readonly shape: SceneShape;
  readonly weights: SceneWeights;
  readonly fitted: number;
  readonly validated: number;
  readonly epochs: readonly SceneEpoch[];
  /** The epoch whose weights were kept. */
  readonly best: SceneEpoch;
}

/**
 * Trains one network with the logistic loss and Adam. Of the training pictures 80 % are fitted, 20 % (the same of every label)
 * choose the epoch by their loss; the test pictures are not touched. The same seed gives the same split, pictures and order.
 */
export function trainScene(
  tf: Tf,
  data: Pick<SceneData, 'training' | 'labels' | 'kind'>,
  options: SceneTraining,
  onEpoch: (epoch: SceneEpoch) => void = () => undefined,
): TrainedScene {
  const random = seededRandom(streamSeed(options.seed, 11));
  const { fitted, validation } = splitPictures(data.training, streamSeed(options.seed, 12));
  const outputs = data.kind === 'binary' ? 1 : data.labels.length;
  const shape: SceneShape = { architecture: options.architecture, size: options.size, outputs };
  const network = new SceneNetwork(tf, shape, seededRandom(streamSeed(options.seed, 13)));
  const optimizer = tf.train.adam(options.learningRate);
  const mean = new RunningMean(network.weights());
  const held = wholePictures(validation, options.size);
  const epochs: SceneEpoch[] = [];
  let best: { epoch: SceneEpoch; weights: SceneWeights } | null = null;
  try {
    for (let epoch = 0; epoch < options.epochs; epoch++) {
      let sum = 0;
      let steps = 0;
      for (const batch of batches(shuffled(fitted, random), options.batch)) {
        sum += fit(tf, network, optimizer, batch, options, random);
        steps++;
        mean.add(network.weights());
      }
      const current = network.weights();
      network.load(mean.weights);
      const judged = judge(tf, network, held, validation);
      network.load(current);
      const report: SceneEpoch = { epoch, loss: sum / steps, ...judged };
      epochs.push(report);
      if (best === null || report.validationLoss < best.epoch.validationLoss)
        best = { epoch: report, weights: mean.copy() };
      onEpoch(report);
    }
  } finally {
    network.dispose();
    optimizer.dispose();
  }
  if (best === null) throw new RangeError('training of no epochs');
  return {
    shape,
    weights: best.weights,
    fitted: fitted.length,
    validated: validation.length,
    epochs,
    best: best.epoch,
  };
}

/** Seeded, by label: each combination of labels is split in the same ratio. */
export function splitPictures(
  pictures: readonly ScenePicture[],
  seed: number,
): { fitted: readonly ScenePicture[]; validation: readonly ScenePicture[] } {
  const random = seededRandom(seed);
  const groups = new Map<string, ScenePicture[]>();
  for (const picture of pictures) {
    const key = picture.targets.join();
    groups.set(key, [...(groups.get(key) ?? []), picture]);
  }
  const fitted: ScenePicture[] = [];
  const validation: ScenePicture[] = [];
  for (const group of groups.values()) {
    const mixed = shuffled(group, random);
    const cut = Math.max(1, Math.round(FITTED_SHARE * mixed.length));
    fitted.push(...mixed.slice(0, cut));
    validation.push(...mixed.slice(cut));
  }
  return { fitted, validation: validation.length > 0 ? validation : fitted };
}

function fit(
  tf: Tf,
  network: SceneNetwork,
  optimizer: ReturnType<Tf['train']['adam']>,
  batch: readonly ScenePicture[],
  options: SceneTraining,
  random: Random,
): number {
  const { size, augmentation, weightDecay } = options;
  const each = size * size * 3;
  const pixels = new Float32Array(batch.length * each);
  const view = { size, mean: SCENE_MEAN, scale: SCENE_SCALE, augmentation: augmentation ?? NO_AUGMENTATION };
  batch.forEach(({ grid }, i) => augmentInto(pixels.subarray(i * each, (i + 1) * each), grid, view, random));
  return tf.tidy(() => {
    const pictures = tf.tensor4d(pixels, [batch.length, size, size, 3]);
    const targets = targetsOf(tf, batch);
    const loss = optimizer.minimize(
      () => {
        const fitLoss = logisticLoss(tf, network.logits(pictures), targets);
        const squares = network.matrices.map((matrix) => tf.sum(tf.square(matrix)));
        const decay = squares.reduce((sum, one) => tf.add(sum, one));
        return tf.add<Scalar>(fitLoss, tf.mul(decay, weightDecay / 2));
      },
      true,
      network.parameters,
    );
    return loss === null ? NaN : (loss.dataSync()[0] as number);
  });
}

/** The identity: what `wholePictures` makes, but mirrored half of the time. */
const NO_AUGMENTATION: SceneAugmentation = {
  crop: [1, 1],
  stops: [0, 0],
  gamma: [1, 1],
  warmth: 0,
  grey: 0,
  noise: 0,
};

function judge(
  tf: Tf,
  network: SceneNetwork,
  pixels: Float32Array,
  pictures: readonly ScenePicture[],
): Pick<SceneEpoch, 'validationLoss' | 'validationAccuracy'> {
  const { size } = network.shape;
  return tf.tidy(() => {
    const logits = network.logits(tf.tensor4d(pixels, [pictures.length, size, size, 3]));
    const loss = logisticLoss(tf, logits, targetsOf(tf, pictures)).dataSync()[0] as number;
    const scores = logits.dataSync();
    let right = 0;
    pictures.forEach(({ targets }, i) => {
      if (targets.every((target, k) => (scores[i * targets.length + k] as number) > 0 === target > 0.5)) right++;
    });
    return { validationLoss: loss, validationAccuracy: right / pictures.length };
  });
}

function targetsOf(tf: Tf, pictures: readonly ScenePicture[]): Tensor2D {
  const outputs = pictures[0]?.targets.length ?? 0;
  const values = new Float32Array(pictures.length * outputs);
  pictures.forEach(({ targets }, i) => values.set(targets, i * outputs));
  return tf.tensor2d(values, [pictures.length, outputs]);
}

/** Pictures as the service will give them, packed. */
export function wholePictures(pictures: readonly ScenePicture[], size: number): Float32Array {
  const plane = size * size;
  const pixels = new Float32Array(pictures.length * 3 * plane);
  const planar = new Float32Array(3 * plane);
  const grid = new Float32Array(3 * SCENE_GRID * SCENE_GRID);
  const mean = [SCENE_MEAN, SCENE_MEAN, SCENE_MEAN] as const;
  const scale = [SCENE_SCALE, SCENE_SCALE, SCENE_SCALE] as const;
  pictures.forEach((picture, i) => {
    grid.set(picture.grid);
    shrinkGrid(grid, size, mean, scale, planar);
    for (let at = 0; at < plane; at++)
      for (let channel = 0; channel < 3; channel++)
        pixels[(i * plane + at) * 3 + channel] = planar[channel * plane + at] as number;
  });
  return pixels;
}

class RunningMean {
  readonly weights: SceneWeights;
  private steps = 0;

  constructor(start: SceneWeights) {
    this.weights = start;
  }

  add(weights: SceneWeights): void {
    this.steps++;
    // Early on the plain mean: the first random weights are to be forgotten.
    const share = Math.max(1 / this.steps, 1 / MEAN_STEPS);
    for (const [name, { data }] of this.weights) {
      const next = weights.get(name)?.data;
      if (next === undefined) continue;
      for (let i = 0; i < data.length; i++) data[i] = (data[i] as number) * (1 - share) + (next[i] as number) * share;
    }
  }

  copy(): SceneWeights {
    return new Map([...this.weights].map(([name, { dims, data }]) => [name, { dims, data: Float32Array.from(data) }]));
  }
}

function* batches<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}

/** Fisher and Yates. */
function shuffled<T>(items: readonly T[], random: Random): T[] {
  const mixed = [...items];
  for (let i = mixed.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [mixed[i], mixed[j]] = [mixed[j] as T, mixed[i] as T];
  }
  return mixed;
}
