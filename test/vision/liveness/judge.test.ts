import fc from 'fast-check';
import type { LivenessState } from '../../../src/events';
import { LEAST_SCORES, LivenessJudge, MEMORY_MS, SPARSE, WINDOW } from '../../../src/vision/liveness/judge';
import { FRONTAL } from '../../support/landmarks';

const STEP = 66;

/** A frame of each score, one after the other; what the verdict was after each. */
function verdicts(scores: readonly (number | null)[], step = STEP): LivenessState[] {
  const judge = new LivenessJudge();
  return scores.map((score, i) => {
    judge.move(FRONTAL);
    judge.add(i * step, score);
    return judge.verdict(i * step).state;
  });
}

const U = 'undecided';
const L = 'live';
const F = 'fake';

test.each<[string, (number | null)[], LivenessState[]]>([
  ['three frames are needed', [5, 5, 5], [U, U, L]],
  ['for a fake one too', [-5, -5, -5], [U, U, F]],
  ['neither sure', [0.4, -0.4, 0.1], [U, U, U]],
  ['one odd frame of five does not turn it', [5, 5, 5, -6, 5], [U, U, L, L, L]],
  ['a sure one counts no more than six', [50, -5, -5], [U, U, F]],
  ['surroundings that leave the picture leave it undecided', [5, 5, 5, null], [U, U, L, U]],
  ['never any surroundings', [null, null, null, null], [U, U, U, U]],
])('%s', (_, scores, expected) => expect(verdicts(scores)).toEqual(expected));

test('what was fake is live again only after a whole window of live frames', () => {
  const fake: number[] = Array.from({ length: WINDOW }, () => -4);
  const live: number[] = Array.from({ length: 3 * WINDOW }, () => 4);
  const states = verdicts([...fake, ...live]).slice(WINDOW);
  const first = states.indexOf(L);
  expect(first).toBeGreaterThanOrEqual(WINDOW);
  expect(states.slice(0, first).every((state) => state === F)).toBe(true);
});

test('scores grow old together', () => {
  const judge = new LivenessJudge();
  for (const at of [0, STEP, 2 * STEP]) judge.add(at, 5);
  expect(judge.verdict(2 * STEP + MEMORY_MS).state).toBe(L);
  expect(judge.verdict(2 * STEP + MEMORY_MS + 1)).toMatchObject({ state: U, score: null, frames: 0 });
});

test('a new person inherits nothing', () => {
  const judge = new LivenessJudge();
  for (const at of [0, STEP, 2 * STEP]) judge.add(at, -5);
  judge.reset();
  expect(judge.verdict(3 * STEP)).toEqual({ state: U, score: null, frames: 0, motion: 'still' });
});

test('scores each frame until there is a verdict, then every fifth', () => {
  const judge = new LivenessJudge();
  let scored = 0;
  for (let i = 0; i < LEAST_SCORES + 4 * SPARSE; i++) {
    judge.move(FRONTAL);
    if (!judge.wantsScore(i * STEP)) continue;
    judge.add(i * STEP, 5);
    scored++;
  }
  expect(scored).toBe(LEAST_SCORES + 4);
});

test('live never rests on fewer frames than three, nor on a mean below the bar, whatever the scores', () => {
  const score = fc.option(fc.double({ min: -20, max: 20, noNaN: true }), { nil: null });
  fc.assert(
    fc.property(fc.array(fc.tuple(score, fc.integer({ min: 1, max: 4000 })), { maxLength: 40 }), (frames) => {
      const judge = new LivenessJudge();
      let at = 0;
      for (const [value, delta] of frames) {
        at += delta;
        judge.move(FRONTAL);
        judge.add(at, value);
        const verdict = judge.verdict(at);
        if (verdict.state !== 'live') continue;
        expect(verdict.frames).toBeGreaterThanOrEqual(LEAST_SCORES);
        expect(verdict.score).toBeGreaterThan(0);
        expect(value).not.toBeNull();
      }
    }),
  );
});
