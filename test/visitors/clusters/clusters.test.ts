import fc from 'fast-check';
import { densityClusters } from '../../../src/visitors/clusters/density';
import { kMeans } from '../../../src/visitors/clusters/k-means';
import { bySilhouette as silhouetteSteps, partition, takenApart } from '../../../src/visitors/clusters/partition';
import { clusterCount, distanceMatrix, pointsOf, renumbered } from '../../../src/visitors/clusters/points';
import { silhouette } from '../../../src/visitors/clusters/silhouette';
import { seededRandom } from '../../../src/random';

const coordinate = fc.integer({ min: -50, max: 50 }).map((value) => value / 10);
const vectors = fc.array(fc.tuple(coordinate, coordinate, coordinate), { minLength: 1, maxLength: 24 });
const bySilhouette = (distances: Float32Array, reach: number, random: () => number): Int32Array => {
  const steps = silhouetteSteps(distances, reach, random);
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  return step.value;
};
const matrixOf = (rows: readonly (readonly number[])[]): Float32Array =>
  distanceMatrix(pointsOf(rows.map((row) => Float32Array.from(row))));
const drawFrom = (seed: number): (() => number) => {
  const random = seededRandom(seed);
  return () => random.next();
};

/** Three clouds, far apart beside their width. */
function clouds(seed: number, each = 7): { rows: number[][]; truth: number[] } {
  const random = seededRandom(seed);
  const rows: number[][] = [];
  const truth: number[] = [];
  [
    [0, 0],
    [10, 0],
    [0, 10],
  ].forEach((centre, label) => {
    for (let i = 0; i < each; i++) {
      rows.push(centre.map((at) => at + 0.4 * random.normal()));
      truth.push(label);
    }
  });
  return { rows, truth };
}

describe('k-means', () => {
  it('ends where each point is nearest to the mean of its own cluster, with the inertia that the means say', () => {
    fc.assert(
      fc.property(vectors, fc.integer({ min: 1, max: 24 }), fc.nat(), (rows, wanted, seed) => {
        const k = Math.min(wanted, rows.length);
        const { labels, inertia } = kMeans(matrixOf(rows), k, drawFrom(seed), { iterations: 200 });
        const means = Array.from({ length: clusterCount(labels) }, (_, label) => {
          const own = rows.filter((__, i) => labels[i] === label);
          return [0, 1, 2].map((d) => own.reduce((sum, row) => sum + row[d]!, 0) / own.length);
        });
        const squared = (row: readonly number[], mean: readonly number[]): number =>
          row.reduce((sum, value, d) => sum + (value - mean[d]!) ** 2, 0);
        const direct = rows.reduce((sum, row, i) => sum + squared(row, means[labels[i]!]!), 0);
        expect(inertia).toBeCloseTo(direct, 2);
        rows.forEach((row, i) => {
          const nearest = Math.min(...means.map((mean) => squared(row, mean)));
          expect(squared(row, means[labels[i]!]!)).toBeLessThanOrEqual(nearest + 1e-3);
        });
        expect(clusterCount(labels)).toBeLessThanOrEqual(k);
      }),
    );
  });

  it('makes k clusters of k distinct points, and none of them costs anything', () => {
    fc.assert(
      fc.property(fc.uniqueArray(coordinate, { minLength: 1, maxLength: 15 }), fc.nat(), (values, seed) => {
        const { labels, inertia } = kMeans(matrixOf(values.map((value) => [value])), values.length, drawFrom(seed));
        expect(clusterCount(labels)).toBe(values.length);
        expect(inertia).toBeCloseTo(0, 3);
      }),
    );
  });

  it('finds clouds again, whatever the seed', () => {
    for (let seed = 0; seed < 20; seed++) {
      const { rows, truth } = clouds(seed);
      expect([...kMeans(matrixOf(rows), 3, drawFrom(seed)).labels]).toEqual(truth);
    }
  });

  it.each([0, 4, 1.5])('refuses to make %d clusters of three points', (k) => {
    expect(() => kMeans(matrixOf([[0], [1], [2]]), k, Math.random)).toThrow(RangeError);
  });
});

describe('the silhouette', () => {
  it.each([
    ['two pairs', [0, 1, 10, 11], [0, 0, 1, 1], (9.5 / 10.5 + 8.5 / 9.5) / 2],
    ['the pairs mixed up', [0, 1, 10, 11], [0, 1, 0, 1], -0.45],
    ['one cluster', [0, 1, 10], [0, 0, 0], 0],
    ['each alone', [0, 1, 10], [0, 1, 2], 0],
    ['a pair and one alone', [0, 1, 10], [0, 0, 1], (9 / 10 + 8 / 9) / 3],
  ])('of %s', (_, values, labels, expected) => {
    expect(silhouette(Int32Array.from(labels), matrixOf(values.map((value) => [value])))).toBeCloseTo(expected, 5);
  });

  it('lies between −1 and 1, and does not depend on scale', () => {
    fc.assert(
      fc.property(vectors, fc.nat(), (rows, seed) => {
        const random = seededRandom(seed);
        const labels = renumbered(rows.map(() => random.below(4)));
        const score = silhouette(labels, matrixOf(rows));
        expect(Math.abs(score)).toBeLessThanOrEqual(1);
        expect(silhouette(labels, matrixOf(rows.map((row) => row.map((value) => 8 * value))))).toBeCloseTo(score, 5);
      }),
    );
  });
});

describe('clusters by density', () => {
  it('are what hangs together within reach, in any order, with two points to a cluster', () => {
    fc.assert(
      fc.property(vectors, fc.integer({ min: 1, max: 40 }), fc.nat(), (rows, tenths, seed) => {
        const reach = tenths / 10 + 0.05;
        const labels = densityClusters(matrixOf(rows), reach);
        // The oracle: paths of steps within reach.
        const component = rows.map((_, i) => i);
        for (let changed = true; changed;) {
          changed = false;
          rows.forEach((a, i) =>
            rows.forEach((b, j) => {
              if (Math.hypot(...a.map((value, d) => value - b[d]!)) > reach || component[i]! <= component[j]!) return;
              component[i] = component[j]!;
              changed = true;
            }),
          );
        }
        expect([...labels]).toEqual([...renumbered(component)]);
        const random = seededRandom(seed);
        const order = rows.map((_, i) => i).sort(() => random.next() - 0.5);
        const shuffled = densityClusters(matrixOf(order.map((i) => rows[i]!)), reach);
        const back = rows.map((_, i) => shuffled[order.indexOf(i)]!);
        expect([...renumbered(back)]).toEqual([...labels]);
      }),
    );
  });

  it('need as many points as asked for; a chain of single ones is noise, each for itself', () => {
    const line = [[0], [1], [2], [3], [10]];
    expect([...densityClusters(matrixOf(line), 1.1, 2)]).toEqual([0, 0, 0, 0, 1]);
    expect([...densityClusters(matrixOf(line), 1.1, 3)]).toEqual([0, 0, 0, 0, 1]);
    expect([...densityClusters(matrixOf(line), 1.1, 4)]).toEqual([0, 1, 2, 3, 4]);
  });
});

describe('a partition', () => {
  it.each(['density', 'k-means'] as const)('by %s finds clouds, and how many there are', (method) => {
    for (let seed = 0; seed < 4; seed++) {
      const { rows, truth } = clouds(seed);
      const points = pointsOf(rows.map((row) => Float32Array.from(row)));
      expect([...partition(points, { method, reach: 3, random: drawFrom(seed) })]).toEqual(truth);
    }
  });

  it('by silhouette takes nobody together who is beyond reach, and everybody within it', () => {
    fc.assert(
      fc.property(vectors, fc.integer({ min: 1, max: 80 }), fc.nat(), (rows, tenths, seed) => {
        const distances = matrixOf(rows);
        const reach = tenths / 10;
        const labels = bySilhouette(distances, reach, drawFrom(seed));
        expect(labels).toHaveLength(rows.length);
        rows.forEach((_, i) =>
          rows.forEach((__, j) => {
            if (labels[i] === labels[j]) expect(distances[i * rows.length + j]).toBeLessThanOrEqual(reach);
          }),
        );
        if (distances.every((distance) => distance <= reach)) expect(clusterCount(labels)).toBe(1);
      }),
      { numRuns: 40 },
    );
  });

  it('leaves strangers who each came once apart, though k-means would pair them', () => {
    const strangers = [
      [0, 0],
      [2, 0],
      [0, 2.1],
      [2.2, 2],
      [0.1, 0],
    ];
    expect([...bySilhouette(matrixOf(strangers), 0.5, drawFrom(1))]).toEqual([0, 1, 2, 3, 0]);
  });

  it('that is taken apart is finer, and keeps together what fits', () => {
    fc.assert(
      fc.property(vectors, fc.integer({ min: 0, max: 60 }), fc.nat(), (rows, tenths, seed) => {
        const distances = matrixOf(rows);
        const random = seededRandom(seed);
        const coarse = renumbered(rows.map(() => random.below(3)));
        const fine = takenApart(coarse, distances, tenths / 10);
        rows.forEach((_, i) =>
          rows.forEach((__, j) => {
            if (fine[i] !== fine[j]) return;
            expect(coarse[i]).toBe(coarse[j]);
            expect(distances[i * rows.length + j]).toBeLessThanOrEqual(Math.fround(tenths / 10));
          }),
        );
        expect([...takenApart(coarse, distances, Infinity)]).toEqual([...coarse]);
      }),
    );
  });

  it('of nobody is empty; vectors that cannot be compared are refused', () => {
    expect(partition(pointsOf([]), { method: 'k-means', reach: 1, random: Math.random })).toHaveLength(0);
    expect(partition(pointsOf([]), { method: 'density', reach: 1, random: Math.random })).toHaveLength(0);
    expect(() => pointsOf([Float32Array.of(1), Float32Array.of(1, 2)])).toThrow(/cannot be clustered/);
    expect(() => pointsOf([Float32Array.of(NaN)])).toThrow(/cannot be clustered/);
  });
});
