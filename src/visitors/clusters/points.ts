import { UsherError } from '../../errors';

/** Vectors of one length, stored row by row. */
export interface Points {
  readonly count: number;
  readonly dimensions: number;
  /** count × dimensions. */
  readonly data: Float32Array;
}

/** The cluster of each point: 0, 1, … in the order in which clusters first appear. */
export type Labels = Int32Array;

/** @throws UsherError `data-invalid` for vectors of different lengths, or with a value that is not a finite number */
export function pointsOf(vectors: readonly Float32Array[]): Points {
  const dimensions = vectors[0]?.length ?? 0;
  const data = new Float32Array(vectors.length * dimensions);
  vectors.forEach((vector, i) => {
    if (vector.length !== dimensions || !vector.every(Number.isFinite))
      throw new UsherError('data-invalid', 'vectors of different lengths, or that are not finite, cannot be clustered');
    data.set(vector, i * dimensions);
  });
  return { count: vectors.length, dimensions, data };
}

/** L2 distances of all pairs, count × count, computed once for silhouette, repair and density. */
export function distanceMatrix({ count, dimensions, data }: Points): Float32Array {
  const distances = new Float32Array(count * count);
  for (let i = 0; i < count; i++)
    for (let j = i + 1; j < count; j++) {
      let squares = 0;
      for (let at = i * dimensions, other = j * dimensions, end = at + dimensions; at < end; at++, other++) {
        const difference = (data[at] as number) - (data[other] as number);
        squares += difference * difference;
      }
      const distance = Math.sqrt(squares);
      distances[i * count + j] = distance;
      distances[j * count + i] = distance;
    }
  return distances;
}

/** The same partition with its labels renumbered in order of first appearance. */
export function renumbered(labels: ArrayLike<number>): Labels {
  const names = new Map<number, number>();
  return Int32Array.from(labels, (label) => {
    const known = names.get(label);
    if (known !== undefined) return known;
    names.set(label, names.size);
    return names.size - 1;
  });
}

/** Number of clusters in a partition with labels 0, 1, …. */
export function clusterCount(labels: Labels): number {
  return labels.reduce((most, label) => Math.max(most, label + 1), 0);
}
