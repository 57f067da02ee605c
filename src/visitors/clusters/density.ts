import { type Labels, renumbered } from './points';

/** Labels of a point in no cluster yet, and of a point without dense neighbours. */
const UNSEEN = -1;
const NOISE = -2;

/**
 * DBSCAN (Ester, Kriegel, Sander & Xu 1996): a point with at least `minPoints` points within `reach`, itself included,
 * is dense. Dense points within reach of one another form one cluster, together with all points within their reach. The
 * other points are noise; here each of them becomes a cluster of its own, a visitor seen once. DBSCAN needs no number
 * of clusters, only a distance within which two pictures count as one person. With `minPoints` 2 the result does not
 * depend on the order of the points (it is the connected components within `reach`). With more, a point on the border
 * of two clusters belongs to the one that is found first.
 * @param distances count × count
 */
export function densityClusters(distances: Float32Array, reach: number, minPoints = 2): Labels {
  const count = Math.round(Math.sqrt(distances.length));
  const labels = new Int32Array(count).fill(UNSEEN);
  const near = (i: number): number[] => {
    const found: number[] = [];
    for (let j = 0; j < count; j++) if ((distances[i * count + j] as number) <= reach) found.push(j);
    return found;
  };
  let clusters = 0;
  for (let i = 0; i < count; i++) {
    if (labels[i] !== UNSEEN) continue;
    const around = near(i);
    if (around.length < minPoints) {
      labels[i] = NOISE;
      continue;
    }
    const cluster = clusters++;
    labels[i] = cluster;
    for (let at = 0; at < around.length; at++) {
      const j = around[at] as number;
      const before = labels[j];
      if (before !== UNSEEN && before !== NOISE) continue;
      labels[j] = cluster;
      if (before === NOISE) continue;
      const further = near(j);
      if (further.length >= minPoints) for (const next of further) if ((labels[next] as number) < 0) around.push(next);
    }
  }
  return renumbered(labels.map((label) => (label === NOISE ? clusters++ : label)));
}
