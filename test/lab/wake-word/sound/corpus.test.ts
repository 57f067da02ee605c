import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  buildBank,
  clipCount,
  clipSamples,
  joinBanks,
  loadBank,
  saveBank,
  selectClips,
  wordOf,
} from '../../../../src/lab/wake-word/sound/bank';
import { readCorpus } from '../../../../src/lab/wake-word/sound/corpus';
import { partOf } from '../../../../src/lab/wake-word/sound/split';
import { chatter, encode, sound, toneWord } from './sounds';

// Programs are started by the dozen: on a busy machine that takes its time.
jest.setTimeout(240_000);

let dir: string;
let cacheDir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'usher-corpus-'));
  cacheDir = path.join(dir, 'cache');
  mkdirSync(path.join(dir, 'sounds', 'deeper'), { recursive: true });
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));
const inside = (name: string): string => path.join(dir, 'sounds', name);

describe('a folder of sounds', () => {
  it('is read whatever it is written in, each sound once, the same by content', async () => {
    const word = toneWord(800, 1).samples;
    encode(inside('a.wav'), word);
    encode(inside('again.flac'), word);
    encode(inside('deeper/stereo.wav'), chatter(1, 3), ['-ac', '2', '-ar', '44100']);
    encode(inside('c.opus'), chatter(1, 4));
    encode(inside('eight.wav'), chatter(1, 5), ['-c:a', 'pcm_u8']);
    encode(inside('float.wav'), chatter(1, 6), ['-c:a', 'pcm_f32le']);
    writeFileSync(inside('notes.txt'), 'no sound');
    const { bank, name } = await readCorpus(inside(''), { cacheDir, words: true });
    expect(name).toBe('sounds');
    expect(bank.names).toEqual(['a.wav', 'c.opus', 'deeper/stereo.wav', 'eight.wav', 'float.wav']);
    expect([...clipSamples(bank, 0)]).toEqual([...word]);
    const span = wordOf(bank, 0)!;
    expect(Math.abs(span.end - 16_000)).toBeLessThan(800);
    for (let i = 1; i < clipCount(bank); i++) expect(Math.abs(clipSamples(bank, i).length - 16_000)).toBeLessThan(400);
  });

  it('comes from the cache when nothing changed, and is read again when something did', async () => {
    encode(inside('a.wav'), chatter(1, 1));
    const first = await readCorpus(inside(''), { cacheDir });
    const [cached] = readdirSync(path.join(cacheDir, 'decoded'));
    expect((await readCorpus(inside(''), { cacheDir })).bank.hashes).toEqual(first.bank.hashes);
    expect(readdirSync(path.join(cacheDir, 'decoded'))).toEqual([cached]);
    // A cache that was cut off is no cache.
    writeFileSync(path.join(cacheDir, 'decoded', cached!), 'cut off');
    expect((await readCorpus(inside(''), { cacheDir })).bank.hashes).toEqual(first.bank.hashes);
    encode(inside('b.wav'), chatter(1, 2));
    expect((await readCorpus(inside(''), { cacheDir })).bank.names).toEqual(['a.wav', 'b.wav']);
  });

  it.each([
    ['does not exist', () => undefined, 'nowhere', 'file-unreadable', /nowhere does not exist/],
    ['holds none', () => writeFileSync(inside('notes.txt'), ''), '', 'data-invalid', /holds no sound files/],
    ['holds an empty file', () => writeFileSync(inside('empty.wav'), ''), '', 'data-invalid', /empty\.wav/],
    ['holds one that is none', () => writeFileSync(inside('lie.flac'), 'not at all'), '', 'data-invalid', /lie\.flac/],
  ])('that %s is an error that names it', async (_, spoil, name, code, message) => {
    encode(inside('deeper/whole.wav'), chatter(1, 1));
    if (name === '' && code === 'data-invalid' && message.source.startsWith('holds'))
      rmSync(inside('deeper'), { recursive: true });
    spoil();
    await expect(readCorpus(inside(name), { cacheDir })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
    });
  });

  it('does not lose a file because the one beside it is broken', async () => {
    encode(inside('whole.wav'), chatter(1, 1));
    writeFileSync(inside('broken.wav'), 'RIFF');
    await expect(readCorpus(inside(''), { cacheDir })).rejects.toThrow(/broken\.wav/);
    rmSync(inside('broken.wav'));
    expect((await readCorpus(inside(''), { cacheDir })).bank.names).toEqual(['whole.wav']);
  });

  it('keeps what it holds when it is copied elsewhere under other names', async () => {
    encode(inside('a.wav'), chatter(1, 1));
    mkdirSync(path.join(dir, 'copy'));
    copyFileSync(inside('a.wav'), path.join(dir, 'copy', 'z.wav'));
    const [a, b] = await Promise.all([inside(''), path.join(dir, 'copy')].map((one) => readCorpus(one, { cacheDir })));
    expect(a!.bank.hashes).toEqual(b!.bank.hashes);
    expect(a!.parts).toEqual(b!.parts);
  });
});

describe('parts', () => {
  const hashes = Array.from(
    { length: 4000 },
    (_, i) => buildBank([{ name: '', samples: sound(0.001, () => i / 4000) }]).hashes[0]!,
  );

  it('hold a fifth for the test and a tenth for validation', () => {
    const parts = hashes.map((hash) => partOf('mine', 'x', hash));
    expect(parts.filter((part) => part === 'test').length / 4000).toBeCloseTo(0.2, 1);
    expect(parts.filter((part) => part === 'validation').length / 4000).toBeCloseTo(0.1, 1);
  });

  it('keep takes of one recording together, and corpora apart', () => {
    const takes = hashes.slice(0, 20).map((hash, i) => partOf('esc10', `rain-4-161127-${'AB'[i % 2]!}`, hash));
    expect(new Set(takes).size).toBe(1);
    expect(new Set(hashes.slice(0, 50).map((hash) => partOf('not-wake-words', 'x', hash)))).toEqual(new Set(['test']));
    expect(partOf('speech-commands', 'exercise_bike', hashes[0]!)).toBe('test');
  });
});

describe('a bank of sounds', () => {
  const clips = [toneWord(700, 1), { name: 'none', samples: chatter(0.5, 2) }, toneWord(800, 3)];

  it('gives back what was put into it, also from disk, in part, and joined', async () => {
    const bank = buildBank(clips);
    saveBank(path.join(dir, 'a', 'b.bank'), bank);
    const loaded = (await loadBank(path.join(dir, 'a', 'b.bank')))!;
    const joined = joinBanks([selectClips(bank, (i) => i === 0), selectClips(loaded, (i) => i > 0)]);
    for (const same of [bank, loaded, joined])
      clips.forEach((clip, i) => {
        expect([...clipSamples(same, i)]).toEqual([...clip.samples]);
        expect(wordOf(same, i)).toEqual('word' in clip ? clip.word : null);
        expect(same.names[i]).toBe(clip.name);
        expect(same.hashes[i]).toBe(bank.hashes[i]);
      });
    expect(joined.samples.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(await loadBank(path.join(dir, 'absent'))).toBeNull();
  });
});
