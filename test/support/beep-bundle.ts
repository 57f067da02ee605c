import { OnnxGraph } from '../../src/onnx/writer';
import { writeBundle } from '../../src/bundles/write';
import { FEATURE_VERSION, MEL_BANDS, SAMPLE_RATE_HZ } from '../../src/voice/features/features';

const FRAMES_PER_STEP = 3;
/** Bands around 1 kHz and 2.2 kHz, by the centres of the mel filters. */
const BANDS = { beep: [11, 12, 13], boop: [21, 22, 23] } as const;
export type Tone = keyof typeof BANDS;
export const TONE_HZ: Readonly<Record<Tone, number>> = { beep: 1000, boop: 2200 };

/**
 * A trigger word that needs no training, for tests: a whole bundle whose "word" is a tone of 1 kHz (or 2.2 kHz) that comes on. Its score
 * is a fixed weighing of the bands, its state a counter of calls, so that a state that is not carried shows.
 */
export async function writeToneBundle(
  modelsDir: string,
  tone: Tone,
  change: { readonly name?: string; readonly features?: string; readonly bias?: number } = {},
): Promise<string> {
  const bands = BANDS[tone];
  const { name = `wake-${tone}`, features = FEATURE_VERSION, bias = -4 } = change;
  const weights = Float32Array.from({ length: FRAMES_PER_STEP * MEL_BANDS }, (_, i) => {
    const inside = (bands as readonly number[]).includes(i % MEL_BANDS);
    return (inside ? 1 / bands.length : -1 / (MEL_BANDS - bands.length)) * (8 / FRAMES_PER_STEP);
  });
  const graph = new OnnxGraph(name);
  graph.input('features', [1, 'frames', MEL_BANDS]);
  graph.input('count', [1, 1]);
  const shape = graph.initializer('shape', [2], BigInt64Array.from([-1n, BigInt(FRAMES_PER_STEP * MEL_BANDS)]));
  graph.node('Reshape', ['features', shape], ['rows']);
  const w = graph.initializer('w', [FRAMES_PER_STEP * MEL_BANDS, 1], weights);
  const b = graph.initializer('b', [1], Float32Array.of(bias));
  graph.node('Gemm', ['rows', w, b], ['logits']);
  graph.node('Sigmoid', ['logits'], ['scores']);
  graph.node('Add', ['count', graph.initializer('one', [1, 1], Float32Array.of(1))], ['count_next']);
  graph.output('scores', ['steps', 1]);
  graph.output('count_next', [1, 1]);
  const condition = [{ condition: 'clean', miss: 0 }];
  return writeBundle(modelsDir, {
    card: {
      ...{ task: 'wake-word', name, version: '1.0.0', summary: 'A tone, for tests', set: null },
      licence: { spdx: 'Apache-2.0', origin: 'this test', trainingData: 'none' },
      input: {
        ...{ kind: 'audio-features', name: 'features', features, sampleRateHz: SAMPLE_RATE_HZ, bands: MEL_BANDS },
        framesPerStep: FRAMES_PER_STEP,
        states: [{ input: 'count', output: 'count_next', dims: [1, 1] }],
      },
      output: {
        ...{ decoding: 'wake-word', output: 'scores', word: tone, strideMs: 10 * FRAMES_PER_STEP },
        trigger: { meanMs: 90, patience: 1 },
        operatingPoints: [0.7, 0.5, 0.3].map((score) => ({
          ...{ falseAcceptsPerHour: score, score, misses: condition, measuredOn: 'nothing: for tests' },
        })),
        presets: { low: 0.7, medium: 0.5, high: 0.3 },
      },
      alignment: null,
      figures: [],
    },
    modelBytes: graph.encode(),
    goldenInput: {
      data: new Float32Array(2 * FRAMES_PER_STEP * MEL_BANDS).fill(0.5),
      dims: [1, 2 * FRAMES_PER_STEP, MEL_BANDS],
    },
    goldenStates: { count: { data: Float32Array.of(1), dims: [1, 1] } },
  });
}
