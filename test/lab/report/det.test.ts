import fc from 'fast-check';
import {
  detCurve,
  equalErrorRate,
  fnmrAtFmr,
  operatingPoint,
  supportAt,
  thresholdAtFmr,
} from '../../../src/lab/report/det';
import { GenuineDistances } from '../../../src/lab/report/genuine-distances';
import { ImpostorDistances } from '../../../src/lab/report/impostor-distances';

function scores(genuineDistances: readonly number[], impostorDistances: readonly number[], tail?: number) {
  const genuine = new GenuineDistances();
  const impostor = new ImpostorDistances(tail);
  genuineDistances.forEach((distance, i) => genuine.add(distance, i));
  impostorDistances.forEach((distance, i) => impostor.add(distance, i, i + 1));
  return { genuine, impostor };
}

const distance = fc.integer({ min: 1, max: 1999 }).map((n) => Math.fround(n / 1000));
const distances = fc.array(distance, { minLength: 1, maxLength: 300 });

describe('FNMR at FMR', () => {
  // Ten impostors at 0.1, 0.2 … 1.0; genuine attempts at 0.05, 0.15, 0.25, 0.35.
  const ten = Array.from({ length: 10 }, (_, i) => (i + 1) / 10);
  const hand = scores([0.05, 0.15, 0.25, 0.35], ten);

  test.each([
    // Target FMR, impostors accepted, genuine refused out of four.
    [0.1, 1, 2],
    [0.2, 2, 1],
    [0.3, 3, 0],
    [0.35, 3, 0],
    [0.19, 1, 2],
  ])('FMR %p accepts %p of ten and refuses %p of four', (fmr, accepted, refused) => {
    const { point } = fnmrAtFmr(hand, fmr);
    expect(point?.fmr).toBeCloseTo(accepted / 10, 12);
    expect(point?.fnmr).toBeCloseTo(refused / 4, 12);
  });

  test('a threshold is the largest that holds the target: one float32 step more breaks it', () => {
    const threshold = thresholdAtFmr(hand.impostor, 0.2);
    expect(threshold).toBeLessThan(Math.fround(0.3));
    expect(threshold).toBeGreaterThan(0.29999);
  });

  test('ties at the threshold are refused rather than let the target be passed', () => {
    const tied = scores([0.1, 0.5], [0.2, 0.5, 0.5, 0.5, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9]);
    const { point } = fnmrAtFmr(tied, 0.2);
    expect(point?.fmr).toBeCloseTo(0.1, 12);
    expect(point?.fnmr).toBe(0.5);
  });

  test('too few impostor pairs: no value instead of a flattering one', () => {
    expect(fnmrAtFmr(hand, 0.01)).toMatchObject({ support: 'not-enough-impostor-pairs', point: null, interval: null });
    expect(supportAt(1e-4, 9_999)).toBe('not-enough-impostor-pairs');
    expect(supportAt(1e-4, 10_000)).toBe('rough');
    expect(supportAt(1e-4, 299_999)).toBe('rough');
    expect(supportAt(1e-4, 300_000)).toBe('good');
  });

  test('a face that was not found is a non-match, and is told apart', () => {
    const { point } = fnmrAtFmr(scores([0.05, Infinity, 0.5, Infinity], ten), 0.1);
    expect(point).toMatchObject({ fnmr: 0.75, fnmrAcquired: 0.5 });
  });

  test('whatever the distances, the FMR holds and no looser float32 threshold would hold it', () => {
    fc.assert(
      fc.property(distances, distances, fc.double({ min: 0.01, max: 0.9, noNaN: true }), (g, i, fmr) => {
        const all = scores(g, i);
        const { point } = fnmrAtFmr(all, fmr);
        if (point === null) return i.length * fmr < 1;
        const looser = i.filter((d) => d > point.threshold).sort((a, b) => a - b)[0] ?? Infinity;
        return (
          point.fmr <= fmr + 1e-9 &&
          operatingPoint(all, looser).fmr > fmr &&
          point.fnmr === g.filter((d) => d > point.threshold).length / g.length
        );
      }),
    );
  });
});

describe('impostor distances in bounded memory', () => {
  test('a tail far smaller than the stream gives the same thresholds as keeping all, up to a bin beyond the tail', () => {
    fc.assert(
      fc.property(fc.array(distance, { minLength: 20, maxLength: 400 }), fc.integer({ min: 2, max: 12 }), (i, tail) => {
        const bounded = scores([1], i, tail).impostor;
        const full = scores([1], i, 1000).impostor;
        const sorted = [...i].sort((a, b) => a - b);
        expect([...bounded.tail().distances]).toEqual(sorted.slice(0, Math.min(bounded.tail().distances.length)));
        for (let allowed = 0; allowed < i.length; allowed++) {
          const exact = full.thresholdAccepting(allowed);
          const approximate = bounded.thresholdAccepting(allowed);
          if (allowed < tail) expect(approximate).toBe(exact);
          else expect(exact - approximate).toBeLessThan(2 ** -17 + 1e-7);
          expect(approximate).toBeLessThanOrEqual(exact);
          expect(bounded.accepted(approximate)).toBeLessThanOrEqual(allowed);
        }
      }),
      { numRuns: 50 },
    );
  });

  test('persons stay with their distances through the compaction', () => {
    const impostor = new ImpostorDistances(4);
    for (let i = 0; i < 100; i++) impostor.add(((i * 37) % 100) / 100, (i * 37) % 100, 1000 + ((i * 37) % 100));
    const { distances: kept, first, second } = impostor.tail();
    expect(impostor.count).toBe(100);
    expect([...first]).toEqual([0, 1, 2, 3]);
    expect([...second]).toEqual([1000, 1001, 1002, 1003]);
    expect([...kept]).toEqual([0, 0.01, 0.02, 0.03].map(Math.fround));
  });

  test('reading in between does not disturb what is added later', () => {
    const impostor = new ImpostorDistances(3);
    for (const d of [0.9, 0.5, 0.7, 0.8, 0.6]) impostor.add(d, 0, 1);
    expect(impostor.accepted(0.55)).toBe(1);
    impostor.add(0.1, 0, 1);
    expect(impostor.accepted(0.55)).toBe(2);
    expect(impostor.count).toBe(6);
  });
});

describe('equal error rate', () => {
  test.each([
    ['separable', [0.1, 0.2], [0.8, 0.9], 0],
    ['one of four crosses on each side', [0.1, 0.2, 0.3, 0.7], [0.5, 0.8, 0.9, 1], 0.25],
    ['reversed', [0.8, 0.9], [0.1, 0.2], 1],
    // FNMR steps from 1/2 to 0 at 0.6 while FMR is 1/3 there: the crossing lies inside the step.
    ['inside a step', [0.1, 0.6], [0.5, 0.8, 0.9], (1 / 3 + 0) / 2],
  ])('%s', (_, genuine, impostor, expected) => {
    expect(equalErrorRate(scores(genuine, impostor))?.eer).toBeCloseTo(expected, 12);
  });

  test('nothing to compare: no value', () => {
    expect(equalErrorRate(scores([], [0.1]))).toBeNull();
    expect(equalErrorRate(scores([0.1], []))).toBeNull();
  });

  test('lies between the two rates at its own threshold, and failures to find a face count against it', () => {
    fc.assert(
      fc.property(distances, distances, fc.boolean(), (g, i, failure) => {
        const all = scores(failure ? [...g, Infinity] : g, i);
        const result = equalErrorRate(all);
        if (result === null) return false;
        const { fmr, fnmr } = operatingPoint(all, result.threshold);
        return result.eer >= Math.min(fmr, fnmr) - 1e-12 && result.eer <= Math.max(fmr, fnmr) + 1e-12;
      }),
    );
  });
});

test('the curve never rises: more false matches, fewer false non-matches', () => {
  fc.assert(
    fc.property(distances, distances, (g, i) => {
      const curve = detCurve(scores(g, i), 50);
      return curve.every((point, at) => {
        const before = curve[at - 1];
        return before === undefined || (point.fmr >= before.fmr && point.fnmr <= before.fnmr);
      });
    }),
  );
});
