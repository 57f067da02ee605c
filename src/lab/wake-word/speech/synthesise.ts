import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UsherError } from '../../../errors';
import { buildBank, joinBanks, loadBank, saveBank, type Clip, type SoundBank } from '../sound/bank';
import { RATE_HZ } from '../sound/rate';
import { resample } from '../sound/resample';
import { inParallel, runProgram } from '../sound/run-program';
import { readWav } from './wav';
import { type Engine, PROGRAMS, type Voice } from './voices';
import { sha256Hex } from '../../../digest';

/** One thing to say. */
export interface Utterance {
  readonly voice: Voice;
  readonly text: string;
  /** Of the voice's own: 1.2 is a fifth faster. */
  readonly rate: number;
  /** Semitones above the voice's own. */
  readonly pitch: number;
}

/** Utterances in one piece of work and one cache file. */
const BATCH = 100;
const PROCESSES = 2;
const FORMAT = 2;
/** What an engine may say at most of one text. */
const MAX_SECONDS = 30;
const TIMEOUT_MS = 120_000;
/** Nothing in it means anything to an engine's own language. */
const PLAIN = /^[\p{L}][\p{L}' ,.!?-]*$/u;

export interface SynthesisOptions {
  readonly cacheDir: string;
  readonly onProgress?: (share: number) => void;
}

/**
 * Says everything, silence before and after cut off; each clip's word is what was said. Batches are kept in the cache under the
 * hash of what they say. An utterance that its voice cannot say is left out.
 * @throws UsherError `usage` for a text with anything but letters and punctuation, `dependency-missing` for a missing engine
 */
export async function synthesise(utterances: readonly Utterance[], options: SynthesisOptions): Promise<SoundBank> {
  const strange = utterances.find(({ text }) => !PLAIN.test(text));
  if (strange !== undefined)
    throw new UsherError('usage', `“${strange.text}” cannot be spoken: expected letters, spaces and punctuation`, {
      remedy: 'Write numbers and signs as words.',
    });
  // By engine, since festival says a whole batch in one process.
  const sorted = [...utterances].sort((a, b) => a.voice.engine.localeCompare(b.voice.engine));
  const batches: Utterance[][] = [];
  for (const utterance of sorted) {
    const last = batches.at(-1);
    if (last === undefined || last.length >= BATCH || last[0]?.voice.engine !== utterance.voice.engine)
      batches.push([utterance]);
    else last.push(utterance);
  }
  let done = 0;
  const banks = await inParallel(batches, PROCESSES, async (batch) => {
    const key = sha256Hex(JSON.stringify([FORMAT, batch])).slice(0, 32);
    const file = join(options.cacheDir, 'speech', `${key}.bank`);
    let bank = await loadBank(file);
    if (bank === null) {
      bank = await sayBatch(batch);
      saveBank(file, bank);
    }
    done += batch.length;
    options.onProgress?.(done / utterances.length);
    return bank;
  });
  return joinBanks(banks);
}

async function sayBatch(batch: readonly Utterance[]): Promise<SoundBank> {
  const engine = batch[0]?.voice.engine ?? 'espeak-ng';
  const folder = await mkdtemp(join(tmpdir(), 'usher-speech-'));
  try {
    const spoken = await SPEAKERS[engine](batch, folder);
    return buildBank(spoken.flatMap((wav, i) => clipOf(batch[i] as Utterance, wav)));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

type Speaker = (batch: readonly Utterance[], folder: string) => Promise<(Buffer | null)[]>;

const SPEAKERS: Readonly<Record<Engine, Speaker>> = {
  'espeak-ng': async (batch) => {
    const wavs: (Buffer | null)[] = [];
    for (const one of batch) wavs.push(await run('espeak-ng', espeakArgs(one)));
    return wavs;
  },
  flite: oneFileEach('flite', (one, file) => ({ args: [...fliteArgs(one), '-o', file] })),
  festival: async (batch, folder) => {
    const script = join(folder, 'say.scm');
    const files = batch.map((_, i) => join(folder, `${i}.wav`));
    await writeFile(script, batch.map((one, i) => festivalLines(one, files[i] as string)).join('\n'));
    await run('festival', ['--batch', script]);
    return Promise.all(files.map(readOrNull));
  },
  rhvoice: oneFileEach('rhvoice', ({ voice, text, rate, pitch }, file) => ({
    args: ['-p', voice.name, '-r', percent(rate), '-t', percent(2 ** (pitch / 12)), '-o', file],
    input: text,
  })),
  pico: oneFileEach('pico', ({ voice, text, rate, pitch }, file) => ({
    args: ['-l', voice.name, '-w', file, picoText(text, rate, pitch)],
  })),
};

/** An engine that says one text at a time, into a file. */
function oneFileEach(
  engine: Engine,
  call: (one: Utterance, file: string) => { readonly args: readonly string[]; readonly input?: string },
): Speaker {
  return async (batch, folder) => {
    const wavs: (Buffer | null)[] = [];
    const file = join(folder, 'said.wav');
    for (const utterance of batch) {
      await rm(file, { force: true });
      const { args, input } = call(utterance, file);
      await run(engine, args, input);
      wavs.push(await readOrNull(file));
    }
    return wavs;
  };
}

const percent = (ratio: number): string => String(Math.round(100 * ratio));

const picoText = (text: string, rate: number, pitch: number): string =>
  `<pitch level='${percent(2 ** (pitch / 12))}'><speed level='${percent(rate)}'>${text}</speed></pitch>`;

function espeakArgs({ voice, text, rate, pitch }: Utterance): string[] {
  const wordsPerMinute = String(Math.round(165 * rate));
  const level = String(Math.round(Math.min(99, Math.max(1, 50 + 6 * pitch))));
  return ['-v', voice.name, '-s', wordsPerMinute, '-p', level, '--stdout', text];
}

function fliteArgs({ voice, text, rate, pitch }: Utterance): string[] {
  const stretch = (1 / rate).toFixed(3);
  const hertz = (FLITE_HZ[voice.name] ?? 120) * 2 ** (pitch / 12);
  return [
    '-voice',
    voice.name,
    '--setf',
    `duration_stretch=${stretch}`,
    '--setf',
    `int_f0_target_mean=${hertz.toFixed(1)}`,
    '-t',
    text,
  ];
}

/** The voices' own mean pitch. */
const FLITE_HZ: Readonly<Record<string, number>> = { slt: 178, rms: 106, awb: 129, kal: 95 };

function festivalLines({ voice, text, rate }: Utterance, file: string): string {
  return [
    `(voice_${voice.name})`,
    `(Parameter.set 'Duration_Stretch ${(1 / rate).toFixed(3)})`,
    `(unwind-protect (begin (set! said (utt.synth (Utterance Text "${text}")))`,
    ` (utt.save.wave said "${file}" 'riff)) nil)`,
  ].join('\n');
}

/** @returns null where the engine failed with this text; only a missing engine is an error */
async function run(engine: Engine, args: readonly string[], input = ''): Promise<Buffer | null> {
  try {
    return await runProgram({
      ...PROGRAMS[engine],
      args,
      input,
      maxBytes: 2 * 48_000 * MAX_SECONDS,
      timeoutMs: TIMEOUT_MS,
    });
  } catch (error) {
    if (error instanceof UsherError && error.code === 'data-invalid') return null;
    throw error;
  }
}

async function readOrNull(file: string): Promise<Buffer | null> {
  return readFile(file).catch(() => null);
}

/** Below a hundredth of the peak it is silence: synthetic voices have no breath noise. */
const SILENT = 0.01;

function clipOf({ voice, text }: Utterance, wav: Buffer | null): Clip[] {
  const sound = wav === null ? null : readWav(wav);
  if (sound === null || sound.samples.length === 0) return [];
  const all =
    sound.rateHz === RATE_HZ ? Float32Array.from(sound.samples) : resample(sound.samples, sound.rateHz / RATE_HZ);
  const peak = all.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  if (peak < 200) return [];
  const edge = SILENT * peak;
  const start = all.findIndex((x) => Math.abs(x) > edge);
  const stop = all.findLastIndex((x) => Math.abs(x) > edge) + 1;
  if (stop - start < RATE_HZ / 10) return [];
  const scale = Math.min(1, 32_000 / peak);
  const samples = Int16Array.from(all.subarray(start, stop), (x) => Math.round(x * scale));
  return [{ name: `${voice.engine}/${voice.name}: ${text}`, samples, word: { start: 0, end: samples.length } }];
}
