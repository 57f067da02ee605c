import fc from 'fast-check';
import {
  accuracyAt,
  bestThreshold,
  crossValidatedAccuracy,
  type JudgedPair,
} from '../../../../src/lab/faces/data/folds';

const pair = (distance: number, same: boolean): JudgedPair => ({ distance, same });

describe('the best threshold', () => {
  test('lies midway in the gap that parts the two kinds', () => {
    expect(bestThreshold([pair(0.2, true), pair(0.4, true), pair(0.8, false)])).toBeCloseTo(0.6, 12);
  });

  test('accepts nobody where accepting only costs', () => {
    expect(bestThreshold([pair(0.4, false), pair(0.5, false), pair(0.6, true)])).toBeCloseTo(0.2, 12);
  });

  test('never parts equal distances', () => {
    const pairs = [pair(0.4, true), pair(0.4, true), pair(0.4, false), pair(0.9, false)];
    expect(accuracyAt(pairs, bestThreshold(pairs))).toBe(0.75);
  });

  test('no other threshold is more accurate', () => {
    const pairs = fc.array(fc.record({ distance: fc.integer({ min: 1, max: 40 }), same: fc.boolean() }), {
      minLength: 1,
      maxLength: 60,
    });
    fc.assert(
      fc.property(pairs, (list) => {
        const best = accuracyAt(list, bestThreshold(list));
        for (let threshold = 0.5; threshold < 42; threshold++) if (accuracyAt(list, threshold) > best) return false;
        return true;
      }),
    );
  });
});

describe('accuracy over folds', () => {
  test('a fold is judged with the threshold of the others', () => {
    // Fold 0 alone would choose 0.5 and be right twice; the others part at 0.25 and get its genuine pair wrong.
    const folds = [
      [pair(0.4, true), pair(0.6, false)],
      [pair(0.1, true), pair(0.4, false)],
      [pair(0.1, true), pair(0.4, false)],
    ];
    const result = crossValidatedAccuracy(folds)!;
    expect(result.folds.map(({ accuracy }) => accuracy)).toEqual([0.5, 1, 1]);
    expect(result.folds[0]?.threshold).toBeCloseTo(0.25, 12);
    expect(result.mean).toBeCloseTo(5 / 6, 12);
    // Standard deviation of (0.5, 1, 1) is 0.288675; over √3.
    expect(result.standardError).toBeCloseTo(1 / 6, 6);
  });

  test('a face that was not found can only be answered "different"', () => {
    const folds = [
      [pair(0.1, true), pair(Infinity, true), pair(Infinity, false), pair(0.9, false)],
      [pair(0.1, true), pair(0.2, true), pair(0.8, false), pair(0.9, false)],
    ];
    expect(crossValidatedAccuracy(folds)?.folds.map(({ accuracy }) => accuracy)).toEqual([0.75, 1]);
  });

  test('one fold cannot be cross-validated', () => {
    expect(crossValidatedAccuracy([[pair(0.1, true)], []])).toBeNull();
  });
});
