import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildBank, clipCount } from '../../../../src/lab/wake-word/sound/bank';
import { rms } from '../../../../src/lab/wake-word/sound/levels';
import { readTrainedOn, TRAINED_ON_FILE, trainedOnBytes } from '../../../../src/lab/wake-word/evaluation/trained-on';
import { CONDITIONS, makeTrial } from '../../../../src/lab/wake-word/evaluation/trials';
import { readWakeData, type WakeDataRequest } from '../../../../src/lab/wake-word/evaluation/wake-data';
import { chatter, encode, sound, toneWord } from '../sound/sounds';

// ffmpeg is started by the dozen: on a busy machine that takes its time.
jest.setTimeout(240_000);

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'usher-wake-data-'));
  mkdirSync(path.join(dir, 'word'));
  for (let i = 0; i < 12; i++) encode(path.join(dir, 'word', `${i}.wav`), toneWord(700 + 20 * i, i).samples);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const request = (change: Partial<WakeDataRequest> = {}): WakeDataRequest => ({
  ...{ word: 'beep', positives: [path.join(dir, 'word')], negatives: [], background: [], impulses: [] },
  ...{ heldOut: false, trainedOn: null, speech: { positives: 0, near: 0, sentences: 0 } },
  ...{ cacheDir: path.join(dir, 'cache'), seed: 1 },
  ...change,
});

const trainedOn = async (hashes: readonly string[]) => {
  const bundle = mkdtempSync(path.join(dir, 'bundle-'));
  writeFileSync(path.join(bundle, TRAINED_ON_FILE), trainedOnBytes(hashes));
  return readTrainedOn(bundle);
};

describe('what a model is measured on', () => {
  it('is all of a folder that it was not trained on', async () => {
    const { positives, leftOut } = await readWakeData(request());
    expect(positives.map(({ name, bank }) => [name, clipCount(bank)])).toEqual([['word', 12]]);
    expect(leftOut).toBe(0);
  });

  it('is never what it was trained on, under any name: that is refused, with the way out', async () => {
    const { positives } = await readWakeData(request());
    const { names, hashes } = positives[0]!.bank;
    const known = await trainedOn([hashes[names.indexOf('3.wav')]!]);
    mkdirSync(path.join(dir, 'renamed'), { recursive: true });
    encode(path.join(dir, 'renamed', 'innocent.flac'), toneWord(760, 3).samples);
    for (const folder of ['word', 'renamed'])
      await expect(
        readWakeData(request({ trainedOn: known, positives: [path.join(dir, folder)] })),
      ).rejects.toMatchObject({
        code: 'data-invalid',
        message: expect.stringMatching(/1 of \d+ clips/) as string,
        remedy: expect.stringContaining('--held-out') as string,
      });
  });

  it('is, held out, the same few clips every time, the rest left out', async () => {
    const [a, b] = [await readWakeData(request({ heldOut: true })), await readWakeData(request({ heldOut: true }))];
    const hashes = a.positives.flatMap(({ bank }) => bank.hashes);
    expect(hashes).toEqual(b.positives.flatMap(({ bank }) => bank.hashes));
    expect(hashes.length + a.leftOut).toBe(12);
    expect(hashes.length).toBeLessThan(8);
  });

  it('is told by a bundle only in the form that it is written in', async () => {
    const bundle = mkdtempSync(path.join(dir, 'bundle-'));
    expect(await readTrainedOn(bundle)).toBeNull();
    for (const text of ['{}', '[1]', '["short"]', 'no']) {
      writeFileSync(path.join(bundle, TRAINED_ON_FILE), text);
      await expect(readTrainedOn(bundle)).rejects.toMatchObject({ code: 'model-invalid' });
    }
  });
});

describe('a trial', () => {
  const bank = buildBank([toneWord(800, 1)]);
  const hiss = [{ name: 'hiss', bank: buildBank([{ name: 'hiss', samples: chatter(3, 5, 0.9) }]) }];

  it.each([10, 5, 0])('at %i dB has the word that far above the background', (snrDb) => {
    const at = CONDITIONS.find((one) => one.snrDb === snrDb)!;
    const clean = makeTrial(bank, 0, CONDITIONS[0]!, hiss, 1)!;
    const { samples, trial } = makeTrial(bank, 0, at, hiss, 1)!;
    expect(trial.background).toBe('hiss');
    const noise = samples.map((x, i) => x - clean.samples[i]!);
    const measured = 20 * Math.log10(rms(clean.samples, trial.start, trial.end) / rms(noise, trial.start, trial.end));
    expect(Math.abs(measured - snrDb)).toBeLessThan(1);
    expect(makeTrial(bank, 0, at, [], 1)).toBeNull();
  });

  it('with gain clips as a microphone does, and a clip without a word makes none', () => {
    const louder = CONDITIONS.find(({ gainDb }) => gainDb === 20)!;
    const { samples } = makeTrial(bank, 0, louder, [], 1)!;
    expect(Math.max(...samples)).toBe(1);
    const wordless = buildBank([{ name: 'none', samples: sound(1, () => 0) }]);
    expect(makeTrial(wordless, 0, louder, [], 1)).toBeNull();
  });
});
