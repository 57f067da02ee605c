import { seededRandom, type Random } from '../../../random';
import { UsherError } from '../../../errors';
import type { Rank, Tensor2D, Tf } from '../../learning/tensorflow';
import { normaliseRows, tripletLoss } from './triplet-loss';
import { semiHardTriplets } from './triplet-mining';
import { whitening } from './whitening';

/** Embeddings of known persons by the frozen encoder. */
export interface HeadSample {
  readonly person: number;
  readonly vector: Float32Array;
  /**
   * A good picture, as used for enrolment. Every batch has one of each person, so that door views are drawn towards it.
   */
  readonly enrolled: boolean;
}

export interface HeadTraining {
  /** α, in squared L2 distance of unit vectors. FaceNet's 0.2 leaves few triplets where the encoder is already trained. */
  readonly margin: number;
  readonly steps: number;
  readonly learningRate: number;
  /** Persons in a batch, and pictures of each. */
  readonly persons: number;
  readonly views: number;
  /** Of the starting point, see `whitening`. */
  readonly shrinkage: number;
  readonly seed: number;
}

/** Chosen on the London pictures with other seeds and splits than those behind the figures. */
export const HEAD_TRAINING: HeadTraining = {
  margin: 0.5,
  steps: 150,
  learningRate: 3e-4,
  persons: 64,
  views: 4,
  shrinkage: 1,
  seed: 1,
};

export interface TrainedHead {
  /** dimensions × dimensions, see `EmbeddingHead`. */
  readonly matrix: Float32Array;
  /** Mean triplet loss of each step. */
  readonly losses: readonly number[];
}

/**
 * The weights of this last share of the steps are averaged (Polyak), since semi-hard mining makes the last ones noisy.
 */
const AVERAGED_SHARE = 0.4;

/**
 * Trains a linear head over frozen embeddings with triplets: M = W·(I + Δ), where W is the whitening start and Adam
 * learns Δ from zero. The same samples and seed give the same head on the same backend.
 * @throws UsherError `data-invalid` with fewer than two persons of two samples
 */
export function trainHead(
  tf: Tf,
  samples: readonly HeadSample[],
  options: HeadTraining = HEAD_TRAINING,
  onStep: (share: number) => void = () => undefined,
): TrainedHead {
  const people = byPerson(samples);
  const dimensions = samples[0]?.vector.length ?? 0;
  if (people.length < 2)
    throw new UsherError('data-invalid', `${people.length} person(s) with two or more pictures: triplets need two`, {
      remedy: 'Give pictures of more persons, at least two of each.',
    });
  const random = seededRandom(options.seed);
  const start = tf.tidy(() => whitening(tf, matrixOf(tf, samples), personsOf(samples), options.shrinkage));
  const delta = tf.tidy(() => tf.variable<Rank.R2>(tf.zeros([dimensions, dimensions])));
  const optimiser = tf.train.adam(options.learningRate);
  const losses: number[] = [];
  const sum = new Float64Array(dimensions * dimensions);
  let averaged = 0;
  try {
    for (let step = 0; step < options.steps; step++) {
      const batch = batchOf(people, options, random);
      losses.push(tf.tidy(() => stepOn(batch)));
      if (step >= options.steps * (1 - AVERAGED_SHARE)) {
        delta.dataSync().forEach((value, i) => (sum[i] = (sum[i] as number) + value));
        averaged++;
      }
      onStep((step + 1) / options.steps);
    }
    const matrix = tf.tidy(() => {
      const mean = tf.tensor2d(
        Float32Array.from(sum, (value) => value / Math.max(1, averaged)),
        [dimensions, dimensions],
      );
      return tf.matMul(start, tf.add(tf.eye(dimensions), mean)).dataSync() as Float32Array;
    });
    return { matrix: Float32Array.from(matrix), losses };
  } finally {
    tf.dispose([start, delta]);
    optimiser.dispose();
  }

  function stepOn(batch: readonly HeadSample[]): number {
    const whitened = tf.matMul(matrixOf(tf, batch), start);
    const embed = (): Tensor2D => normaliseRows(tf, tf.add(whitened, tf.matMul(whitened, delta)));
    const squared = tf.tidy(() => {
      const embedded = embed();
      return tf.sub(2, tf.mul(2, tf.matMul(embedded, embedded, false, true))).dataSync() as Float32Array;
    });
    const triplets = semiHardTriplets(squared, personsOf(batch), options.margin);
    // Every pair of the batch is beyond the margin, so there is nothing to learn from it.
    if (triplets.anchor.length === 0) return 0;
    const cost = optimiser.minimize(() => tripletLoss(tf, embed(), triplets, options.margin), true, [delta]);
    const loss = cost?.dataSync()[0] ?? NaN;
    if (!Number.isFinite(loss)) throw new UsherError('data-invalid', 'training diverged: the loss is not a number');
    return loss;
  }
}

/** Persons with at least two samples; others make no positive pair. */
function byPerson(samples: readonly HeadSample[]): HeadSample[][] {
  const people = new Map<number, HeadSample[]>();
  for (const sample of samples) {
    const own = people.get(sample.person);
    if (own === undefined) people.set(sample.person, [sample]);
    else own.push(sample);
  }
  return [...people.values()].filter((own) => own.length > 1);
}

function batchOf(people: readonly HeadSample[][], { persons, views }: HeadTraining, random: Random): HeadSample[] {
  return drawn(people, persons, random).flatMap((own) => {
    const [enrolled] = drawn(
      own.filter((sample) => sample.enrolled),
      1,
      random,
    );
    const others = own.filter((sample) => sample !== enrolled);
    return enrolled === undefined ? drawn(own, views, random) : [enrolled, ...drawn(others, views - 1, random)];
  });
}

/** This many without repetition; all if there are fewer. */
function drawn<T>(from: readonly T[], wanted: number, random: Random): T[] {
  const pool = [...from];
  const count = Math.min(wanted, pool.length);
  for (let i = 0; i < count; i++) {
    const j = i + random.below(pool.length - i);
    [pool[i], pool[j]] = [pool[j] as T, pool[i] as T];
  }
  return pool.slice(0, count);
}

function matrixOf(tf: Tf, samples: readonly HeadSample[]): Tensor2D {
  const dimensions = samples[0]?.vector.length ?? 0;
  const data = new Float32Array(samples.length * dimensions);
  samples.forEach(({ vector }, i) => data.set(vector, i * dimensions));
  return tf.tensor2d(data, [samples.length, dimensions]);
}

const personsOf = (samples: readonly HeadSample[]): Int32Array => Int32Array.from(samples, ({ person }) => person);
