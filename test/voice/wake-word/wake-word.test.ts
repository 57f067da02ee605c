import fc from 'fast-check';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { writeBundle } from '../../../src/bundles/write';
import { messageOf } from '../../../src/errors';
import { seededRandom } from '../../../src/random';
import type { AudioFeaturesInput } from '../../../src/inference/card';
import { CPU_ONE_THREAD } from '../../../src/inference/model';
import { loadOnnx } from '../../../src/inference/onnx';
import { loadTfjs } from '../../../src/lab/learning/tensorflow';
import { Arena } from '../../../src/lab/wake-word/network/arena';
import { exportedInput, exportOnnx, LOGITS, SCORES } from '../../../src/lab/wake-word/training/export';
import { score } from '../../../src/lab/wake-word/network/network';
import { CONTEXT_FRAMES, type Network } from '../../../src/lab/wake-word/network/parameters';
import { FeatureExtractor, featuresOf, MEL_BANDS } from '../../../src/voice/features/features';
import { openWakeWord, WakeWordScorer } from '../../../src/voice/wake-word/wake-word';
import { randomNetwork, wakeWordBundle } from '../../support/wake-word';
import { sha256Hex } from '../../../src/digest';

let models: string;
beforeAll(() => {
  models = mkdtempSync(path.join(tmpdir(), 'wake-word-'));
});
afterAll(() => rmSync(models, { recursive: true, force: true }));

/** Noise whose level and colour change, so that scores move. */
function sound(seconds: number): Float32Array {
  const random = seededRandom(2);
  let low = 0;
  return Float32Array.from({ length: 16_000 * seconds }, (_, i) => {
    low += 0.1 * (random.normal() - low);
    return (i >> 12) % 2 === 0 ? 0.3 * low : 0.02 * random.normal();
  });
}

/** Through the training engine, all at once. */
async function batchScores(network: Network, samples: Float32Array): Promise<Float32Array> {
  const features = featuresOf(samples);
  const steps = Math.floor(features.length / MEL_BANDS / 3 / 4) * 4;
  const frames = CONTEXT_FRAMES + 3 * steps;
  // The engine's batch is a multiple of 4: the same clip four times.
  const data = new Float32Array(4 * frames * MEL_BANDS);
  for (let i = 0; i < 4; i++)
    data.set(features.subarray(0, 3 * steps * MEL_BANDS), (i * frames + CONTEXT_FRAMES) * MEL_BANDS);
  const { tf } = await loadTfjs('wasm');
  const scores = score({ tf, arena: new Arena() }, network, { data, batch: 4, frames, bands: MEL_BANDS });
  return scores.filter((_, i) => i % 4 === 0);
}

async function streamed(scorer: WakeWordScorer, samples: Float32Array, lengths: readonly number[]): Promise<number[]> {
  scorer.reset();
  const extractor = new FeatureExtractor();
  const all: number[] = [];
  for (let at = 0, turn = 0; at < samples.length; turn++) {
    const chunk = samples.subarray(at, at + lengths[turn % lengths.length]!);
    const features = new Float32Array(extractor.framesAfter(chunk.length) * MEL_BANDS);
    const frames = extractor.push(chunk, features);
    const scores = new Float32Array(scorer.stepsAfter(frames));
    const steps = await scorer.push(features, frames, scores);
    all.push(...scores.subarray(0, steps));
    at += chunk.length;
  }
  return all;
}

const worst = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Math.max(...Array.from({ length: a.length }, (_, i) => Math.abs(a[i]! - b[i]!)));

const CUTS = fc.array(fc.oneof(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 400, max: 160_000 })), {
  minLength: 1,
  maxLength: 6,
});

describe('a wake word, streamed', () => {
  it('scores as the training engine does in one batch, whatever the chunks', async () => {
    const network = randomNetwork();
    const word = await openWakeWord(await writeBundle(models, wakeWordBundle('wake-test', network)), CPU_ONE_THREAD);
    const scorer = word.scorer();
    const samples = sound(10);
    const batch = await batchScores(network, samples);
    expect(batch.length).toBe(332);
    expect(Math.max(...batch) - Math.min(...batch)).toBeGreaterThan(0.05);
    await fc.assert(
      fc.asyncProperty(CUTS, async (cuts) => {
        const scores = await streamed(scorer, samples, cuts);
        expect(scores.length).toBe(332);
        expect(worst(batch, scores)).toBeLessThan(1e-5);
      }),
      { numRuns: 12, examples: [[[160_000]], [[1280]]] },
    );
    const short = samples.subarray(0, 8000);
    expect(worst(await streamed(scorer, short, [1]), batch.subarray(0, 16))).toBeLessThan(1e-5);
    await word.dispose();
  });

  it('refuses an output that is too small', async () => {
    for (const companions of [[], [randomNetwork(2)]]) {
      const dir = await writeBundle(models, wakeWordBundle('wake-small', randomNetwork(), companions));
      const word = await openWakeWord(dir, CPU_ONE_THREAD);
      const push = word.scorer().push(new Float32Array(6 * MEL_BANDS), 6, new Float32Array(1));
      await expect(push).rejects.toThrow(RangeError);
      await word.dispose();
    }
  });
});

describe('companions of a wake word', () => {
  const [own, ...others] = [randomNetwork(1), randomNetwork(2), randomNetwork(3, { channels: 8, units: 16 })] as const;
  const features = featuresOf(sound(10));
  const steps = 332;
  const rules = { logits: LOGITS, memoryMs: 600, restMs: 90 };

  async function load(network: Network) {
    return { model: await loadOnnx(exportOnnx(network), CPU_ONE_THREAD), input: exportedInput(network) };
  }

  /** One network's logits for some of the frames, from a memory of nothing. */
  async function logits(network: Network, from: number, to: number): Promise<number[]> {
    const { model, input } = await load(network);
    const scorer = new WakeWordScorer({ input, output: LOGITS, companions: null, models: [model] });
    const values = new Float32Array(scorer.stepsAfter(to - from));
    await scorer.push(features.subarray(from * MEL_BANDS), to - from, values);
    await model.dispose();
    return [...values];
  }

  /** What the rules ask for, in the plainest way. */
  async function expected(alone: readonly number[], wakeLogit: number): Promise<{ scores: number[]; wakings: number }> {
    const scores: number[] = [];
    let wakings = 0;
    let sums: number[] | null = null;
    let quiet = 0;
    for (const [i, value] of alone.entries()) {
      if (sums === null && value >= wakeLogit) {
        wakings++;
        const from = Math.max(0, 3 * (i + 1) - 60);
        const said = await Promise.all(others.map((one) => logits(one, from, 3 * steps)));
        sums = alone.map((_, step) => said.reduce((sum, one) => sum + (one[step - from / 3] ?? NaN), 0));
        quiet = 0;
      }
      scores.push(1 / (1 + Math.exp(-(sums === null ? value : (value + sums[i]!) / 3))));
      quiet = value < wakeLogit ? quiet + 1 : 0;
      if (quiet >= 3) sums = null;
    }
    return { scores, wakings };
  }

  it('sleep until it stirs and then answer with it, whatever the chunks', async () => {
    const alone = await logits(own, 0, 3 * steps);
    // Two thirds of the time asleep, between two steps' logits.
    const sorted = [...alone].sort((a, b) => a - b);
    const wakeLogit = (sorted[221]! + sorted[222]!) / 2;
    const { scores, wakings } = await expected(alone, wakeLogit);
    expect(wakings).toBeGreaterThan(5);
    const [first, ...rest] = [await load(own), await load(others[0]), await load(others[1])] as const;
    const scorer = new WakeWordScorer({
      input: first.input,
      output: SCORES,
      companions: { ...rules, wakeScore: 1 / (1 + Math.exp(-wakeLogit)), networks: rest.map(({ input }) => input) },
      models: [first.model, ...rest.map(({ model }) => model)],
    });
    const samples = sound(10);
    await fc.assert(
      fc.asyncProperty(CUTS, async (cuts) => {
        const streamedScores = await streamed(scorer, samples, cuts);
        expect(streamedScores.length).toBe(steps);
        expect(worst(scores, streamedScores)).toBeLessThan(1e-5);
      }),
      { numRuns: 12, examples: [[[160_000]], [[1280]], [[171]]] },
    );
    for (const { model } of [first, ...rest]) await model.dispose();
  });
});

describe('a bundle is refused', () => {
  const spoil = async (name: string, change: (card: { input: AudioFeaturesInput; [key: string]: unknown }) => void) => {
    const dir = await writeBundle(models, wakeWordBundle(name));
    const file = path.join(dir, 'card.json');
    const card = JSON.parse(readFileSync(file, 'utf8')) as { input: AudioFeaturesInput };
    change(card);
    writeFileSync(file, JSON.stringify(card));
    return openWakeWord(dir, CPU_ONE_THREAD);
  };

  it('that was trained on other features', async () => {
    const other = spoil('wake-other', (card) => Object.assign(card.input, { features: 'log-mel-32-v0' }));
    await expect(other).rejects.toMatchObject({
      code: 'model-invalid',
      message: expect.stringContaining('log-mel-32-v0') as string,
    });
  });

  it('whose presets were never measured', async () => {
    const unmeasured = spoil('wake-preset', (card) =>
      Object.assign((card['output'] as { presets: object }).presets, { high: 0.123 }),
    );
    await expect(unmeasured).rejects.toMatchObject({ code: 'model-invalid' });
  });

  it('whose states compute something else', async () => {
    const dir = await writeBundle(models, wakeWordBundle('wake-state'));
    const file = path.join(dir, 'card.json');
    const card = JSON.parse(readFileSync(file, 'utf8')) as {
      files: Record<string, string>;
      golden: { states: { file: string }[] };
    };
    const state = card.golden.states.at(-1)!.file;
    const bytes = readFileSync(path.join(dir, state)).reverse();
    writeFileSync(path.join(dir, state), bytes);
    card.files[state] = sha256Hex(bytes);
    writeFileSync(file, JSON.stringify(card));
    await expect(openWakeWord(dir, CPU_ONE_THREAD)).rejects.toMatchObject({
      message: expect.stringContaining('golden vector') as string,
    });
  });

  it('whose companion is not what its card says', async () => {
    const dir = await writeBundle(models, wakeWordBundle('wake-company', randomNetwork(), [randomNetwork(2)]));
    const cardFile = path.join(dir, 'card.json');
    const card = readFileSync(cardFile, 'utf8');
    const refusal = (): Promise<unknown> => openWakeWord(dir, CPU_ONE_THREAD).then(() => null, messageOf);

    const network = path.join(dir, 'companion-0.onnx');
    const digest = (JSON.parse(card) as { files: Record<string, string> }).files['companion-0.onnx']!;
    writeFileSync(cardFile, card.replace(`"companion-0.onnx": "${digest}",`, ''));
    expect(await refusal()).toContain('has no digest for it');

    const other = exportOnnx(randomNetwork(3));
    writeFileSync(network, other);
    writeFileSync(cardFile, card);
    expect(await refusal()).toContain('companion-0.onnx has sha256');

    writeFileSync(cardFile, card.replace(digest, sha256Hex(other)));
    expect(await refusal()).toContain('golden vector');
  });
});
