import { basename } from 'node:path';
import { buildBank, clipCount, joinBanks, selectClips, type SoundBank } from '../sound/bank';
import { partOfCorpus, readCorpus, type Corpus } from '../sound/corpus';
import type { Materials, NamedBank } from '../sound/materials';
import { prepareData } from '../clips/prepare';
import type { SpeechCounts } from '../speech/plan';
import type { Engine } from '../speech/voices';
import { UsherError } from '../../../errors';
import type { TrainedOn } from './trained-on';

export interface WakeDataRequest {
  readonly word: string;
  readonly positives: readonly string[];
  readonly negatives: readonly string[];
  readonly background: readonly string[];
  readonly impulses: readonly string[];
  /** Only the part of each folder that training keeps apart; otherwise all of it, and what was trained on is refused. */
  readonly heldOut: boolean;
  /** Null if the bundle has no list. */
  readonly trainedOn: TrainedOn | null;
  /** What to synthesise besides: words only where asked for. */
  readonly speech: SpeechCounts;
  readonly engines?: readonly Engine[];
  readonly cacheDir: string;
  readonly seed: number;
  readonly onProgress?: (label: string, share: number) => void;
}

export interface WakeData {
  readonly materials: Materials;
  /** As they were recorded, by corpus. */
  readonly positives: readonly NamedBank[];
  readonly leftOut: number;
  readonly remarks: readonly string[];
}

/**
 * Reads the sounds for a measurement and makes sure that the model was not trained on them.
 * @throws UsherError `data-invalid` naming a clip that was trained on
 */
export async function readWakeData(request: WakeDataRequest): Promise<WakeData> {
  const remarks: string[] = [];
  if (request.trainedOn === null && !request.heldOut)
    remarks.push('The bundle does not list what it was trained on: make sure that none of this sound is part of it.');
  let leftOut = 0;
  const read = async (folders: readonly string[], label: string, words = false): Promise<NamedBank[]> => {
    const banks: NamedBank[] = [];
    for (const folder of folders) {
      const corpus = await readCorpus(folder, {
        cacheDir: request.cacheDir,
        words,
        onProgress: (share) => request.onProgress?.(`reading ${label}`, share),
      });
      const bank = request.heldOut ? partOfCorpus(corpus, 'test') : corpus.bank;
      refuseTrainedOn(corpus, bank, request);
      leftOut += clipCount(corpus.bank) - clipCount(bank);
      if (clipCount(bank) === 0) remarks.push(`${corpus.name}: no clip of it is kept for measuring`);
      else banks.push({ name: corpus.name, bank });
    }
    return banks;
  };
  const recorded = await read(request.positives, 'words', true);
  const positives = recorded.map(({ name, bank }) => ({ name, bank: withWord(name, bank, remarks) }));
  const negatives = await read(request.negatives, 'other speech');
  const noise = await read(request.background, 'backgrounds');
  const impulses = await read(request.impulses, 'rooms');
  const made = await synthetic(request);
  remarks.push(...made.remarks);
  const nothing = buildBank([]);
  const { word } = request;
  const materials: Materials = {
    word,
    real: joinOrNone(positives, nothing),
    synthetic: made.materials.synthetic,
    near: made.materials.near,
    sentences: made.materials.sentences,
    speech: negatives,
    noise,
    impulses: joinOrNone(impulses, nothing),
  };
  const spoken = clipCount(materials.synthetic) === 0 ? [] : [{ name: 'synthetic', bank: materials.synthetic }];
  return {
    materials,
    positives: [...positives.filter(({ bank }) => clipCount(bank) > 0), ...spoken],
    leftOut,
    remarks,
  };
}

/** Other utterances than training's, by another seed; any that came out the same is dropped. */
async function synthetic(request: WakeDataRequest): Promise<{ materials: Materials; remarks: readonly string[] }> {
  const { word, cacheDir, seed, speech, engines, onProgress } = request;
  const wanted = speech.positives + speech.near + speech.sentences > 0;
  const data = await prepareData({
    word,
    positives: [],
    negatives: [],
    background: [],
    impulses: [],
    cacheDir,
    seed,
    counts: speech,
    ...(wanted ? (engines === undefined ? {} : { engines }) : { engines: [] }),
    ...(onProgress === undefined ? {} : { onProgress }),
    allowNoWord: true,
  });
  const parts = Object.values(data.materials);
  const all = (of: (materials: Materials) => SoundBank): SoundBank => joinBanks(parts.map(of));
  const fresh = (bank: SoundBank): SoundBank =>
    selectClips(bank, (i) => request.trainedOn?.(bank.hashes[i] as string) !== true);
  return {
    materials: {
      ...data.materials.test,
      synthetic: fresh(all((m) => m.synthetic)),
      near: fresh(all((m) => m.near)),
      sentences: fresh(all((m) => m.sentences)),
    },
    remarks: data.remarks,
  };
}

const joinOrNone = (banks: readonly NamedBank[], none: SoundBank): SoundBank =>
  banks.length === 0 ? none : joinBanks(banks.map(({ bank }) => bank));

function withWord(name: string, bank: SoundBank, remarks: string[]): SoundBank {
  const kept = selectClips(bank, (i) => (bank.words[2 * i + 1] as number) >= 0);
  const lost = clipCount(bank) - clipCount(kept);
  if (lost > 0) remarks.push(`${name}: ${lost} clip(s) in which no word stands out from the noise are left out`);
  return kept;
}

function refuseTrainedOn(corpus: Corpus, bank: SoundBank, { trainedOn }: WakeDataRequest): void {
  if (trainedOn === null) return;
  const seen = bank.hashes.flatMap((hash, i) => (trainedOn(hash) ? [bank.names[i] ?? ''] : []));
  const [first] = seen;
  if (first === undefined) return;
  throw new UsherError(
    'data-invalid',
    `${seen.length} of ${clipCount(bank)} clips in ${basename(corpus.folder)} were used to train this model, ${first} among them`,
    { remedy: 'A model does too well on its own training data. Measure on the part that was kept apart: --held-out' },
  );
}
