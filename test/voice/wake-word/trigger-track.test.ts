import fc from 'fast-check';
import { poisson } from '../../../src/lab/report/intervals';
import { firings, stepMeans, strongest } from '../../../src/voice/wake-word/trigger-track';
import { pointAt } from '../../../src/lab/wake-word/evaluation/wake-curve';
import { FRESH_TRIGGER, stepTrigger, type TriggerSettings } from '../../../src/voice/wake-word/trigger';

const settings = fc.record({
  smoothSteps: fc.integer({ min: 1, max: 6 }),
  threshold: fc.float({ min: Math.fround(0.05), max: Math.fround(0.95), noNaN: true }),
  patienceSteps: fc.integer({ min: 1, max: 4 }),
  refractorySteps: fc.integer({ min: 1, max: 10 }),
});
const scores = fc.array(fc.float({ min: 0, max: 1, noNaN: true }), { maxLength: 80 });

it('fires where the daemon’s trigger fires, for any scores', () => {
  fc.assert(
    fc.property(scores, settings, (values, one: TriggerSettings) => {
      const expected: number[] = [];
      let state = FRESH_TRIGGER;
      Float32Array.from(values).forEach((value, i) => {
        const step = stepTrigger(one, state, value);
        state = step.state;
        if (step.fired !== null) expected.push(i);
      });
      expect(firings(stepMeans(Float32Array.from(values), one.smoothSteps), one)).toEqual(expected);
    }),
  );
});

it('knows the highest threshold at which a word is heard', () => {
  fc.assert(
    fc.property(scores, settings, (values, one: TriggerSettings) => {
      const means = stepMeans(Float32Array.from(values), one.smoothSteps);
      const most = strongest(means, one.patienceSteps, 0, means.length);
      if (most > 0) expect(firings(means, { ...one, threshold: most }).length).toBeGreaterThan(0);
      expect(firings(means, { ...one, threshold: most + 1e-9 })).toEqual([]);
    }),
  );
});

it.each([
  [0, 1, 0, 3.689],
  [1, 1, 0.0253, 5.572],
  [10, 1, 4.795, 18.39],
  [10, 5, 0.959, 3.678],
  [2000, 1, 1913.3, 2089.6],
])('gives the interval of a rate: %i in %i hours', (count, hours, low, high) => {
  const interval = poisson(count, hours);
  expect(Math.abs(interval.low / Math.max(low, 1e-9) - (low === 0 ? 0 : 1))).toBeLessThan(0.002);
  expect(Math.abs(interval.high / high - 1)).toBeLessThan(0.002);
});

it('chooses the loosest threshold that stays within the rate, however the curve wobbles', () => {
  const curve = [9, 0.4, 0.7, 0.3, 0.1].map((perHour, i) => ({
    threshold: i / 10,
    perHour,
    falseAccepts: 0,
    misses: {},
  }));
  expect(pointAt(curve, 0.5)?.threshold).toBe(0.3);
  expect(pointAt(curve, 10)?.threshold).toBe(0);
  expect(pointAt(curve, 0.05)).toBeNull();
});
