import { wilson, type Interval } from '../../report/intervals';

export interface ClusterScores {
  /**
   * Share of the pictures that belong to the most frequent person of their cluster. Clusters of one picture make it 1.
   */
  readonly purity: number;
  readonly purityInterval: Interval;
  /**
   * Mutual information of persons and clusters over the mean of their entropies, 0 … 1. It also falls if a person is
   * split.
   */
  readonly nmi: number;
  readonly clusters: number;
  readonly persons: number;
}

/**
 * How well clusters match persons (Manning, Raghavan & Schütze, "Introduction to Information Retrieval", section 16.3).
 * Purity alone would favour one cluster for each picture, and NMI is lenient with small clusters, so both have to be
 * high.
 * @param labels cluster of each picture
 * @param persons person of each picture
 */
export function clusterScores(labels: ArrayLike<number>, persons: ArrayLike<number>): ClusterScores {
  const count = labels.length;
  const joint = new Map<number, Map<number, number>>();
  const personSizes = new Map<number, number>();
  for (let i = 0; i < count; i++) {
    const label = labels[i] as number;
    const person = persons[i] as number;
    const row = joint.get(label) ?? new Map<number, number>();
    joint.set(label, row.set(person, (row.get(person) ?? 0) + 1));
    personSizes.set(person, (personSizes.get(person) ?? 0) + 1);
  }
  let majority = 0;
  let mutual = 0;
  const clusterSizes: number[] = [];
  for (const row of joint.values()) {
    const size = [...row.values()].reduce((sum, n) => sum + n, 0);
    clusterSizes.push(size);
    majority += Math.max(...row.values());
    for (const [person, n] of row)
      mutual += (n / count) * Math.log((n * count) / (size * (personSizes.get(person) as number)));
  }
  const entropies = (entropy(clusterSizes, count) + entropy([...personSizes.values()], count)) / 2;
  return {
    purity: count === 0 ? 1 : majority / count,
    purityInterval: wilson(majority, count),
    // One cluster and one person: nothing to separate and nothing confused.
    nmi: entropies === 0 ? 1 : Math.min(1, Math.max(0, mutual / entropies)),
    clusters: joint.size,
    persons: personSizes.size,
  };
}

function entropy(sizes: readonly number[], count: number): number {
  return sizes.reduce((sum, size) => sum - (size / count) * Math.log(size / count), 0);
}
