import fc from 'fast-check';
import { seededRandom } from '../../../../src/random';
import { loadTfjs, type Rank, type Tensor2D, type Tf } from '../../../../src/lab/learning/tensorflow';
import { normaliseRows, type Triplets, tripletLoss } from '../../../../src/lab/faces/head/triplet-loss';
import { semiHardTriplets } from '../../../../src/lab/faces/head/triplet-mining';
import { inverseSquareRoot, whitening } from '../../../../src/lab/faces/head/whitening';

let tf: Tf;
beforeAll(async () => {
  tf = (await loadTfjs('wasm')).tf;
});

const triplets = (...rows: [number, number, number][]): Triplets => ({
  anchor: Int32Array.from(rows, ([a]) => a),
  positive: Int32Array.from(rows, ([, p]) => p),
  negative: Int32Array.from(rows, ([, , n]) => n),
});

/** The same loss in double precision, written out. */
function reference(
  rows: readonly (readonly number[])[],
  { anchor, positive, negative }: Triplets,
  margin: number,
): number {
  const squared = (i: number, j: number): number =>
    rows[i]!.reduce((sum, value, d) => sum + (value - rows[j]![d]!) ** 2, 0);
  let sum = 0;
  anchor.forEach((a, t) => (sum += Math.max(0, squared(a, positive[t]!) - squared(a, negative[t]!) + margin)));
  return sum / anchor.length;
}

/** Central differences of a function of rows. */
function numericGradient(rows: readonly (readonly number[])[], of: (rows: readonly number[][]) => number): number[] {
  const step = 1e-5;
  return rows.flatMap((row, i) =>
    row.map((_, d) => {
      const moved = (by: number): number[][] =>
        rows.map((one, at) => one.map((value, e) => value + (at === i && e === d ? by : 0)));
      return (of(moved(step)) - of(moved(-step))) / (2 * step);
    }),
  );
}

const randomRows = (count: number, dimensions: number, seed: number): number[][] => {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => Array.from({ length: dimensions }, () => random.normal()));
};

describe('the triplet loss', () => {
  const some = triplets([0, 1, 2], [1, 0, 3], [2, 3, 0], [3, 2, 1]);

  it.each([0, 0.2, 1, 5])('is its definition, and its gradient that of finite differences, at α = %d', (margin) => {
    for (let seed = 1; seed <= 4; seed++) {
      const rows = randomRows(4, 5, seed);
      const of = (x: Tensor2D) => tripletLoss(tf, x, some, margin);
      expect(of(tf.tensor2d(rows)).dataSync()[0]).toBeCloseTo(reference(rows, some, margin), 4);
      const gradient = tf
        .grad((x) => of(x as Tensor2D))(tf.tensor2d(rows))
        .dataSync();
      const expected = numericGradient(rows, (moved) => reference(moved, some, margin));
      expected.forEach((value, i) => expect(gradient[i]).toBeCloseTo(value, 3));
    }
  });

  it('has the gradient of finite differences through the normalisation too', () => {
    const rows = randomRows(4, 5, 9);
    const unit = (all: readonly (readonly number[])[]): number[][] =>
      all.map((row) => row.map((value) => value / Math.hypot(...row)));
    const gradient = tf
      .grad((x) => tripletLoss(tf, normaliseRows(tf, x as Tensor2D), some, 0.5))(tf.tensor2d(rows))
      .dataSync();
    const expected = numericGradient(rows, (moved) => reference(unit(moved), some, 0.5));
    expect(Math.max(...expected.map(Math.abs))).toBeGreaterThan(0.05);
    expected.forEach((value, i) => expect(gradient[i]).toBeCloseTo(value, 3));
  });

  it('takes nothing from a triplet that is kept apart by more than the margin', () => {
    const rows = tf.tensor2d([
      [0, 0],
      [0.1, 0],
      [2, 0],
    ]);
    const gradient = tf.grad((x) => tripletLoss(tf, x as Tensor2D, triplets([0, 1, 2]), 0.2))(rows);
    expect([...gradient.dataSync()].map(Math.abs)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('refuses a mean over nothing', () => {
    expect(() => tripletLoss(tf, tf.tensor2d([[1]]), triplets(), 0.2)).toThrow(RangeError);
  });

  /** Pictures that lie about their person, with persons that overlap, as real ones do; a linear map is trained on all triplets. */
  function spreadAfterTraining(margin: number): number {
    const random = seededRandom(3);
    const centres = randomRows(10, 3, 5);
    const persons = Array.from({ length: 20 }, (_, i) => i >> 1);
    const rows = tf.tensor2d(persons.map((p) => centres[p]!.map((value) => value + 0.7 * random.normal())));
    const all = persons.flatMap((person, a) =>
      persons.flatMap((other, n): [number, number, number][] => (other === person ? [] : [[a, a ^ 1, n]])),
    );
    const weights = tf.variable<Rank.R2>(tf.eye(3));
    const optimiser = tf.train.sgd(0.2);
    const spread = (): number => {
      const mapped = tf.matMul(rows, weights);
      return tf.mean(tf.sum(tf.square(tf.sub(mapped, tf.mean(mapped, 0, true))), 1)).dataSync()[0]!;
    };
    const before = spread();
    for (let step = 0; step < 300; step++)
      optimiser.minimize(() => tripletLoss(tf, tf.matMul(rows, weights), triplets(...all), margin), false, [weights]);
    return spread() / before;
  }

  it('without α makes everybody the same, and with α does not', () => {
    const [without, withMargin] = tf.tidy(() => [spreadAfterTraining(0), spreadAfterTraining(1)]);
    expect(without).toBeLessThan(0.05);
    expect(withMargin).toBeGreaterThan(0.5);
  });

  it('is nothing for the useless answer without α, and α with it', () => {
    const same = tf.ones<Rank.R2>([4, 3]);
    expect(tripletLoss(tf, same, some, 0).dataSync()[0]).toBe(0);
    expect(tripletLoss(tf, same, some, 0.2).dataSync()[0]).toBeCloseTo(0.2, 6);
  });
});

describe('semi-hard mining', () => {
  const squaredOf = (values: readonly number[]): Float32Array =>
    Float32Array.from(values.flatMap((a) => values.map((b) => (a - b) ** 2)));
  const rowsOf = ({ anchor, positive, negative }: Triplets): number[][] =>
    [...anchor].map((a, t) => [a, positive[t]!, negative[t]!]);

  it.each([
    [
      'the nearest beyond the positive',
      [0, 1, 1.25, 1.1],
      [0, 0, 1, 1],
      0.6,
      [
        [0, 1, 3],
        [1, 0, 2],
        [2, 3, 1],
      ],
    ],
    ['nothing where all are beyond the margin', [0, 0.1, 5, 5.1], [0, 0, 1, 1], 0.2, []],
    [
      'the farthest where all are nearer than the positive',
      [0, 3, 0.5, 1],
      [0, 0, 1, 2],
      0.2,
      [
        [0, 1, 3],
        [1, 0, 2],
      ],
    ],
    ['nothing of one person alone', [0, 1, 2], [0, 0, 0], 1, []],
  ])('takes %s', (_, values, persons, margin, expected) => {
    const found = rowsOf(semiHardTriplets(squaredOf(values), persons, margin));
    const sorted = (rows: number[][]): string[] => rows.map((row) => row.join(' ')).sort();
    expect(sorted(found)).toEqual(sorted(expected));
  });

  it('makes triplets of two pictures of one person and one of another, each with something to learn', () => {
    const batch = fc.array(fc.tuple(fc.float({ min: 0, max: 4, noNaN: true }), fc.nat(3)), { maxLength: 14 });
    fc.assert(
      fc.property(batch, (rows) => {
        const values = rows.map(([value]) => value);
        const persons = rows.map(([, person]) => person);
        const squared = squaredOf(values);
        const at = (i: number, j: number): number => squared[i * values.length + j]!;
        for (const [a, p, n] of rowsOf(semiHardTriplets(squared, persons, 0.3)) as [number, number, number][]) {
          expect(a).not.toBe(p);
          expect(persons[a]).toBe(persons[p]);
          expect(persons[a]).not.toBe(persons[n]);
          expect(at(a, n)).toBeLessThan(at(a, p) + 0.3);
          // Harder only where nobody is farther than the positive.
          if (at(a, n) <= at(a, p))
            persons.forEach((person, other) => {
              if (person !== persons[a]) expect(at(a, other)).toBeLessThanOrEqual(at(a, p));
            });
        }
      }),
    );
  });
});

describe('whitening', () => {
  it('takes the inverse square root of a matrix', () => {
    tf.tidy(() => {
      const root = tf.tensor2d(randomRows(6, 6, 4));
      const matrix = tf.add<Tensor2D>(tf.matMul(root, root, false, true), tf.mul(0.3, tf.eye(6)));
      const inverse = inverseSquareRoot(tf, matrix);
      const identity = tf.matMul(tf.matMul(inverse, matrix), inverse).dataSync();
      tf.eye(6)
        .dataSync()
        .forEach((value, i) => expect(identity[i]).toBeCloseTo(value, 2));
    });
  });

  it('makes the differences within persons even in all directions, and leaves the space alone when shrunk fully', () => {
    const random = seededRandom(6);
    const persons = Int32Array.from({ length: 400 }, (_, i) => i >> 2);
    const centres = randomRows(100, 3, 7);
    const scale = [2, 0.5, 0.1];
    const rows = Array.from(persons, (p) => centres[p]!.map((value, d) => value + scale[d]! * random.normal()));
    tf.tidy(() => {
      const map = whitening(tf, tf.tensor2d(rows), persons, 1e-3).dataSync();
      const gains = [0, 1, 2].map((d) => map[4 * d]! * scale[d]!);
      expect(gains[1]! / gains[0]!).toBeCloseTo(1, 0);
      expect(gains[2]! / gains[0]!).toBeCloseTo(1, 0);
      const gentle = whitening(tf, tf.tensor2d(rows), persons, 1e6).dataSync();
      expect(gentle[4]! / gentle[0]!).toBeCloseTo(1, 3);
    });
  });
});
