import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { clipCount, wordOf, clipLength } from '../../../../src/lab/wake-word/sound/bank';
import { nearWords, soundDistance, type Entry } from '../../../../src/lab/wake-word/speech/lexicon';
import { cast, makeSpeech } from '../../../../src/lab/wake-word/speech/plan';
import { synthesise } from '../../../../src/lab/wake-word/speech/synthesise';
import { confusable, mentioning, sentences } from '../../../../src/lab/wake-word/speech/texts';
import { ENGINES, findVoices, PROGRAMS, type Engine } from '../../../../src/lab/wake-word/speech/voices';
import { readWav } from '../../../../src/lab/wake-word/speech/wav';

const has = (engine: Engine): boolean => spawnSync(PROGRAMS[engine].command, ['--version']).error === undefined;
const installed = ENGINES.filter(has);

// Programs are started by the dozen: on a busy machine that takes its time.
jest.setTimeout(240_000);

let cacheDir: string;
beforeAll(() => (cacheDir = mkdtempSync(path.join(tmpdir(), 'usher-speech-'))));
afterAll(() => rmSync(cacheDir, { recursive: true, force: true }));

const lexicon: Entry[] = (
  [
    ['computer', 'k ax m p y uw t er'],
    ['computers', 'k ax m p y uw t er z'],
    ['commuter', 'k ax m y uw t er'],
    ['pewter', 'p y uw t er'],
    ['jarvis', 'jh aa r v ax s'],
    ['service', 's er v ax s'],
    ['komputer', 'k ax m p y uw d er'],
  ] as const
).map(([word, sounds]) => ({ word, phonemes: sounds.split(' ') }));

describe('words that sound alike', () => {
  it('are found by their sounds, but not the word itself, in another spelling or within another', () => {
    expect(nearWords(lexicon, 'computer', 2)).toEqual(['commuter', 'pewter']);
    expect(nearWords(lexicon, 'unheard', 5)).toEqual([]);
    expect(soundDistance(['k', 'ae', 't'], ['k', 'aa', 't'])).toBeLessThan(
      soundDistance(['k', 'ae', 't'], ['m', 'ae', 't']),
    );
  });

  it('are given for the shipped words even without a lexicon; a phrase has its parts', () => {
    for (const word of ['computer', 'jarvis', 'activate'])
      expect(confusable(word, null, 10).length).toBeGreaterThan(20);
    expect(confusable('open sesame', null, 10)).toEqual(['open', 'sesame']);
    expect(confusable('zyx', null, 10)).toEqual([]);
  });

  it('are told from those who say the word', () => {
    expect(mentioning('computer', null)('the Computers are down')).toBe(true);
    expect(mentioning('computer', lexicon)('the komputer')).toBe(false);
    expect(mentioning('computer', lexicon)('two computers')).toBe(true);
    expect(mentioning('computer', lexicon)('the commuter')).toBe(false);
  });

  it('sentences are the same by seed, and many', () => {
    const made = sentences(lexicon, 200, 1);
    expect(made).toEqual(sentences(lexicon, 200, 1));
    expect(new Set(made).size).toBeGreaterThan(150);
    expect(made.some((text) => text.includes('service'))).toBe(true);
  });
});

(installed.length > 0 ? describe : describe.skip)('synthetic speech', () => {
  it.each(installed)('%s says a word in its voices, faster and slower; the cache says it again', async (engine) => {
    const { list } = await findVoices([engine]);
    const voice = list[list.length - 1]!;
    const wanted = [0.8, 1.3].map((rate) => ({ voice, text: 'computer', rate, pitch: 1 }));
    const bank = await synthesise(wanted, { cacheDir });
    expect(clipCount(bank)).toBe(2);
    expect(clipLength(bank, 0)).toBeGreaterThan(clipLength(bank, 1));
    for (let i = 0; i < 2; i++) {
      expect(clipLength(bank, i) / 16_000).toBeGreaterThan(0.3);
      expect(clipLength(bank, i) / 16_000).toBeLessThan(2);
      expect(wordOf(bank, i)).toEqual({ start: 0, end: clipLength(bank, i) });
    }
    const files = readdirSync(path.join(cacheDir, 'speech'));
    expect((await synthesise(wanted, { cacheDir })).hashes).toEqual(bank.hashes);
    expect(readdirSync(path.join(cacheDir, 'speech'))).toEqual(files);
  });

  it('makes a word, what sounds like it, and sentences, none of which says the word', async () => {
    const counts = { positives: 6, near: 6, sentences: 4 };
    const shares: number[] = [];
    const speech = await makeSpeech(
      { word: 'jarvis', seed: 1, counts, engines: [installed[0]!] },
      { cacheDir, onProgress: (share) => shares.push(share) },
    );
    expect([speech.positives, speech.near].map(clipCount)).toEqual([6, 6]);
    expect(clipCount(speech.sentences)).toBeGreaterThan(0);
    expect(speech.positives.names.every((name) => name.includes('jarvis'))).toBe(true);
    expect([...speech.near.names, ...speech.sentences.names].some((name) => name.includes('jarvis'))).toBe(false);
    expect(shares.at(-1)).toBeCloseTo(1);
  });
});

describe('what cannot be spoken', () => {
  it.each(['', '$(reboot)', 'COMPUTER', '12', 'a b c d e', '-v evil', 'hey"'])(
    'the word “%s” is refused',
    async (word) => {
      const counts = { positives: 1, near: 0, sentences: 0 };
      await expect(makeSpeech({ word, seed: 1, counts }, { cacheDir })).rejects.toMatchObject({ code: 'usage' });
    },
  );

  it.each(['(quit)', '; rm', '--stdout', '"'])('the text %s is refused before any engine sees it', async (text) => {
    const voice = { engine: 'festival', name: 'kal_diphone' } as const;
    await expect(synthesise([{ voice, text, rate: 1, pitch: 0 }], { cacheDir })).rejects.toMatchObject({
      code: 'usage',
    });
  });

  it('by no engine is an error that says what to install', async () => {
    await expect(findVoices([])).rejects.toMatchObject({
      code: 'dependency-missing',
      remedy: expect.stringContaining('espeak-ng') as string,
    });
  });
});

it('deals texts to voices, the same by seed', () => {
  const voices = [
    { engine: 'espeak-ng', name: 'en-us' },
    { engine: 'flite', name: 'slt' },
  ] as const;
  const dealt = cast(['a', 'b'], 400, voices, 3);
  expect(dealt).toEqual(cast(['a', 'b'], 400, voices, 3));
  const flite = dealt.filter(({ voice }) => voice.engine === 'flite').length / 400;
  expect(flite).toBeGreaterThan(0.2);
  expect(flite).toBeLessThan(0.45);
  expect(dealt.filter(({ text }) => text === 'a')).toHaveLength(200);
});

describe('the sound files of speech engines', () => {
  const head = Buffer.from('524946460000008057415645666d7420100000000100010040', 'hex');
  it('are read as far as they reach, whatever their header claims', () => {
    const bytes = Buffer.alloc(48);
    head.copy(bytes);
    bytes.writeUInt32LE(16_000, 24);
    bytes.writeUInt16LE(16, 34);
    bytes.write('data', 36);
    bytes.writeUInt32LE(0x7fff_0000, 40);
    bytes.writeInt16LE(-7, 44);
    bytes.writeInt16LE(9, 46);
    expect(readWav(bytes)).toEqual({ rateHz: 16_000, samples: Int16Array.of(-7, 9) });
  });
  it.each([Buffer.alloc(0), Buffer.from('RIFF'), Buffer.from('RIFF____WAVEdata'), Buffer.alloc(100)])(
    'are refused where they are none',
    (bytes) => {
      expect(readWav(bytes)).toBeNull();
    },
  );
});
