import fc from 'fast-check';
import {
  measureSettings,
  operatingPoints,
  rankAbout,
  settingAt,
  smoothed,
  strength,
  type TriggerShape,
} from '../../../../src/lab/wake-word/training/operating-points';
import { FRESH_TRIGGER, stepTrigger } from '../../../../src/voice/wake-word/trigger';
import { firings } from '../../../../src/voice/wake-word/trigger-track';

const SHAPE: TriggerShape = { smoothSteps: 4, patienceSteps: 2, refractorySteps: 10 };

/** The voice path's own trigger, step by step. */
function triggered(scores: Float32Array, threshold: number): number[] {
  let state = FRESH_TRIGGER;
  const fired: number[] = [];
  scores.forEach((score, i) => {
    const step = stepTrigger({ ...SHAPE, threshold }, state, score);
    state = step.state;
    if (step.fired !== null) fired.push(i);
  });
  return fired;
}

const scores = fc
  .array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 120 })
  .map((values) => Float32Array.from(values));

describe('false accepts', () => {
  it('are counted as the trigger of the voice path fires', () => {
    fc.assert(
      fc.property(scores, fc.double({ min: 0.05, max: 0.95, noNaN: true }), (values, threshold) => {
        const means = smoothed(values, SHAPE.smoothSteps);
        // The trigger works in double precision, the means are single: a threshold on the very edge decides nothing.
        fc.pre(!means.some((mean) => Math.abs(mean - threshold) < 1e-6));
        expect(firings(means, { threshold, ...SHAPE })).toEqual(triggered(values, threshold));
      }),
    );
  });

  it('need a threshold no higher than the strength of the step', () => {
    const values = Float32Array.from([0, 0, 1, 1, 1, 1, 0, 0, 0, 0]);
    const all = strength(values, SHAPE);
    expect(Math.max(...all)).toBeCloseTo(0.75, 6);
    expect(triggered(values, 0.74).length).toBe(1);
    expect(triggered(values, 0.76).length).toBe(0);
  });
});

describe('operating points', () => {
  const hour = (peaks: readonly number[]): Float32Array => {
    const means = new Float32Array(2000);
    peaks.forEach((peak, i) => means.fill(peak, 40 * i + 5, 40 * i + 10));
    return means;
  };
  const settings = measureSettings(
    [
      { name: 'speech', seconds: 3600, means: hour([0.955, 0.805, 0.505, 0.305]) },
      { name: 'music', seconds: 3600, means: hour([0.605]) },
    ],
    [{ condition: 'clean', strengths: [0.99, 0.9, 0.7, 0.2] }],
    SHAPE,
  );

  it('are the loosest thresholds that keep the rate', () => {
    const strict = settingAt(settings, 0.5);
    expect(strict).toMatchObject({
      falseAccepts: 1,
      falseAcceptsPerHour: 0.5,
      misses: [{ condition: 'clean', miss: 0.5 }],
    });
    expect(strict.threshold).toBeCloseTo(0.8075, 6);
    expect(settingAt(settings, 0.4).threshold).toBeCloseTo(0.955, 6);
    expect(settingAt(settings, 100).threshold).toBe(0.02);
  });

  it('rank a network by its misses at the rate and at two and four times it', () => {
    const means = [0.5, 1, 2].map((rate) => settingAt(settings, rate).misses[0]!.miss);
    expect(means).toEqual([0.5, 0.25, 0.25]);
    expect(rankAbout(settings, 0.5)).toBeCloseTo(1 / 3, 9);
  });

  it('are rows from the strictest on, each threshold once', () => {
    const rows = operatingPoints(settings, 'a made-up hour');
    expect(rows.map(({ score }) => score)).toEqual([0.955, 0.8075, 0.61, 0.31, 0.02]);
    expect(rows.map(({ falseAcceptsPerHour }) => falseAcceptsPerHour)).toEqual([0, 0.5, 1, 2, 2.5]);
    expect(rows.every(({ measuredOn }) => measuredOn === 'a made-up hour')).toBe(true);
  });

  it('take the strictest of all where nothing keeps the rate', () => {
    const loud = measureSettings(
      [{ name: 'speech', seconds: 3600, means: hour([1, 1, 1]) }],
      [{ condition: 'clean', strengths: [1] }],
      SHAPE,
    );
    expect(settingAt(loud, 0.5)).toMatchObject({ threshold: 0.999, falseAccepts: 3 });
  });
});
