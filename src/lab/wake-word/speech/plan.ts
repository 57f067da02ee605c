import { seededRandom } from '../../../random';
import { UsherError } from '../../../errors';
import { selectClips, type SoundBank } from '../sound/bank';
import { confusable, mentioning, sentences } from './texts';
import { readLexicon } from './lexicon';
import { synthesise, type SynthesisOptions, type Utterance } from './synthesise';
import { findVoices, type Engine, type Voice } from './voices';

export interface SpeechRequest {
  /** Lower-case letters, words separated by single spaces. */
  readonly word: string;
  readonly engines?: readonly Engine[];
  readonly seed: number;
  /** How many clips of each kind. */
  readonly counts: SpeechCounts;
}

export interface SpeechCounts {
  readonly positives: number;
  readonly near: number;
  readonly sentences: number;
}

export const TRAINING_COUNTS: SpeechCounts = { positives: 2400, near: 1600, sentences: 5000 };

export interface Speech {
  readonly positives: SoundBank;
  /** Words that sound like it, and phrases. */
  readonly near: SoundBank;
  readonly sentences: SoundBank;
  /** Engines that were passed over, for the person who trains. */
  readonly missing: readonly string[];
}

/** Of the utterances; espeak-ng has a hundred times the voices, the others sound more like people. */
const SHARES: Readonly<Record<Engine, number>> = {
  'espeak-ng': 0.45,
  flite: 0.2,
  festival: 0.15,
  rhvoice: 0.25,
  pico: 0.15,
};
const NEAR_WORDS = 90;

/**
 * Synthesises a word, what sounds like it, and other speech, in every accent, variant, rate and pitch of the voices.
 * @throws UsherError `usage` for a word that cannot be spoken, `dependency-missing` without engines, `data-invalid` when no voice can say the word
 */
export async function makeSpeech(request: SpeechRequest, options: SynthesisOptions): Promise<Speech> {
  const { word, seed, counts } = request;
  if (!/^[a-z]+( [a-z]+){0,3}$/.test(word))
    throw new UsherError('usage', `“${word}” is not a trigger word: expected one to four words of the letters a to z`, {
      remedy: 'Write it in lower case, as it is pronounced.',
    });
  const { list, missing } = await findVoices(request.engines);
  const lexicon = await readLexicon();
  const near = confusable(word, lexicon, NEAR_WORDS);
  const endings = ['', '.', '!', '?'];
  const total = counts.positives + counts.near + counts.sentences;
  let before = 0;
  const say = async (texts: readonly string[], stream: number, count: number): Promise<SoundBank> => {
    const offset = before;
    before += count;
    return synthesise(cast(texts, count, list, seed + stream), {
      cacheDir: options.cacheDir,
      onProgress: (share) => options.onProgress?.((offset + share * count) / total),
    });
  };
  const positives = await say(
    endings.map((ending) => word + ending),
    1,
    counts.positives,
  );
  if (positives.names.length === 0 && counts.positives > 0)
    throw new UsherError('data-invalid', `no voice can say “${word}”`, {
      remedy: 'Check the spelling, or install another engine: apt-get install espeak-ng flite festival',
    });
  const nearClips = await say(near, 2, counts.near);
  const other = await say(sentences(lexicon, counts.sentences, seed), 3, counts.sentences);
  const mentions = mentioning(word, lexicon);
  const heard = other.names.map((name) => mentions(name.slice(name.indexOf(': ') + 2)));
  return { positives, near: nearClips, sentences: selectClips(other, (i) => heard[i] !== true), missing };
}

/** Deals texts to voices, rates and pitches. */
export function cast(texts: readonly string[], count: number, voices: readonly Voice[], seed: number): Utterance[] {
  if (texts.length === 0) return [];
  const random = seededRandom(seed);
  const engines = [...new Set(voices.map(({ engine }) => engine))];
  const sum = engines.reduce((total, engine) => total + SHARES[engine], 0);
  return Array.from({ length: count }, (_, i) => {
    let at = random.next() * sum;
    const engine = engines.find((one) => (at -= SHARES[one]) < 0);
    const own = voices.filter((voice) => engine === undefined || voice.engine === engine);
    return {
      voice: own[random.below(own.length)] as Voice,
      text: texts[i % texts.length] as string,
      rate: Number(random.between(0.75, 1.35).toFixed(2)),
      pitch: Number(random.between(-5, 5).toFixed(1)),
    };
  });
}
