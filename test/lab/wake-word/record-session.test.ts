import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { NEVER, Observable, of } from 'rxjs';
import { decodeSounds } from '../../../src/lab/wake-word/sound/decode';
import type { TakeReport } from '../../../src/lab/wake-word/sound/take';
import { seededRandom } from '../../../src/random';
import { recordTakes, type RecordingPlan } from '../../../src/lab/wake-word/record-session';
import { createMicrophoneSource } from '../../../src/voice/sources/create';
import type { LentSound, MicrophoneSource } from '../../../src/voice/sources/sound';
import { sound, encode } from './sound/sounds';

// The recorder of the tests is the real ffmpeg.
jest.setTimeout(120_000);

let dir: string;
beforeEach(() => (dir = mkdtempSync(path.join(tmpdir(), 'usher-record-'))));
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const SECONDS = 2;
const random = seededRandom(1);
/** Takes of two seconds, one after the other; the level of the word in each, 0 for none. */
const takes = (...levels: readonly number[]): Int16Array =>
  sound(levels.length * SECONDS, (t) => {
    const level = levels[Math.floor(t / SECONDS)] ?? 0;
    const at = t % SECONDS;
    const on = at > 0.6 && at < 1.2;
    return Math.max(-1, Math.min(1, (on ? level * Math.sin(2 * Math.PI * 600 * t) : 0) + 0.0005 * random.normal()));
  });

const fromFile = (file: string): MicrophoneSource =>
  createMicrophoneSource(
    { source: { type: 'file', path: file, realtime: false, loop: false, channel: 'auto' } },
    { warn: () => undefined },
    () => {
      throw new Error('no standard input here');
    },
  );

const plan = (change: Partial<RecordingPlan> = {}): RecordingPlan => ({
  ...{
    kind: 'word',
    name: 'word-beep',
    folder: path.join(dir, 'takes'),
    count: 3,
    seconds: SECONDS,
    pauseSeconds: 0,
    patience: 5,
  },
  ...change,
});

function record(
  source: MicrophoneSource,
  change: Partial<RecordingPlan> = {},
  stop = new AbortController(),
  prompt: () => void = () => undefined,
) {
  const verdicts: TakeReport[] = [];
  const ui = {
    prompt,
    level: () => undefined,
    verdict: (report: TakeReport) => void verdicts.push(report),
  };
  return recordTakes(source, plan(change), ui, stop.signal).then((outcome) => ({ ...outcome, verdicts }));
}

it('keeps the good takes of a recording, says what is wrong with the others, and stops when it has enough', async () => {
  encode(path.join(dir, 'in.wav'), takes(0.2, 0, 3, 0.25, 0.3, 0.35));
  const { files, refused, ended, verdicts } = await record(fromFile(path.join(dir, 'in.wav')));
  expect(verdicts.map(({ problems }) => problems)).toEqual([[], ['no-word'], ['clipped'], [], []]);
  expect([files.length, refused, ended]).toEqual([3, 2, 'complete']);
  const written = readdirSync(path.join(dir, 'takes'));
  expect(written.map((name) => path.join(dir, 'takes', name)).sort()).toEqual([...files].sort());
  const [heard] = await decodeSounds([files[0]!]);
  // The word ends at 1.2 s; the take does when half a second more was heard.
  expect(heard).toHaveLength(1.8 * 16_000);
});

it('counts the same take once, and ends with its source', async () => {
  const folder = path.join(dir, 'in');
  mkdirSync(folder);
  const one = takes(0.2);
  for (const name of ['1.wav', '2.wav']) encode(path.join(folder, name), one);
  const { files, ended } = await record(fromFile(folder));
  expect([files.length, ended]).toEqual([1, 'source-ended']);
});

it('takes every recording of a folder, however short, and forgets rests that hold no word', async () => {
  const folder = path.join(dir, 'in');
  mkdirSync(folder);
  encode(path.join(folder, '1.wav'), takes(0.2).slice(0, 1.5 * 16_000));
  encode(path.join(folder, '2.wav'), takes(0.25, 0).slice(0, 2.2 * 16_000));
  encode(path.join(folder, '3.wav'), takes(0.3).slice(0, 0.3 * 16_000));
  encode(path.join(folder, '4.wav'), takes(0.3, 0.35).slice(0, 3.5 * 16_000));
  const { files, verdicts } = await record(fromFile(folder), { count: 9 });
  expect(verdicts.map(({ problems }) => problems)).toEqual([[], [], ['no-word'], [], []]);
  const lengths = (await decodeSounds(files)).map((samples) => samples.length / 16_000);
  expect(lengths).toEqual([1.5, 1.8, 1.8, 1.7]);
});

it('cuts a recording at its words, wherever they are', async () => {
  // A word that the end of the first take would cut, at 2.6 s, and more of them, two seconds apart.
  encode(path.join(dir, 'in.wav'), takes(0, 0.3, 0.25, 0.2));
  const { files, verdicts } = await record(fromFile(path.join(dir, 'in.wav')), { seconds: 2.9 });
  expect(verdicts.map(({ problems }) => problems)).toEqual([[], [], []]);
  expect(files).toHaveLength(3);
});

it('gives up when nothing is good enough, and keeps what was', async () => {
  encode(path.join(dir, 'in.wav'), takes(0.2, 0, 0, 0, 0));
  const outcome = await record(fromFile(path.join(dir, 'in.wav')), { patience: 3 });
  expect([outcome.files.length, outcome.refused, outcome.ended]).toEqual([1, 3, 'gave-up']);
});

it('says that a folder cannot be written, and that a recording cannot be read', async () => {
  writeFileSync(path.join(dir, 'takes'), 'in the way');
  encode(path.join(dir, 'in.wav'), takes(0.2));
  await expect(record(fromFile(path.join(dir, 'in.wav')))).rejects.toMatchObject({ code: 'file-unreadable' });
  await expect(
    record(fromFile(path.join(dir, 'absent.wav')), { folder: path.join(dir, 'other') }),
  ).rejects.toMatchObject({
    name: 'UsherError',
  });
});

describe('a microphone', () => {
  const piece = (samples: Int16Array, gap: boolean, release: () => void): LentSound => ({
    ...{
      at: 0,
      samples: Float32Array.from(samples, (x) => x / 32_768),
      length: samples.length,
      gap,
      endSample: 0,
      invalid: 0,
      trouble: null,
    },
    release,
  });
  const source = (items: Observable<LentSound>): MicrophoneSource => ({
    name: 'stand-in',
    live: true,
    open: () => items,
  });

  it('that lost sound within a take begins that take again; every piece goes back', async () => {
    let lent = 0;
    const give = (samples: Int16Array, gap = false): LentSound => (lent++, piece(samples, gap, () => lent--));
    const word = takes(0.2);
    const half = word.slice(0, word.length / 2);
    const { files } = await record(source(of(give(half), give(word.slice(0, 1600), true), give(word.slice(1600)))), {
      count: 1,
    });
    const bytes = readFileSync(files[0]!);
    expect(bytes.readInt16LE(44)).toBe(word[0]);
    expect(bytes.readInt16LE(bytes.length - 2)).toBe(word.at(-1));
    expect(lent).toBe(0);
  });

  it('is heard from the prompt on: a word that follows at once is in the take', async () => {
    const said: string[] = [];
    const sounds = new Observable<LentSound>((subscriber) => {
      // A second of pause, in pieces of a quarter; then the word, from 0.1 s after the prompt.
      for (let i = 0; i < 4; i++) subscriber.next(piece(takes(0).slice(0, 4000), false, () => said.push('pause')));
      subscriber.next(piece(takes(0.2).slice(0.5 * 16_000), false, () => said.push('word')));
      subscriber.next(piece(takes(0), false, () => undefined));
    });
    const { verdicts } = await record(source(sounds), { count: 1, pauseSeconds: 1 }, undefined, () => {
      said.push('prompt');
    });
    expect(said.slice(0, 6)).toEqual(['pause', 'pause', 'pause', 'pause', 'prompt', 'word']);
    expect(verdicts.map(({ problems }) => problems)).toEqual([[]]);
  });

  it('is closed when it is stopped', async () => {
    const stop = new AbortController();
    let closed = false;
    const endless = new Observable<LentSound>((subscriber) => {
      const inner = NEVER.subscribe(subscriber);
      return () => {
        closed = true;
        inner.unsubscribe();
      };
    });
    const running = record(source(endless), {}, stop);
    stop.abort();
    expect((await running).ended).toBe('stopped');
    expect(closed).toBe(true);
  });
});
