import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { clipCount, secondsOf, type SoundBank } from '../sound/bank';
import type { Materials } from '../sound/materials';
import { prepareData, type WordData } from '../clips/prepare';
import { RATE_HZ } from '../sound/rate';
import { type SpeechCounts, TRAINING_COUNTS } from '../speech/plan';
import type { Engine } from '../speech/voices';
import { writeBundle } from '../../../bundles/write';
import { messageOf, UsherError } from '../../../errors';
import { streamSeed } from '../../../random';
import { FEATURE_VERSION } from '../../../voice/features/features';
import { loadCheckpoint, saveCheckpoint, type RoundResult, type TrainingState } from './checkpoint';
import { ClipPool } from '../clips/clip-pool';
import type { ClipSource } from '../clips/framed-clip';
import { Listener } from './listener';
import type { Setting } from './operating-points';
import type { Network } from '../network/parameters';
import { train, type TrainingPlan, TRIGGER_SHAPE } from './trainer';
import { lossPlot, trainingDetPlot } from './training-plots';
import { CONDITIONS, makeValidationSet, validate } from './validation';
import { wakeWordBundle } from './wake-word-bundle';
import { sha256Hex } from '../../../digest';

export interface WakeWordTraining {
  readonly word: string;
  readonly name: string;
  readonly positives: readonly string[];
  readonly negatives: readonly string[];
  readonly background: readonly string[];
  readonly impulses: readonly string[];
  /** Those to synthesise with; all that are installed where it is undefined. */
  readonly engines?: readonly Engine[] | undefined;
  readonly plan: TrainingPlan;
  /** The word to fine-tune: its first network is trained, with its others as companions. */
  readonly from: TrainedWord | null;
  /** Listens, too. */
  readonly companion: TrainedWord | null;
  readonly resume: boolean;
  readonly threads: number;
  /** Folder of the checkpoint, the plots and the list of what was used. */
  readonly workDir: string;
  readonly cacheDir: string;
  readonly modelsDir: string;
  /** For the card. */
  readonly command: string;
  readonly signal?: AbortSignal;
  readonly onProgress: (label: string, share: number) => void;
  readonly onRemark: (text: string) => void;
  readonly onRound: (result: RoundResult) => void;
}

/** A word of an earlier training. */
export interface TrainedWord {
  readonly word: string;
  readonly name: string;
  readonly version: string;
  readonly members: readonly [Network, ...Network[]];
  /** Hashes of the recordings that it learnt from. */
  readonly recordings: readonly string[];
}

export interface WakeWordOutcome {
  readonly bundle: string;
  readonly settings: readonly Setting[];
  readonly state: TrainingState;
}

/** Seconds of sound for the card's table: more than for choosing, since its rates are promised. */
const TABLE_HOURS = 6;
const TABLE_TRIALS = 400;

/** Whether a training can go on from where it was depends on this file. */
export function checkpointFile(workDir: string): string {
  return path.join(workDir, 'training.checkpoint');
}

/**
 * From folders of sound to a bundle: prepares the data, trains, measures the operating points on the validation part, and writes the
 * bundle. @throws UsherError naming what is wrong; the last checkpoint stays whole
 */
export async function trainWakeWord(options: WakeWordTraining): Promise<WakeWordOutcome> {
  const { plan, workDir, word, onProgress } = options;
  const data = await prepareData({ ...requestOf(options), onProgress });
  data.remarks.forEach(options.onRemark);
  const checkpoint = checkpointFile(workDir);
  const fingerprint = fingerprintOf(options, data);
  const resumed = options.resume ? await loadCheckpoint(checkpoint, fingerprint) : null;
  await writeText(path.join(workDir, 'used.json'), JSON.stringify(data.used));
  const { train: training, validation } = data.materials;
  const source = new ClipPool({ train: training, validation }, options.threads);
  const [own, ...others] = options.from?.members ?? [];
  const companion = [...others, ...(options.companion?.members ?? [])];
  const earlier = [options.from, options.companion].filter((one) => one !== null);
  try {
    const { network, state } = await train({
      plan,
      source,
      from: own ?? null,
      companions: companion,
      resumed,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      save: async (now) => {
        saveCheckpoint(checkpoint, fingerprint, now);
        await writeText(path.join(workDir, 'loss.svg'), lossPlot(word, now.losses, now.rounds));
      },
      onProgress,
      onRound: options.onRound,
    });
    const members = [network, ...companion] as const;
    const settings = await measure(members, source, options);
    await writeText(path.join(workDir, 'det.svg'), trainingDetPlot(word, settings));
    const bundle = await writeBundle(
      options.modelsDir,
      wakeWordBundle({
        name: options.name,
        word,
        version: versionAfter(earlier),
        trainingData: describe(data, options),
        command: options.command,
        members,
        settings,
        measuredOn: measuredOn(data.materials.validation, settings),
        recordings: [...data.recordings, ...earlier.flatMap(({ recordings }) => recordings)],
      }),
    );
    return { bundle, settings, state };
  } finally {
    await source.close();
  }
}

function requestOf({ word, positives, negatives, background, impulses, cacheDir, plan, engines }: WakeWordTraining) {
  return {
    word,
    positives,
    negatives,
    background,
    impulses,
    cacheDir,
    seed: plan.seed,
    counts: countsOf(plan),
    ...(engines === undefined ? {} : { engines }),
  };
}

function countsOf({ speechShare }: TrainingPlan): SpeechCounts {
  const { positives, near, sentences } = TRAINING_COUNTS;
  const part = (count: number): number => Math.round(count * speechShare);
  return { positives: part(positives), near: part(near), sentences: part(sentences) };
}

/** On other mixtures than those by which the network was chosen. */
async function measure(
  members: readonly [Network, ...Network[]],
  source: ClipSource,
  { plan, onProgress }: WakeWordTraining,
) {
  const size = {
    seed: streamSeed(plan.seed, 9),
    trials: Math.max(plan.validationTrials, Math.min(TABLE_TRIALS, 2 * plan.validationTrials)),
    hours: Math.max(plan.validationHours, Math.min(TABLE_HOURS, 2.5 * plan.validationHours)),
  };
  const set = await makeValidationSet(source, size, (share) => onProgress('measuring operating points', share));
  const listener = await Listener.of(members);
  try {
    return await validate(listener, set, TRIGGER_SHAPE);
  } finally {
    await listener.close();
  }
}

/** What makes a training this one. A changed recording changes the hashes. */
function fingerprintOf({ word, plan, from, companion: companion }: WakeWordTraining, { used }: WordData): string {
  const earlier = [from, companion].map((one) => one && titleOf(one));
  const facts = { word, plan, earlier, features: FEATURE_VERSION, used };
  return sha256Hex(JSON.stringify(facts));
}

function describe({ materials: { train: all } }: WordData, { from, companion: companion }: WakeWordTraining): string {
  const real = clipCount(all.real);
  const speech = all.speech.map(({ name, bank }) => `${name} ${minutes(bank)}`).join(', ');
  const noise = all.noise.map(({ name, bank }) => `${name} ${minutes(bank)}`).join(', ');
  return [
    real === 0 ? 'no recording of the word by a person' : `${real} recordings of the word by people`,
    `${clipCount(all.synthetic)} synthetic ones, ${clipCount(all.near)} synthetic words that sound like it, ${clipCount(all.sentences)} synthetic sentences (${enginesOf(all.synthetic).join(', ') || 'no voice'})`,
    `other speech: ${speech || 'synthetic alone'}`,
    `backgrounds: ${noise || 'generated alone'}`,
    ...(from === null ? [] : [`fine-tuned from ${titleOf(from)}`]),
    ...(companion === null ? [] : [`with ${titleOf(companion)} as companion`]),
  ].join('; ');
}

const titleOf = ({ name, version }: TrainedWord): string => `${name} ${version}`;

/**
 * Boxes of a fleet do not return to an older version, so a network made of others gets a version newer than all of
 * them.
 */
function versionAfter(earlier: readonly TrainedWord[]): string {
  const versions = earlier.map(({ version }) => version);
  const newest = versions.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1);
  if (newest === undefined) return '1.0.0';
  const [major, minor] = newest.split('.').map(Number) as [number, number];
  return `${major}.${minor + 1}.0`;
}

/** Synthetic clips are named after who says them. */
const enginesOf = ({ names }: SoundBank): string[] =>
  [...new Set(names.map((name) => name.replace(/\/.*$/s, '')))].sort();

const minutes = (bank: SoundBank): string => `${(secondsOf(bank, RATE_HZ) / 60).toFixed(1)} min`;

function measuredOn(validation: Materials, settings: readonly Setting[]): string {
  const real = clipCount(validation.real);
  const loosest = settings[0];
  const hours =
    loosest === undefined || loosest.falseAccepts === 0
      ? TABLE_HOURS
      : loosest.falseAccepts / loosest.falseAcceptsPerHour;
  const words =
    real === 0
      ? 'synthetic words alone'
      : `${real} recordings of people and ${clipCount(validation.synthetic)} synthetic ones`;
  return `validation part (never trained on, but used to choose the network): ${words}, mixed at ${CONDITIONS.map(({ condition }) => condition).join(', ')}; ${hours.toFixed(1)} h of mixed speech, music and noise without the word`;
}

async function writeText(file: string, text: string): Promise<void> {
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  } catch (error) {
    throw new UsherError('file-unreadable', `${file} cannot be written: ${messageOf(error)}`, {
      cause: error,
      remedy: 'Free disk space, then continue with --resume.',
    });
  }
}
