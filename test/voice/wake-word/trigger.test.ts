import fc from 'fast-check';
import {
  FRESH_TRIGGER,
  stepTrigger,
  type TriggerSettings,
  triggerSettings,
  type TriggerState,
} from '../../../src/voice/wake-word/trigger';

const SETTINGS: TriggerSettings = { smoothSteps: 4, threshold: 0.5, patienceSteps: 2, refractorySteps: 10 };

/** Steps at which it fires, over a whole run of scores. */
function fires(scores: readonly number[], settings = SETTINGS): number[] {
  let state: TriggerState = FRESH_TRIGGER;
  return scores.flatMap((score, step) => {
    const next = stepTrigger(settings, state, score);
    state = next.state;
    return next.fired === null ? [] : [step];
  });
}
const run = (...parts: [value: number, steps: number][]): number[] =>
  parts.flatMap(([value, steps]) => Array<number>(steps).fill(value));

describe('when scores become an activation', () => {
  test.each<[string, number[], number[]]>([
    ['silence', run([0, 100]), []],
    ['one spike, however high', run([0, 10], [1, 1], [0, 10]), []],
    [
      'a mean that touches the threshold for less than the patience',
      run([0, 10], [0.6, 1], [0.4, 1], [0.6, 1], [0.5, 1], [0, 10]),
      [],
    ],
    ['a word: patience steps after the mean comes up', run([0, 10], [1, 14], [0, 20]), [12]],
    ['from the very beginning, the missing past counts as silence', run([1, 14], [0, 20]), [2]],
    ['a word rings for longer than the refractory time: still one', run([0, 5], [1, 60], [0, 20]), [7]],
    ['a second word within the refractory time is not heard', run([1, 5], [0, 4], [1, 3], [0, 20]), [2]],
    ['a second word after it is', run([1, 5], [0, 12], [1, 5], [0, 20]), [2, 19]],
    ['no numbers at all', run([NaN, 20], [Infinity, 20]), []],
    ['a word after a step that was no number', run([NaN, 1], [1, 14]), [3]],
  ])('%s', (_name, scores, expected) => expect(fires(scores)).toEqual(expected));

  test('the score is the best mean of the run, and tells when the mean came up', () => {
    let state = FRESH_TRIGGER;
    let last;
    for (const score of [0.6, 0.6, 0.6, 0.6, 0.9]) {
      last = stepTrigger({ ...SETTINGS, patienceSteps: 2 }, state, score);
      state = last.state;
    }
    expect(last?.fired).toEqual({ score: expect.closeTo(0.675, 10) as number, stepsAgo: 1 });
  });

  const scoresOf = fc.array(fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0, 1)), {
    maxLength: 200,
  });
  const settingsOf = fc.record({
    smoothSteps: fc.integer({ min: 1, max: 10 }),
    threshold: fc.double({ min: 0.05, max: 1, noNaN: true }),
    patienceSteps: fc.integer({ min: 1, max: 6 }),
    refractorySteps: fc.integer({ min: 1, max: 40 }),
  });

  test('two activations are never nearer than the refractory time, and each rests on means at the threshold', () => {
    fc.assert(
      fc.property(scoresOf, settingsOf, (scores, settings) => {
        const steps = fires(scores, settings);
        steps.slice(1).forEach((step, i) => expect(step - steps[i]!).toBeGreaterThan(settings.refractorySteps));
        for (const step of steps) {
          const past = scores.slice(Math.max(0, step - settings.smoothSteps + 1), step + 1);
          const mean = past.reduce((sum, value) => sum + value, 0) / settings.smoothSteps;
          expect(mean).toBeGreaterThanOrEqual(settings.threshold);
        }
      }),
    );
  });

  test('a lower threshold or less patience hears the first word no later', () => {
    fc.assert(
      fc.property(scoresOf, settingsOf, fc.double({ min: 0, max: 1, noNaN: true }), (scores, settings, share) => {
        const first = (s: TriggerSettings): number => fires(scores, s)[0] ?? Infinity;
        const eager = { ...settings, threshold: settings.threshold * share, patienceSteps: 1 };
        expect(first(eager)).toBeLessThanOrEqual(first(settings));
      }),
    );
  });

  test('what went before the last smoothed window leaves no trace in the mean', () => {
    fc.assert(
      fc.property(
        scoresOf,
        scoresOf,
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 }),
        (one, other, last) => {
          const meanAfter = (scores: number[]): number =>
            scores.reduce(
              (step, score) => stepTrigger(SETTINGS, step.state, score),
              stepTrigger(SETTINGS, FRESH_TRIGGER, 0),
            ).mean;
          expect(meanAfter([...one, ...last])).toBe(meanAfter([...other, ...last]));
        },
      ),
    );
  });
});

test('times become whole steps, and none becomes nothing', () => {
  const card = { strideMs: 30, trigger: { meanMs: 200, patience: 2 } };
  expect(triggerSettings(card, { threshold: 0.4, refractoryMs: 2000 })).toEqual({
    smoothSteps: 7,
    threshold: 0.4,
    patienceSteps: 2,
    refractorySteps: 67,
  });
  expect(triggerSettings(card, { threshold: 0.4, refractoryMs: 10 }).refractorySteps).toBe(1);
});
