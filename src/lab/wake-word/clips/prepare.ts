import { UsherError } from '../../../errors';
import { buildBank, clipCount, clipSamples, joinBanks, selectClips, type SoundBank } from '../sound/bank';
import { partOfCorpus, readCorpus, type Corpus } from '../sound/corpus';
import type { Materials, NamedBank } from '../sound/materials';
import { roomOf } from '../sound/room';
import { makeSpeech, TRAINING_COUNTS, type Speech, type SpeechCounts } from '../speech/plan';
import type { Engine } from '../speech/voices';
import { partOf, type Part } from '../sound/split';

export interface DataRequest {
  readonly word: string;
  readonly positives: readonly string[];
  readonly negatives: readonly string[];
  readonly background: readonly string[];
  readonly impulses: readonly string[];
  readonly cacheDir: string;
  readonly seed: number;
  /** Engines to synthesise with; none makes the training use real recordings alone. */
  readonly engines?: readonly Engine[];
  readonly counts?: SpeechCounts;
  /** Other speech alone is enough: what there is to say of the word comes from elsewhere. */
  readonly allowNoWord?: boolean;
  readonly onProgress?: (label: string, share: number) => void;
}

/** What was read and synthesised for one word, split into its parts. */
export interface WordData {
  readonly materials: Readonly<Record<Part, Materials>>;
  /** Content hashes of the training and validation sound, sorted. None of it may be used for measurement. */
  readonly used: readonly string[];
  /** Those among them that were recorded rather than synthesised. */
  readonly recordings: readonly string[];
  /** Skipped engines, impulse responses that are not of rooms, clips without a word: for the person who trains. */
  readonly remarks: readonly string[];
}

/**
 * Reads and synthesises the data of one word. Training and evaluation both call this, so that both split alike.
 * @throws UsherError naming the folder or file at fault; a word with neither recordings nor voices is an error
 */
export async function prepareData(request: DataRequest): Promise<WordData> {
  const remarks: string[] = [];
  const read = async (folders: readonly string[], label: string, words = false): Promise<Corpus[]> => {
    const corpora: Corpus[] = [];
    for (const folder of folders)
      corpora.push(
        await readCorpus(folder, {
          cacheDir: request.cacheDir,
          words,
          onProgress: (share) => request.onProgress?.(`reading ${label}`, share),
        }),
      );
    return corpora;
  };
  const positives = (await read(request.positives, 'words', true)).map((corpus) => withWordsOnly(corpus, remarks));
  const negatives = await read(request.negatives, 'other speech');
  const background = await read(request.background, 'backgrounds');
  const impulses = (await read(request.impulses, 'rooms')).map((corpus) => roomsOnly(corpus, remarks));
  const speech = await speechFor(request);
  remarks.push(...speech.missing);
  const words = clipCount(speech.positives) + positives.reduce((sum, { bank }) => sum + clipCount(bank), 0);
  if (words === 0 && request.allowNoWord !== true)
    throw new UsherError('data-invalid', `“${request.word}” has neither recordings nor voices`, {
      remedy: 'Give recordings with --positives, or install a voice: apt-get install espeak-ng flite festival',
    });

  const materialsOf = (part: Part): Materials => ({
    word: request.word,
    real: joined(positives, part),
    synthetic: partOfBank(speech.positives, part),
    near: partOfBank(speech.near, part),
    sentences: partOfBank(speech.sentences, part),
    speech: named(negatives, part),
    noise: named(background, part),
    impulses: joined(impulses, part),
  });
  const materials = { train: materialsOf('train'), validation: materialsOf('validation'), test: materialsOf('test') };
  const seen = [materials.train, materials.validation];
  return { materials, used: hashesOf(seen.flatMap(everything)), recordings: hashesOf(seen.flatMap(recorded)), remarks };
}

async function speechFor(request: DataRequest): Promise<Speech> {
  if (request.engines?.length === 0) {
    const none = buildBank([]);
    return { positives: none, near: none, sentences: none, missing: [] };
  }
  return makeSpeech(
    {
      word: request.word,
      seed: request.seed,
      counts: request.counts ?? TRAINING_COUNTS,
      ...(request.engines === undefined ? {} : { engines: request.engines }),
    },
    {
      cacheDir: request.cacheDir,
      onProgress: (share) => request.onProgress?.('synthesising speech', share),
    },
  );
}

const joined = (corpora: readonly Corpus[], part: Part): SoundBank =>
  joinBanks(corpora.map((corpus) => partOfCorpus(corpus, part)));

const named = (corpora: readonly Corpus[], part: Part): NamedBank[] =>
  corpora
    .map((corpus) => ({ name: corpus.name, bank: partOfCorpus(corpus, part) }))
    .filter(({ bank }) => clipCount(bank) > 0);

const partOfBank = (bank: SoundBank, part: Part): SoundBank =>
  selectClips(bank, (i) => partOf('', '', bank.hashes[i] as string) === part);

/** Without those in which no word stands out from the noise. */
function withWordsOnly(corpus: Corpus, remarks: string[]): Corpus {
  return keep(
    corpus,
    (i) => (corpus.bank.words[2 * i + 1] as number) >= 0,
    'no word stands out from the noise',
    remarks,
  );
}

function roomsOnly(corpus: Corpus, remarks: string[]): Corpus {
  return keep(
    corpus,
    (i) => roomOf(clipSamples(corpus.bank, i)) !== null,
    'the response of an effect, not of a room',
    remarks,
  );
}

function keep(corpus: Corpus, wanted: (i: number) => boolean, why: string, remarks: string[]): Corpus {
  const kept = corpus.parts.map((_, i) => wanted(i));
  kept.forEach((is, i) => {
    if (!is) remarks.push(`${corpus.name}/${corpus.bank.names[i] ?? ''} is left out: ${why}`);
  });
  return {
    ...corpus,
    bank: selectClips(corpus.bank, (i) => kept[i] === true),
    parts: corpus.parts.filter((_, i) => kept[i]),
  };
}

const recorded = (m: Materials): SoundBank[] => [
  m.real,
  m.impulses,
  ...m.speech.map(({ bank }) => bank),
  ...m.noise.map(({ bank }) => bank),
];

const everything = (m: Materials): SoundBank[] => [...recorded(m), m.synthetic, m.near, m.sentences];

const hashesOf = (banks: readonly SoundBank[]): string[] => [...new Set(banks.flatMap(({ hashes }) => hashes))].sort();
