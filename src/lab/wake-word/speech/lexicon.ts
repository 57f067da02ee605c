import { readFile } from 'node:fs/promises';
import { systemCode } from '../../../errors';

/** A word and how it is spoken: phonemes of American English in ARPAbet's letters, stress left out. */
export interface Entry {
  readonly word: string;
  readonly phonemes: readonly string[];
}

/** The CMU dictionary as festival brings it (Debian package festlex-cmu): 100,000 words, names among them. */
export const CMU_LEXICON = '/usr/share/festival/dicts/cmu/cmudict-0.4.out';

/** @returns null where there is no lexicon */
export async function readLexicon(file = CMU_LEXICON): Promise<Entry[] | null> {
  let text: string;
  try {
    text = await readFile(file, 'latin1');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw error;
  }
  const entries: Entry[] = [];
  for (const line of text.split('\n')) {
    const parts = /^\("([a-z]+)" \w+ (\(.*\))\)$/.exec(line);
    if (parts === null) continue;
    const phonemes = (parts[2] as string).match(/[a-z]+/g) ?? [];
    if (phonemes.length > 0) entries.push({ word: parts[1] as string, phonemes });
  }
  return entries;
}

const VOWELS = new Set([
  'aa',
  'ae',
  'ah',
  'ao',
  'aw',
  'ax',
  'ay',
  'eh',
  'er',
  'ey',
  'ih',
  'iy',
  'ow',
  'oy',
  'uh',
  'uw',
]);
const VOICELESS: Readonly<Record<string, string>> = {
  b: 'p',
  d: 't',
  g: 'k',
  v: 'f',
  z: 's',
  zh: 'sh',
  jh: 'ch',
  dh: 'th',
};

/** 0 for the same phoneme, less than 1 for one that is easily taken for it. */
function unlike(a: string, b: string): number {
  if (a === b) return 0;
  if ((VOICELESS[a] ?? a) === (VOICELESS[b] ?? b)) return 0.4;
  return VOWELS.has(a) && VOWELS.has(b) ? 0.5 : 1;
}

/** Edit distance of two pronunciations, weighted by how alike the phonemes are (Wagner & Fischer 1974). */
export function soundDistance(a: readonly string[], b: readonly string[]): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swapped = (row[j - 1] as number) + unlike(a[i - 1] as string, b[j - 1] as string);
      next.push(Math.min(swapped, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

/** Whether the pronunciation `inner` occurs in `outer` as it is: who says “computers” has said “computer”. */
export function soundsWithin(outer: readonly string[], inner: readonly string[]): boolean {
  return outer.some((_, at) => inner.every((phoneme, i) => unlike(outer[at + i] ?? '', phoneme) === 0));
}

/** One vowel's colour or one consonant's voice apart: another accent of the same word. */
const SAME_WORD = 0.75;

/** The words that sound most like `word`, none that contains it; nearest first. Empty where the lexicon lacks the word. */
export function nearWords(lexicon: readonly Entry[], word: string, count: number): string[] {
  const target = lexicon.find((entry) => entry.word === word)?.phonemes;
  if (target === undefined) return [];
  const scored: { word: string; distance: number }[] = [];
  for (const entry of lexicon) {
    if (Math.abs(entry.phonemes.length - target.length) > 3 || soundsWithin(entry.phonemes, target)) continue;
    const distance = soundDistance(entry.phonemes, target);
    if (distance < SAME_WORD) continue;
    // Shares of the word's length, so that a short word is not near only by being short.
    scored.push({ word: entry.word, distance: distance / Math.max(entry.phonemes.length, target.length) });
  }
  scored.sort((a, b) => a.distance - b.distance || (a.word < b.word ? -1 : 1));
  return [...new Set(scored.map((one) => one.word))].slice(0, count);
}
