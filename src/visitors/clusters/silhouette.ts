import { clusterCount, type Labels } from './points';

/**
 * Mean silhouette of a partition (Rousseeuw 1987), −1 … 1: for each point (b − a) / max(a, b), where a is its mean
 * distance to the others of its cluster and b that to the nearest other cluster. A point alone in its cluster counts 0.
 * A partition of one cluster counts 0.
 * @param distances count × count
 */
export function silhouette(labels: Labels, distances: Float32Array): number {
  const count = labels.length;
  const clusters = clusterCount(labels);
  if (count === 0 || clusters < 2) return 0;
  const sizes = new Int32Array(clusters);
  for (const label of labels) sizes[label] = (sizes[label] as number) + 1;
  const sums = new Float64Array(clusters);
  let total = 0;
  for (let i = 0; i < count; i++) {
    const own = labels[i] as number;
    if (sizes[own] === 1) continue;
    sums.fill(0);
    for (let j = 0; j < count; j++) {
      const label = labels[j] as number;
      sums[label] = (sums[label] as number) + (distances[i * count + j] as number);
    }
    const a = (sums[own] as number) / ((sizes[own] as number) - 1);
    let b = Infinity;
    for (let other = 0; other < clusters; other++)
      if (other !== own) b = Math.min(b, (sums[other] as number) / (sizes[other] as number));
    const widest = Math.max(a, b);
    if (widest > 0) total += (b - a) / widest;
  }
  return total / count;
}
