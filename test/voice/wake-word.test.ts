import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { writeBundle } from '../../src/bundles/write';
import { seededRandom } from '../../src/evaluation/random';
import type { AudioFeaturesInput } from '../../src/inference/card';
import { CPU_ONE_THREAD } from '../../src/inference/model';
import { loadTfjs } from '../../src/inference/tfjs';
import { Arena } from '../../src/training/arena';
import { score } from '../../src/training/network';
import { CONTEXT_FRAMES, type Network } from '../../src/training/parameters';
import { FeatureExtractor, featuresOf, MEL_BANDS } from '../../src/voice/features';
import { openWakeWord, type WakeWordScorer } from '../../src/voice/wake-word';
import { randomNetwork, wakeWordBundle } from '../support/wake-word';

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

describe('a wake word, streamed', () => {
  it('scores as the training engine does in one batch, whatever the chunks', async () => {
    const network = randomNetwork();
    const scorer = await openWakeWord(await writeBundle(models, wakeWordBundle('wake-test', network)), CPU_ONE_THREAD);
    const samples = sound(10);
    const batch = await batchScores(network, samples);
    expect(batch.length).toBe(332);
    expect(Math.max(...batch) - Math.min(...batch)).toBeGreaterThan(0.05);
    const lengths = fc.array(fc.oneof(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 400, max: 160_000 })), {
      minLength: 1,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(lengths, async (cuts) => {
        const scores = await streamed(scorer, samples, cuts);
        expect(scores.length).toBe(332);
        expect(worst(batch, scores)).toBeLessThan(1e-5);
      }),
      { numRuns: 12, examples: [[[160_000]], [[1280]]] },
    );
    const short = samples.subarray(0, 8000);
    expect(worst(await streamed(scorer, short, [1]), batch.subarray(0, 16))).toBeLessThan(1e-5);
    await scorer.dispose();
  });

  it('refuses an output that is too small', async () => {
    const scorer = await openWakeWord(await writeBundle(models, wakeWordBundle('wake-small')), CPU_ONE_THREAD);
    await expect(scorer.push(new Float32Array(6 * MEL_BANDS), 6, new Float32Array(1))).rejects.toThrow(RangeError);
    await scorer.dispose();
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
    card.files[state] = createHash('sha256').update(bytes).digest('hex');
    writeFileSync(file, JSON.stringify(card));
    await expect(openWakeWord(dir, CPU_ONE_THREAD)).rejects.toMatchObject({
      message: expect.stringContaining('golden vector') as string,
    });
  });
});
