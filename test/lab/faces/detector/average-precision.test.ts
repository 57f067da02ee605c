import fc from 'fast-check';
import { averagePrecision, judge, measurePrecision } from '../../../../src/lab/faces/detector/average-precision';

const box = (x: number, y = 0, width = 10, height = 10) => ({ x, y, width, height });

describe('judging detections', () => {
  test('a truth is hit once, by the best; a second box on it is wrong, and so is one that overlaps too little', () => {
    const found = [
      { box: box(1), score: 0.6 },
      { box: box(0), score: 0.9 },
      { box: box(36), score: 0.8 },
    ];
    expect(judge({ found, truth: [box(0), box(30)] })).toEqual([
      { score: 0.9, hit: true },
      { score: 0.8, hit: false },
      { score: 0.6, hit: false },
    ]);
    expect(judge({ found, truth: [box(0), box(30)] }, 0.2).map(({ hit }) => hit)).toEqual([true, true, false]);
    expect(judge({ found, truth: [] }).some(({ hit }) => hit)).toBe(false);
  });
});

describe('average precision', () => {
  const list = (hits: string) => hits.split('').map((hit, i) => ({ score: 1 - i / 100, hit: hit === '+' }));

  test.each<[string, number, number]>([
    ['++', 2, 1],
    ['+', 2, 0.5],
    ['-+', 1, 0.5],
    // Precision at the hits 1, 2/3, 3/5: monotone as it is. (1 + 2/3 + 3/5) / 4 with one truth never found.
    ['+-+-+', 4, (1 + 2 / 3 + 3 / 5) / 4],
    // 1/2 at the first hit, but 2/3 at the second: the better, later precision counts for both.
    ['-++', 2, 2 / 3],
    ['---', 3, 0],
    ['', 3, 0],
  ])('%s of %i', (hits, truths, expected) => {
    expect(averagePrecision(list(hits), truths)).toBeCloseTo(expected, 12);
  });

  test('without a truth there is none; the order of the list does not matter; wrong boxes never help', () => {
    expect(averagePrecision(list('--'), 0)).toBeNull();
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 30 }), fc.integer({ min: 0, max: 30 }), (hits, at) => {
        const judged = hits.map((hit, i) => ({ score: 1 - i / 100, hit }));
        const truths = Math.max(1, hits.filter(Boolean).length);
        const ap = averagePrecision(judged, truths)!;
        expect(averagePrecision([...judged].reverse(), truths)).toBe(ap);
        const wrong = { score: 1.005 - at / 100, hit: false };
        expect(averagePrecision([...judged, wrong], truths)!).toBeLessThanOrEqual(ap);
        expect(ap).toBeLessThanOrEqual(1);
      }),
    );
  });

  test('two detectors on the same pictures: intervals, and the paired gain', () => {
    const pictures = Array.from({ length: 60 }, (_, i) => ({
      truth: [box(0)],
      better: i % 10 !== 0,
      worse: i % 3 !== 0,
    }));
    const seen = (sees: (one: (typeof pictures)[number]) => boolean) =>
      pictures.map((one) => ({ truth: one.truth, found: sees(one) ? [{ box: box(1), score: 0.9 }] : [] }));
    const { measured, gain } = measurePrecision([seen(({ worse }) => worse), seen(({ better }) => better)], {
      threshold: 0.5,
    });
    expect(measured.map(({ ap }) => ap)).toEqual([expect.closeTo(2 / 3, 12), expect.closeTo(0.9, 12)]);
    expect(measured[1]).toMatchObject({ recall: 0.9, falsePerPicture: 0, truths: 60 });
    expect(measured[0]!.interval!.low).toBeLessThan(2 / 3);
    expect(measured[0]!.interval!.high).toBeGreaterThan(2 / 3);
    expect(gain!.low).toBeGreaterThan(0.05);
    expect(gain!.high).toBeLessThan(0.45);
    expect(measurePrecision([seen(({ better }) => better)], { threshold: 0.95 })).toMatchObject({
      measured: [{ recall: 0, falsePerPicture: 0 }],
      gain: null,
    });
  });
});
