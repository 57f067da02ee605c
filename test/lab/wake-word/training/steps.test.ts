import { seededRandom } from '../../../../src/random';
import { labelSteps, stepOf } from '../../../../src/lab/wake-word/training/labels';
import { peaks } from '../../../../src/lab/wake-word/training/mining';
import { learningRateAt, planRounds } from '../../../../src/lab/wake-word/network/schedule';
import { specAugment } from '../../../../src/lab/wake-word/training/batches';

describe('labels', () => {
  it('are a run of ones from the step that has heard the word’s end, undecided on either side', () => {
    const targets = new Float32Array(60);
    const weights = new Float32Array(60);
    // Step 20 ends at sample 480 · 20 + 720.
    const end = 480 * 20 + 720;
    expect([stepOf(end), stepOf(end - 1), stepOf(end + 1), stepOf(0)]).toEqual([20, 20, 21, 0]);
    labelSteps([end], 60, targets, weights, { offset: 0, stride: 1 });
    expect([...targets.keys()].filter((i) => targets[i] === 1)).toEqual(Array.from({ length: 14 }, (_, i) => 20 + i));
    const undecided = [...weights.keys()].filter((i) => weights[i] === 0);
    expect(undecided).toEqual([12, 13, 14, 15, 16, 17, 18, 19, 34, 35, 36, 37, 38, 39, 40, 41]);
  });

  it('lie by clip and step, and a second word’s ones win over the first one’s undecided steps', () => {
    const targets = new Float32Array(2 * 60);
    const weights = new Float32Array(2 * 60);
    labelSteps([480 * 10 + 720, 480 * 26 + 720], 60, targets, weights, { offset: 1, stride: 2 });
    expect(targets.some((value, i) => value === 1 && i % 2 === 0)).toBe(false);
    expect(targets[2 * 26 + 1]).toBe(1);
    expect(targets[2 * 25 + 1]).toBe(0);
    expect(weights[2 * 25 + 1]).toBe(0);
  });
});

describe('the schedule', () => {
  it('covers every step once, and lets the rate fall within each round', () => {
    for (const [steps, mined] of [
      [1000, 3],
      [7, 2],
      [50, 0],
    ] as const) {
      const rounds = planRounds(steps, mined, false);
      expect(rounds.length).toBe(mined + 1);
      expect(rounds.reduce((sum, round) => sum + round.steps, 0)).toBe(steps);
      rounds.forEach((round, i) =>
        expect(round.firstStep).toBe(i === 0 ? 0 : rounds[i - 1]!.firstStep + rounds[i - 1]!.steps),
      );
    }
    const [first] = planRounds(1000, 3, false);
    expect(learningRateAt(first!, 0)).toBeCloseTo(2e-3, 9);
    expect(learningRateAt(first!, first!.steps)).toBeCloseTo(4e-5, 9);
  });
});

describe('masks', () => {
  it('blank whole bands and whole frames, a few of them, the same for the same seed', () => {
    const blank = (seed: number): Float32Array => {
      const features = new Float32Array(100 * 40).fill(1);
      specAugment(features, 40, seededRandom(seed));
      return features;
    };
    expect(blank(3)).toEqual(blank(3));
    const shares = Array.from({ length: 40 }, (_, seed) => blank(seed).reduce((sum, value) => sum + value, 0) / 4000);
    expect(Math.min(...shares)).toBeGreaterThan(0.45);
    expect(Math.min(...shares)).toBeLessThan(0.9);
  });
});

describe('peaks', () => {
  it('are the strongest answers, none near another, nothing weak', () => {
    const means = new Float32Array(200);
    means[50] = 0.9;
    means[60] = 0.8;
    means[120] = 0.3;
    means[180] = 0.04;
    expect(peaks(means).map(({ step }) => step)).toEqual([50, 120]);
  });
});
