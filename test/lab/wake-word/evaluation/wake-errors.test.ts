import { seededRandom } from '../../../../src/random';
import { falseAcceptCases, spectrogram } from '../../../../src/lab/wake-word/evaluation/wake-errors';
import type { Overheard, WakeEvaluation } from '../../../../src/lab/wake-word/evaluation/wake-evaluation';

const RATE_HZ = 16_000;
const STEP_SAMPLES = 480;

describe('false accepts', () => {
  const random = seededRandom(3);
  const sound = Float32Array.from({ length: 30 * RATE_HZ }, () => random.between(-0.3, 0.3));
  let passes = 0;

  /** Scores that rise for three steps from each of `steps` on. */
  function overheard(steps: readonly number[]): Overheard {
    const means = new Float64Array(1000);
    for (const step of steps) means.fill(0.8, step, step + 3);
    return {
      name: 'talk',
      hours: 30 / 3600,
      means,
      stream: {
        name: 'talk',
        seconds: 30,
        *chunks() {
          passes++;
          for (let at = 0; at < sound.length; at += 7000) yield sound.subarray(at, at + 7000);
        },
      },
    };
  }

  test('are shown with what was heard before and after each, in one pass over a stream', async () => {
    const evaluation: WakeEvaluation = {
      heard: [],
      // The second within what is shown of the first, one at the begin, one at the end of the stream.
      overheard: [overheard([10, 300, 340, 990])],
      trigger: { smoothSteps: 1, patienceSteps: 1, refractorySteps: 5 },
      listener: { heardAt: (step: number) => (step + 1) * STEP_SAMPLES } as never,
    };
    const cases = falseAcceptCases(evaluation, 0.5);
    expect(cases.map(({ caption }) => caption)).toEqual([
      'talk at 0:00.3 score 0.80',
      'talk at 0:09.0 score 0.80',
      'talk at 0:10.2 score 0.80',
      'talk at 0:29.7 score 0.80',
    ]);
    for (const [i, step] of [10, 300, 340, 990].entries()) {
      const from = Math.max(0, (step + 1) * STEP_SAMPLES - 1.6 * RATE_HZ);
      const piece = new Float32Array(1.9 * RATE_HZ);
      piece.set(sound.subarray(from, from + piece.length));
      const picture = cases[i]!.picture as () => Promise<unknown>;
      expect(await picture()).toEqual([spectrogram(piece)]);
    }
    expect(passes).toBe(1);
  });
});
