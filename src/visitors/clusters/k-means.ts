import { type Labels, renumbered } from './points';

/** Local copies: in a sandboxed realm, such as a test's, each access to a global costs more than the function does. */
const { floor, log, max, min } = Math;

export interface KMeans {
  readonly labels: Labels;
  /** Sum of the squared distances to the assigned centre, which k-means minimises. */
  readonly inertia: number;
}

export interface KMeansOptions {
  /** Runs from different seeds; the one with the least inertia counts. */
  readonly restarts?: number;
  readonly iterations?: number;
}

/**
 * k-means: Lloyd's iteration (1982) from k-means++ seeds (Arthur & Vassilvitskii 2007), in their greedy form: of 2 + ln
 * k drawn candidates the one that lowers the inertia most becomes the next centre. A cluster that becomes empty takes
 * the point that is farthest from its centre, so that k distinct points always make k clusters. It needs only
 * distances. A centre is the mean of its points, so the squared distance of x to it is the mean squared distance of x
 * to them minus half the mean squared distance among them (Dhillon, Guan & Kulis 2004). An iteration therefore costs
 * count², whatever the length of the vectors and the number of clusters.
 * @param distances count × count
 * @param random uniform in [0, 1)
 * @throws RangeError unless 1 ≤ k ≤ count
 */
export function kMeans(
  distances: Float32Array,
  k: number,
  random: () => number,
  { restarts = 4, iterations = 50 }: KMeansOptions = {},
): KMeans {
  const count = Math.round(Math.sqrt(distances.length));
  if (!Number.isInteger(k) || k < 1 || k > count)
    throw new RangeError(`k must lie between 1 and the number of points (${count}), not ${k}`);
  const squared = distances.map((distance) => distance * distance);
  let best = lloyd(squared, seeded(squared, count, k, random), k, iterations);
  for (let run = 1; run < restarts; run++) {
    const found = lloyd(squared, seeded(squared, count, k, random), k, iterations);
    if (found.inertia < best.inertia) best = found;
  }
  return { ...best, labels: renumbered(best.labels) };
}

/**
 * Assigns each point to the nearest of k seeds. Seeds are drawn in proportion to the squared distance from those
 * before.
 */
function seeded(squared: Float32Array, count: number, k: number, random: () => number): Int32Array {
  const nearest = new Float64Array(count).fill(Infinity);
  const labels = new Int32Array(count);
  const candidates = 2 + floor(log(k));
  for (let seed = 0; seed < k; seed++) {
    let chosen = -1;
    let least = Infinity;
    for (let draw = 0; draw < (seed === 0 ? 1 : candidates); draw++) {
      const candidate = seed === 0 ? floor(random() * count) : drawn(nearest, random);
      let sum = 0;
      for (let i = 0; i < count; i++) sum += min(squared[candidate * count + i] as number, nearest[i] as number);
      if (sum >= least) continue;
      least = sum;
      chosen = candidate;
    }
    for (let i = 0; i < count; i++) {
      const away = squared[chosen * count + i] as number;
      if (away >= (nearest[i] as number)) continue;
      nearest[i] = away;
      labels[i] = seed;
    }
  }
  return labels;
}

/** Draws an index in proportion to its weight. If all weights are zero (points that coincide), any. */
function drawn(weights: Float64Array, random: () => number): number {
  let total = 0;
  for (const weight of weights) total += weight;
  if (!(total > 0)) return floor(random() * weights.length);
  let left = random() * total;
  for (let i = 0; i < weights.length; i++) {
    left -= weights[i] as number;
    if (left < 0) return i;
  }
  return weights.length - 1;
}

function lloyd(squared: Float32Array, labels: Int32Array, k: number, iterations: number): KMeans {
  const partition = new Partition(squared, labels, k);
  partition.measure();
  for (let iteration = 0; iteration < iterations; iteration++) {
    if (!partition.assign()) break;
    partition.measure();
  }
  return { labels, inertia: partition.inertia() };
}

/** Points in k clusters, and how far each point is from the centres. */
class Partition {
  private readonly count: number;
  private readonly sizes: Int32Array;
  /** Sum of the squared distances of each point to each cluster's points, and half the mean among those. */
  private readonly sums: Float64Array;
  private readonly spread: Float64Array;
  /** Of each point from the centre that it was assigned to. */
  private readonly away: Float64Array;

  constructor(
    private readonly squared: Float32Array,
    private readonly labels: Int32Array,
    private readonly k: number,
  ) {
    this.count = labels.length;
    this.sizes = new Int32Array(k);
    this.sums = new Float64Array(this.count * k);
    this.spread = new Float64Array(k);
    this.away = new Float64Array(this.count);
  }

  /** Computes the centres from the labels. */
  measure(): void {
    const { squared, labels, k, count, sizes, sums, spread } = this;
    this.countSizes();
    sums.fill(0);
    spread.fill(0);
    for (let i = 0; i < count; i++)
      for (let j = 0; j < count; j++) {
        const at = i * k + (labels[j] as number);
        sums[at] = (sums[at] as number) + (squared[i * count + j] as number);
      }
    for (let i = 0; i < count; i++) {
      const own = labels[i] as number;
      const size = sizes[own] as number;
      spread[own] = (spread[own] as number) + (sums[i * k + own] as number) / (2 * size * size);
    }
  }

  /** Gives each point to the nearest centre, and an empty cluster the farthest point. False where nothing changed. */
  assign(): boolean {
    const { labels, k, count, sizes, away } = this;
    let changed = false;
    for (let i = 0; i < count; i++) {
      let label = labels[i] as number;
      // Ties stay where they are, so that coinciding points do not wander for ever.
      let least = this.toCentre(i, label);
      for (let cluster = 0; cluster < k; cluster++) {
        const other = sizes[cluster] === 0 ? Infinity : this.toCentre(i, cluster);
        if (other >= least) continue;
        least = other;
        label = cluster;
      }
      changed ||= labels[i] !== label;
      labels[i] = label;
      away[i] = least;
    }
    this.countSizes();
    for (let cluster = 0; cluster < k; cluster++) if (sizes[cluster] === 0) changed = this.refill(cluster) || changed;
    return changed;
  }

  inertia(): number {
    let sum = 0;
    for (let i = 0; i < this.count; i++) sum += max(0, this.toCentre(i, this.labels[i] as number));
    return sum;
  }

  private toCentre(i: number, cluster: number): number {
    return (
      (this.sums[i * this.k + cluster] as number) / (this.sizes[cluster] as number) - (this.spread[cluster] as number)
    );
  }

  private countSizes(): void {
    const { labels, sizes } = this;
    sizes.fill(0);
    for (const label of labels) sizes[label] = (sizes[label] as number) + 1;
  }

  /** Gives the farthest point of a cluster that can spare it. False where all that could be taken lies on its own centre. */
  private refill(empty: number): boolean {
    const { labels, count, sizes, away } = this;
    let farthest = -1;
    for (let i = 0; i < count; i++) {
      if ((sizes[labels[i] as number] as number) < 2) continue;
      if (farthest === -1 || (away[i] as number) > (away[farthest] as number)) farthest = i;
    }
    // Rounding error of the differences of sums: smaller squared distances count as zero.
    if (farthest === -1 || !((away[farthest] as number) > 1e-9)) return false;
    const from = labels[farthest] as number;
    sizes[from] = (sizes[from] as number) - 1;
    sizes[empty] = 1;
    labels[farthest] = empty;
    away[farthest] = 0;
    return true;
  }
}
