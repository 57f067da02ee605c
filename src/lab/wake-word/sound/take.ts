import type { WordSpan } from './bank';
import { activeLevel, decibels, rms } from './levels';
import { RATE_HZ } from './rate';
import { findWord } from './word-span';

/** The kind of take: the trigger word, other speech, or the room without speech. */
export const TAKE_KINDS = ['word', 'other', 'background'] as const;
export type TakeKind = (typeof TAKE_KINDS)[number];

export type TakeProblem = 'dead' | 'clipped' | 'no-word' | 'cut-off' | 'too-long' | 'too-quiet' | 'too-noisy';

export interface TakeReport {
  /** Level of the speech, or of the whole take if no one was to speak; decibels of full scale. */
  readonly levelDb: number;
  /** What was said above the noise; null where nothing was found. */
  readonly snrDb: number | null;
  readonly word: WordSpan | null;
  readonly problems: readonly TakeProblem[];
}

/** What to do about it, for the person at the microphone. */
export const TAKE_ADVICE: Readonly<Record<TakeProblem, string>> = {
  dead: 'All samples have the same value. Check that the microphone is not muted.',
  clipped: 'Too loud: move away, or lower the gain.',
  'no-word': 'No speech was found: speak after the prompt.',
  'cut-off': 'Too early or too late: speak in the middle.',
  'too-long': 'Say the word alone, without anything before or after it.',
  'too-quiet': 'Too soft: come nearer, or raise the gain.',
  'too-noisy': 'The room is too loud: come nearer. Record the noise itself with `usher record background`.',
};

/** Three samples in a row at full scale are an overdriven microphone; one is a loud day. */
const CLIPPED_RUN = 3;
const FULL_SCALE = 32_700;
const QUIET_DB = -50;
const NOISY_DB = 10;
/** A trigger word of four words, spoken slowly. */
const LONGEST_WORD_S = 2;
const EDGE_S = 0.06;

/** Judges a take. It is kept only if it is useful for its purpose. */
export function judgeTake(kind: TakeKind, samples: Int16Array): TakeReport {
  const floats = Float32Array.from(samples, (x) => x / 32_768);
  const problems: TakeProblem[] = [];
  if (samples.every((x) => x === samples[0])) problems.push('dead');
  if (isClipped(samples)) problems.push('clipped');
  if (kind === 'background') return { levelDb: decibels(rms(floats)), snrDb: null, word: null, problems };

  const word = findWord(samples);
  if (word === null) {
    if (problems.length === 0) problems.push('no-word');
    return { levelDb: decibels(rms(floats)), snrDb: null, word, problems };
  }
  const level = activeLevel(floats, word.start, word.end);
  const snrDb = decibels(level / Math.max(noiseLevel(floats, word), 1e-6));
  const cut = word.start < EDGE_S * RATE_HZ || word.end > samples.length - EDGE_S * RATE_HZ;
  if (kind === 'word') {
    if (cut) problems.push('cut-off');
    else if (word.end - word.start > LONGEST_WORD_S * RATE_HZ) problems.push('too-long');
  }
  if (decibels(level) < QUIET_DB) problems.push('too-quiet');
  if (snrDb < NOISY_DB) problems.push('too-noisy');
  return { levelDb: decibels(level), snrDb, word, problems };
}

function isClipped(samples: Int16Array): boolean {
  let run = 0;
  for (const sample of samples) {
    run = Math.abs(sample) >= FULL_SCALE ? run + 1 : 0;
    if (run >= CLIPPED_RUN) return true;
  }
  return false;
}

/** Around the word; where there is nothing around it, nothing. */
function noiseLevel(samples: Float32Array, { start, end }: WordSpan): number {
  const before = Math.max(0, start - 0.05 * RATE_HZ);
  const after = Math.min(samples.length, end + 0.15 * RATE_HZ);
  const [a, b] = [rms(samples, 0, before), rms(samples, after, samples.length)];
  const [na, nb] = [before, samples.length - after];
  return na + nb === 0 ? 0 : Math.sqrt((a * a * na + b * b * nb) / (na + nb));
}
