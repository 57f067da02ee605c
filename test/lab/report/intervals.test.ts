import fc from 'fast-check';
import { percentileInterval, widest, wilson } from '../../../src/lab/report/intervals';
import { median, quantile } from '../../../src/quantile';

describe("Wilson's interval", () => {
  // Reference values: R, prop.test(x, n, correct = FALSE)$conf.int.
  test.each([
    [0, 102, 0, 0.036294],
    [1, 10, 0.017876, 0.40415],
    [5, 100, 0.021543, 0.111751],
    [50, 100, 0.403832, 0.596168],
    [10, 10, 0.722467, 1],
  ])('%p of %p', (hits, trials, low, high) => {
    const interval = wilson(hits, trials);
    expect(interval.low).toBeCloseTo(low, 5);
    expect(interval.high).toBeCloseTo(high, 5);
  });

  test('without a trial anything is possible', () => expect(wilson(0, 0)).toEqual({ low: 0, high: 1 }));

  test('holds the proportion, stays in 0..1, and narrows with more trials', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), fc.double({ min: 0, max: 1, noNaN: true }), (trials, share) => {
        const hits = Math.round(share * trials);
        const { low, high } = wilson(hits, trials);
        const more = wilson(hits * 4, trials * 4);
        const p = hits / trials;
        return low >= 0 && high <= 1 && low <= p && p <= high && more.high - more.low < high - low;
      }),
    );
  });
});

test('quantiles interpolate between order statistics', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(quantile([0, 10], 0.99)).toBeCloseTo(9.9, 12);
  expect(median([])).toBeNaN();
});

test('a percentile interval needs replicates to stand on', () => {
  expect(percentileInterval([1, 2, 3])).toBeNull();
  const { low, high } = percentileInterval(Array.from({ length: 101 }, (_, i) => i))!;
  expect(low).toBeCloseTo(2.5, 9);
  expect(high).toBeCloseTo(97.5, 9);
});

test('the widest of two intervals holds both', () => {
  expect(widest({ low: 0.1, high: 0.2 }, { low: 0.15, high: 0.3 })).toEqual({ low: 0.1, high: 0.3 });
  expect(widest({ low: 0.1, high: 0.2 }, null)).toEqual({ low: 0.1, high: 0.2 });
});
