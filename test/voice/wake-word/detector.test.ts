import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { CPU_ONE_THREAD } from '../../../src/inference/model';
import { type Detection, type ListeningWord, WordDetector } from '../../../src/voice/wake-word/detector';
import { FRAME_SAMPLES, HOP_SAMPLES } from '../../../src/voice/features/features';
import { WordModels } from '../../../src/voice/wake-word/load';
import { RecentSound, utteranceStart } from '../../../src/voice/wake-word/recent-sound';
import { TONE_HZ, writeToneBundle } from '../../support/beep-bundle';
import { joined, mixed, noise, silence, tone } from '../../support/sound';

type Heard = Omit<Detection, 'startAgo' | 'endAgo'> & { readonly end: number; readonly start: number };

/** Everything heard in a recording that is pushed in pieces of these sizes, in turn, at samples of the recording. */
async function hear(detector: WordDetector, sound: Float32Array, sizes: readonly number[]): Promise<Heard[]> {
  const heard: Heard[] = [];
  detector.reset();
  for (let at = 0, turn = 0; at < sound.length; turn++) {
    const piece = sound.subarray(at, at + Math.max(1, sizes[turn % sizes.length] as number));
    at += piece.length;
    const end = at;
    await detector.push(piece, piece.length, ({ startAgo, endAgo, ...detection }) =>
      heard.push({ ...detection, end: end - endAgo, start: end - startAgo }),
    );
  }
  return heard;
}

describe('hearing words', () => {
  const modelsDir = mkdtempSync(join(tmpdir(), 'usher-detector-'));
  const opened: WordModels[] = [];
  const detectorOf = async (...words: { model: string; check?: string; sensitivity?: 'low' | 'high' }[]) => {
    const configured = words.map(
      (word) => ({ sensitivity: 'medium', check: null, refractoryMs: 2000, ...word }) as const,
    );
    const models = await WordModels.open(configured, { modelsDir, execution: CPU_ONE_THREAD });
    opened.push(models);
    return new WordDetector(models.listeners());
  };
  beforeAll(async () => {
    for (const word of ['beep', 'boop'] as const) await writeToneBundle(modelsDir, word);
    await writeToneBundle(modelsDir, 'beep', { name: 'wake-beep-old', features: 'mel-raw-v0' });
    // Never sure: a check that always says no.
    await writeToneBundle(modelsDir, 'beep', { name: 'wake-beep-deaf', bias: -40 });
    await writeToneBundle(modelsDir, 'beep', { name: 'wake-beep-two' });
  });
  afterAll(async () => {
    for (const models of opened) await models.dispose();
    rmSync(modelsDir, { recursive: true });
  });

  const room = mixed(
    mixed(mixed(noise(12, 0.01), tone(0.4, TONE_HZ.beep, 0.3), 3), tone(0.4, TONE_HZ.boop, 0.3), 6),
    tone(0.4, TONE_HZ.beep, 0.3),
    9,
  );

  test('each word where it is, one utterance once, noise and another tone never', async () => {
    const heard = await hear(await detectorOf({ model: 'wake-beep' }, { model: 'wake-boop' }), room, [1280]);
    expect(heard.map(({ word, model }) => `${word} ${model}`)).toEqual([
      'beep wake-beep',
      'boop wake-boop',
      'beep wake-beep',
    ]);
    heard.forEach(({ start, end, score }, i) => {
      const spoken = (3 + 3 * i) * 16_000;
      expect(end).toBeGreaterThan(spoken);
      expect(end).toBeLessThan(spoken + 0.5 * 16_000);
      expect(Math.abs(start - spoken)).toBeLessThan(0.05 * 16_000);
      expect(score).toBeGreaterThanOrEqual(0.5);
    });
    const other = mixed(noise(4, 0.01), tone(0.4, 5000, 0.3), 2);
    expect(await hear(await detectorOf({ model: 'wake-beep' }), other, [1280])).toEqual([]);
  });

  test('however the sound is cut, from single samples to all at once', async () => {
    const detector = await detectorOf({ model: 'wake-beep' }, { model: 'wake-boop' });
    const short = room.subarray(2.5 * 16_000, 7 * 16_000);
    const whole = await hear(detector, short, [short.length]);
    expect(whole).toHaveLength(2);
    expect(await hear(detector, short, [1])).toEqual(whole);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 8 }), async (sizes) => {
        expect(await hear(detector, short, sizes)).toEqual(whole);
      }),
      { numRuns: 15 },
    );
  }, 60_000);

  test('it is attentive while a word may be under way, and not before it or after', async () => {
    const detector = await detectorOf({ model: 'wake-beep' }, { model: 'wake-boop' });
    const attentive: number[] = [];
    for (let at = 0; at + 1280 <= room.length; at += 1280) {
      await detector.push(room.slice(at, at + 1280), 1280, () => undefined);
      if (detector.attentive) attentive.push((at + 1280) / 16_000);
    }
    expect(attentive.length).toBeGreaterThan(0);
    // Words begin at 3, 6 and 9 s.
    expect(attentive.every((at) => at > 3 && at % 3 < 0.7)).toBe(true);
    await detector.push(room.slice(3 * 16_000, 3.1 * 16_000), 1600, () => undefined);
    detector.reset();
    expect(detector.attentive).toBe(false);
  });

  test('after a reset it knows nothing of what was before', async () => {
    const detector = await detectorOf({ model: 'wake-beep' });
    const once = await hear(detector, room.subarray(0, 5 * 16_000), [1000]);
    await detector.push(tone(0.05, TONE_HZ.beep, 0.3), 800, () => undefined);
    expect(await hear(detector, room.subarray(0, 5 * 16_000), [1000])).toEqual(once);
  });

  test('a second network that does not agree keeps it from counting, one that does lets it', async () => {
    const beep = room.subarray(0, 5 * 16_000);
    expect(await hear(await detectorOf({ model: 'wake-beep', check: 'wake-beep-two' }), beep, [1280])).toHaveLength(1);
    expect(await hear(await detectorOf({ model: 'wake-beep', check: 'wake-beep-deaf' }), beep, [1280])).toEqual([]);
  });

  test.each([
    [{ model: 'wake-none' }, 'model-missing', /wake-none/],
    [{ model: 'wake-beep-old' }, 'model-invalid', /mel-raw-v0.*this usher computes/],
    [{ model: 'wake-beep', check: 'wake-boop' }, 'model-invalid', /wake-boop hears "boop" and cannot check "beep"/],
  ])('%j cannot be listened for', async (word, code, told) => {
    await expect(detectorOf(word)).rejects.toMatchObject({ code, message: expect.stringMatching(told) as string });
  });

  test('a network that gives no number is an error, not deafness', async () => {
    const scorer: ListeningWord['scorer'] = {
      framesPerStep: 3,
      reset: () => undefined,
      stepsAfter: (frames) => frames,
      push: (_features, frames, scores) => {
        scores.fill(NaN, 0, frames);
        return Promise.resolve(frames);
      },
    };
    const trigger = { smoothSteps: 1, threshold: 0.5, patienceSteps: 1, refractorySteps: 1 };
    const detector = new WordDetector([{ word: 'x', model: 'wake-x', scorer, trigger, check: null }]);
    const samples = FRAME_SAMPLES + 3 * HOP_SAMPLES;
    await expect(detector.push(silence(1), samples, () => undefined)).rejects.toMatchObject({ code: 'model-invalid' });
  });
});

describe('the last 1.5 s', () => {
  test('are those, however they came', () => {
    const sound = noise(4, 0.5);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9000 }), { maxLength: 12 }), (sizes) => {
        const recent = new RecentSound();
        let at = 0;
        for (const size of sizes) {
          recent.add(sound, at, Math.min(size, sound.length - at));
          at = Math.min(sound.length, at + size);
        }
        for (const ago of [0, 700, 2000]) {
          const end = Math.max(0, at - ago);
          const wanted = sound.slice(Math.max(0, end - 24_000), end);
          const copy = recent.copy(ago);
          expect(copy.length).toBe(wanted.length);
          expect(copy.findIndex((value, i) => value !== wanted[i])).toBe(-1);
        }
      }),
      { numRuns: 30 },
    );
  });

  test.each<[string, Float32Array, number]>([
    ['silence, then a word', joined(noise(1, 0.001), noise(0.5, 0.3)), 1],
    ['a word with a stop in it', joined(noise(0.7, 0.001), noise(0.3, 0.3), noise(0.08, 0.001), noise(0.3, 0.3)), 0.7],
    ['an earlier word, a pause, then the word', joined(noise(0.4, 0.3), noise(0.3, 0.001), noise(0.6, 0.3)), 0.7],
    ['a word, and a while after it', joined(noise(0.6, 0.001), noise(0.5, 0.3), noise(0.1, 0.001)), 0.6],
    ['speech all along', noise(1.5, 0.3), 0],
  ])('where the utterance began: %s', (_name, sound, seconds) => {
    expect(Math.abs(utteranceStart(sound) / 16_000 - seconds)).toBeLessThanOrEqual(0.03);
  });

  test('nothing at all begins nowhere', () => {
    expect(utteranceStart(new Float32Array(0))).toBe(0);
    expect(utteranceStart(silence(1))).toBeLessThanOrEqual(16_000);
  });
});
