import { pointAt, wakeCurve } from '../../../../src/lab/wake-word/evaluation/wake-curve';
import {
  everyday,
  type Overheard,
  type WakeEvaluation,
} from '../../../../src/lab/wake-word/evaluation/wake-evaluation';

/** An hour in which the network's mean score rises to `peak` so many times. */
function hourOf(name: string, peak: number, times: number, adversarial = false): Overheard {
  const means = new Float64Array(10 * (times + 1));
  for (let i = 0; i < times; i++) means.fill(peak, 10 * i + 4, 10 * i + 7);
  const stream = { name, seconds: 3600, adversarial, chunks: () => [] };
  return { name, hours: 1, means, stream };
}

const evaluation = (overheard: Overheard[]): WakeEvaluation => ({
  heard: [],
  overheard,
  trigger: { smoothSteps: 1, patienceSteps: 2, refractorySteps: 3 },
  listener: null as never,
});

describe('misses against false accepts', () => {
  test('counts every rise above a threshold, per hour of all that was heard', () => {
    const curve = wakeCurve(evaluation([hourOf('talk', 0.8, 4), hourOf('music', 0.6, 2)]));
    expect(curve.find(({ threshold }) => threshold === 0.5)).toMatchObject({ falseAccepts: 6, perHour: 3 });
    expect(curve.find(({ threshold }) => threshold === 0.7)).toMatchObject({ falseAccepts: 4, perHour: 2 });
    expect(pointAt(curve, 0.5)?.threshold).toBe(0.8025);
  });

  test('streams of nothing but near misses are heard and count in no rate', () => {
    const heard = evaluation([hourOf('talk', 0.6, 1), hourOf('sounds-like', 0.95, 50, true)]);
    expect(everyday(heard).map(({ name }) => name)).toEqual(['talk']);
    const curve = wakeCurve(heard);
    expect(curve.find(({ threshold }) => threshold === 0.5)).toMatchObject({ falseAccepts: 1, perHour: 1 });
    expect(pointAt(curve, 0)?.threshold).toBe(0.61);
  });

  test('no threshold is promised where even the strictest fires too often', () => {
    expect(pointAt(wakeCurve(evaluation([hourOf('talk', 1, 9)])), 0.5)).toBeNull();
  });
});
