import { enrolledProbesWeight, type ImpostorWeight } from '../../report/bootstrap';
import type { Scores } from '../../report/det';
import { GenuineDistances } from '../../report/genuine-distances';
import { ImpostorDistances } from '../../report/impostor-distances';
import { seededRandom } from '../../../random';
import { UsherError } from '../../../errors';
import { applyHead } from '../../../inference/embedding-head';
import type { Tf } from '../../learning/tensorflow';
import { normaliseInPlace } from '../../../vision/faces/fusion';
import { l2Distance } from '../../../store/members/vector';
import { HEAD_TRAINING, trainHead, type HeadTraining } from './face-head';
import { samplesOf, type HeadView } from './head-views';

export interface HeadTrialOptions {
  /** Number of parts; each part is judged by a head that was trained on the others. */
  readonly folds: number;
  /** How often the persons are dealt into parts again. */
  readonly repeats: number;
  readonly seed: number;
  readonly training?: HeadTraining;
  readonly onProgress?: (share: number) => void;
}

/** The frozen encoder and the heads on the same comparisons, all of persons whom the head had never seen. */
export interface HeadTrial {
  readonly persons: number;
  readonly before: Scores;
  readonly after: Scores;
  /** For the bootstrap over persons. */
  readonly weightOf: ImpostorWeight;
}

/** False matches lie below FMR 1e-2; this much of the impostors' lower tail is kept exactly. */
const TAIL = 1 << 15;

/**
 * Cross-validation by person: persons, not pictures, are dealt into folds, so that no person is both learned from and
 * judged. Within a fold every probe is compared with every enrolled picture. The comparisons of all folds are pooled
 * and judged at one threshold for each side, like a card's threshold.
 * @throws UsherError `data-invalid` with too few persons who have an enrolled picture and a probe
 */
export async function headTrial(tf: Tf, views: readonly HeadView[], options: HeadTrialOptions): Promise<HeadTrial> {
  const { folds, repeats, seed, training = HEAD_TRAINING, onProgress } = options;
  const of = (use: HeadView['use']): Set<number> =>
    new Set(
      views
        .filter((view) => view.use === use && (use !== 'enrolled' || view.vector !== null))
        .map(({ person }) => person),
    );
  const probed = of('probe');
  const judged = [...of('enrolled')].filter((person) => probed.has(person));
  if (folds < 2 || judged.length < 2 * folds)
    throw new UsherError(
      'data-invalid',
      `${judged.length} persons with an enrolled picture and another: too few to leave some out`,
      {
        remedy: `Give pictures of at least ${2 * Math.max(2, folds)} persons, two or more of each, or set fewer --folds.`,
      },
    );
  const people = views.reduce((most, { person }) => Math.max(most, person + 1), 0);
  const before = { genuine: new GenuineDistances(), impostor: new ImpostorDistances(TAIL) };
  const after = { genuine: new GenuineDistances(), impostor: new ImpostorDistances(TAIL) };
  const weights: ImpostorWeight[] = [];

  for (let repeat = 0; repeat < repeats; repeat++) {
    const order = shuffled(judged, seed + repeat);
    for (let fold = 0; fold < folds; fold++) {
      const held = new Set(order.filter((_, i) => i % folds === fold));
      const { matrix } = trainHead(
        tf,
        samplesOf(views.filter(({ person }) => !held.has(person))),
        { ...training, seed: training.seed + repeat },
        (share) => onProgress?.((repeat * folds + fold + share) / (repeats * folds)),
      );
      const dimensions = Math.round(Math.sqrt(matrix.length));
      const head = { fromSpace: 'before', toSpace: 'after', dimensions, matrix };
      const own = views.filter(({ person }) => held.has(person));
      compare(own, before, unit);
      compare(own, after, (vector) => applyHead(head, vector));
      weights.push(weightWithin(own, people));
      // Yields, so that a long training does not block signals and the progress line.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  return {
    persons: judged.length,
    before,
    after,
    weightOf: (drawn) => weights.reduce((sum, weightOf) => sum + weightOf(drawn), 0),
  };
}

function unit(vector: Float32Array): Float32Array {
  const copy = Float32Array.from(vector);
  normaliseInPlace(copy);
  return copy;
}

function compare(
  views: readonly HeadView[],
  { genuine, impostor }: Scores,
  map: (v: Float32Array) => Float32Array,
): void {
  const enrolled = views.flatMap(({ use, person, vector }) =>
    use === 'enrolled' && vector !== null ? [{ person, vector: map(vector) }] : [],
  );
  for (const { use, person, vector } of views) {
    if (use !== 'probe') continue;
    const probe = vector === null ? null : map(vector);
    for (const other of enrolled) {
      const distance = probe === null ? Infinity : l2Distance(probe, other.vector);
      if (other.person === person) genuine.add(distance, person);
      else if (probe !== null) impostor.add(distance, person, other.person);
    }
  }
}

function weightWithin(views: readonly HeadView[], people: number): ImpostorWeight {
  const enrolled = new Int32Array(people);
  const probes = new Int32Array(people);
  for (const { use, person, vector } of views) {
    if (vector === null || use === 'training') continue;
    const counts = use === 'enrolled' ? enrolled : probes;
    counts[person] = (counts[person] as number) + 1;
  }
  return enrolledProbesWeight(enrolled, probes);
}

function shuffled(persons: readonly number[], seed: number): number[] {
  const random = seededRandom(seed);
  const order = [...persons];
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order;
}
