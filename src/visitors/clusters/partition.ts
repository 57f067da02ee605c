import { densityClusters } from './density';
import { kMeans } from './k-means';
import { distanceMatrix, type Labels, type Points, renumbered } from './points';
import { silhouette } from './silhouette';

export const CLUSTER_METHODS = ['density', 'k-means'] as const;
export type ClusterMethod = (typeof CLUSTER_METHODS)[number];

export interface PartitionOptions {
  readonly method: ClusterMethod;
  /** Two vectors farther apart than this never count as one person, whatever the method. */
  readonly reach: number;
  /** Uniform in [0, 1); only k-means uses it. */
  readonly random: () => number;
}

/** How many cluster counts the first pass tries. The second pass tries those around the best. */
const COARSE_STEPS = 24;

/** Groups vectors of one space into those that are probably of one person. */
export function partition(points: Points, options: PartitionOptions): Labels {
  const steps = partitionSteps(points, options);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** The same in steps of some milliseconds, so that a process can serve its doors between them. */
export function* partitionSteps(points: Points, { method, reach, random }: PartitionOptions): Generator<void, Labels> {
  const distances = distanceMatrix(points);
  yield;
  return method === 'density' ? densityClusters(distances, reach) : yield* bySilhouette(distances, reach, random);
}

/** Runs the steps to their end and yields to the event loop after each. */
export async function inSteps<T>(steps: Generator<void, T>): Promise<T> {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/**
 * k-means with the k of the largest silhouette. Two weaknesses are corrected before a partition is judged. First,
 * k-means must put every point into one of k clusters, so a cluster that spans more than `reach` is split (two
 * strangers who each came once may be nearest to one another and are still no cluster). Second, a silhouette needs two
 * clusters, so if all points are within `reach` of one another they are one person without any trial.
 */
export function* bySilhouette(distances: Float32Array, reach: number, random: () => number): Generator<void, Labels> {
  const count = Math.round(Math.sqrt(distances.length));
  if (count === 0) return new Int32Array(0);
  if (distances.every((distance) => distance <= reach)) return new Int32Array(count);
  const tried = new Map<number, { readonly labels: Labels; readonly score: number }>();
  const attempt = (k: number): void => {
    if (k < 1 || k > count || tried.has(k)) return;
    const labels = takenApart(kMeans(distances, k, random).labels, distances, reach);
    tried.set(k, { labels, score: silhouette(labels, distances) });
  };
  const best = (): [number, { readonly labels: Labels; readonly score: number }] =>
    [...tried].reduce((top, next) => (next[1].score > top[1].score ? next : top));
  const step = Math.max(1, Math.ceil(count / COARSE_STEPS));
  // From the largest count down: of two equally good partitions, the one with more clusters confuses fewer people.
  for (let k = count; k >= 1; k -= step) {
    attempt(k);
    yield;
  }
  for (let width = step >> 1, [centre] = best(); width >= 1; width >>= 1, [centre] = best())
    for (const k of [centre + width, centre - width]) {
      attempt(k);
      yield;
    }
  return best()[1].labels;
}

/** Splits each cluster into groups without two members farther apart than `reach` (complete linkage, nearest first). */
export function takenApart(labels: Labels, distances: Float32Array, reach: number): Labels {
  const count = labels.length;
  const clusters = new Map<number, number[]>();
  labels.forEach((label, i) => clusters.set(label, [...(clusters.get(label) ?? []), i]));
  const apart = new Int32Array(count);
  let next = 0;
  for (const members of clusters.values())
    for (const group of completeLinkage(members, distances, count, reach)) {
      for (const i of group) apart[i] = next;
      next++;
    }
  return renumbered(apart);
}

function completeLinkage(
  members: readonly number[],
  distances: Float32Array,
  count: number,
  reach: number,
): (readonly number[])[] {
  const size = members.length;
  const groups: (number[] | null)[] = members.map((member) => [member]);
  /**
   * The largest distance between members of each two groups. After a merge it is the larger of the two merged rows
   * (Lance & Williams 1967).
   */
  const link = new Float32Array(size * size);
  members.forEach((i, a) => members.forEach((j, b) => (link[a * size + b] = distances[i * count + j] as number)));
  for (;;) {
    let into = -1;
    let from = -1;
    let least = reach;
    for (let a = 0; a < size; a++) {
      if (groups[a] === null) continue;
      for (let b = a + 1; b < size; b++) {
        const widest = link[a * size + b] as number;
        if (groups[b] === null || widest > least || (into !== -1 && widest === least)) continue;
        least = widest;
        into = a;
        from = b;
      }
    }
    if (into === -1) return groups.filter((group) => group !== null);
    groups[into]?.push(...(groups[from] ?? []));
    groups[from] = null;
    for (let other = 0; other < size; other++) {
      const widest = Math.max(link[into * size + other] as number, link[from * size + other] as number);
      link[into * size + other] = widest;
      link[other * size + into] = widest;
    }
  }
}
