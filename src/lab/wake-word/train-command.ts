import { Command } from 'commander';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { type Engine, ENGINES } from './speech/voices';
import { UsherError } from '../../errors';
import { readTrainedOnHashes } from './evaluation/trained-on';
import { readBundle } from '../../inference/bundle';
import { modelsDir, soundCacheDir, workDir } from '../../system/paths';
import { listenForStop } from '../../system/signals';
import type { RoundResult } from './training/checkpoint';
import { readNetworks } from './training/import';
import type { NetworkShape } from './network/parameters';
import { DEFAULT_PLAN, type TrainingPlan } from './training/trainer';
import { type Setting, settingAt } from './training/operating-points';
import { checkpointFile, type TrainedWord, trainWakeWord } from './training/wake-word';
import { wakeWordInputOf, wakeWordOutputOf } from '../../voice/wake-word/wake-word';
import { wholeNumber } from '../../terminal/arguments';
import { createProgress, type Progress } from '../../terminal/progress';
import { reportError } from '../../terminal/report-error';

interface Options {
  readonly positives: readonly string[];
  readonly negatives: readonly string[];
  readonly background: readonly string[];
  readonly impulses: readonly string[];
  readonly engines?: readonly string[];
  readonly name?: string;
  readonly from?: string;
  readonly beside?: string;
  readonly seed: number;
  readonly steps: number;
  readonly mining: number;
  readonly miningHours: number;
  readonly validationHours: number;
  readonly speech: number;
  readonly channels: number;
  readonly units: number;
  readonly resume?: boolean;
  readonly threads: number;
  readonly work?: string;
  readonly out: string;
  readonly json?: boolean;
}

const STOP_PATIENCE_MS = 10_000;
/** What the medium sensitivity allows, and the share of the words, over all conditions, beyond which the model is unusable. */
const ALLOWED_PER_HOUR = 0.5;
const MOST_MISSED = 0.5;

const HELP = `
Speech of the word, of words that sound like it and of sentences is synthesised with the engines that are installed, of
${ENGINES.join(', ')}: the more kinds of voice, the better it hears people. Recordings of people make
it much better still: 100 or more of them, one word in each file. A fifth of every folder is kept for measuring (usher eval
wake-word), a tenth for choosing the network; neither is trained on.

Two networks that were trained separately mistake different things for the word. With --beside the bundle answers the mean of
both wherever the new one stirs; it gains where both are about as good, and costs what one network costs.

Examples:
  usher train wake-word computer --positives rec/computer --negatives rec/speech --background rec/noise
  usher train wake-word activate --negatives rec/speech --background rec/noise --resume
  usher train wake-word computer --from models/wake-computer --positives rec/computer rec/mine --steps 600
  usher train wake-word computer --beside models/wake-computer --seed 2 --positives rec/computer
`;

export function trainWakeWordCommand(): Command {
  return new Command('wake-word')
    .description('train a trigger word from recordings and synthetic speech')
    .argument('<word>', 'as it is spelt, in lower case')
    .option('--positives <dirs...>', 'recordings of the word, one in each file', [])
    .option('--negatives <dirs...>', 'recordings of other speech', [])
    .option('--background <dirs...>', 'recordings of noise and music', [])
    .option('--impulses <dirs...>', "rooms' impulse responses", [])
    .option('--engines <names...>', 'synthesise with these alone')
    .option('--name <name>', 'of the bundle (default: wake-WORD)')
    .option('--from <bundle>', 'fine-tune this one')
    .option('--beside <bundle>', 'of the same word: its networks are companions of the new one')
    .option('--seed <n>', 'the same seed, the same data', wholeNumber, DEFAULT_PLAN.seed)
    .option('--steps <n>', 'in all', wholeNumber, DEFAULT_PLAN.steps)
    .option('--mining <n>', 'rounds of mining hard negatives', wholeNumber, DEFAULT_PLAN.mining)
    .option('--mining-hours <n>', 'of sound that each round listens to', wholeNumber, DEFAULT_PLAN.miningHours)
    .option(
      '--validation-hours <n>',
      'of sound by which the network is chosen',
      wholeNumber,
      DEFAULT_PLAN.validationHours,
    )
    .option('--speech <percent>', 'of the usual amount of synthetic speech', wholeNumber, 100)
    .option('--channels <n>', 'of the convolution', wholeNumber, DEFAULT_PLAN.shape.channels)
    .option('--units <n>', 'of each GRU', wholeNumber, DEFAULT_PLAN.shape.units)
    .option('--threads <n>', 'that mix sound', wholeNumber, Math.max(1, availableParallelism() - 1))
    .option('--resume', 'go on from the last checkpoint')
    .option('--work <dir>', 'for checkpoint and plots (default: .usher/training/NAME)')
    .option('--out <dir>', 'folder of model bundles', modelsDir())
    .option('--json', 'print JSON')
    .addHelpText('after', HELP)
    .action(trainWord);
}

async function trainWord(word: string, options: Options): Promise<void> {
  const name = options.name ?? `wake-${word.replaceAll(' ', '-')}`;
  const from = options.from === undefined ? null : await readTrained(options.from);
  const companion = options.beside === undefined ? null : await readTrained(options.beside);
  if (companion !== null && companion.word !== word)
    throw new UsherError('usage', `--beside: ${companion.name} hears “${companion.word}”, not “${word}”`, {
      remedy: 'Name a bundle of the same word.',
    });
  const plan: TrainingPlan = {
    ...DEFAULT_PLAN,
    seed: options.seed,
    steps: options.steps,
    mining: options.mining,
    miningHours: options.miningHours,
    validationHours: options.validationHours,
    speechShare: options.speech / 100,
    shape: from?.members[0]?.shape ?? shapeOf(options),
  };
  const progress = createProgress();
  const work = options.work ?? path.join(workDir(), 'training', name);
  const checkpoint = checkpointFile(work);
  const stop = listenForStop();
  const endNow = (): void => endAtOnce(progress, checkpoint);
  stop.asked.addEventListener('abort', () => setTimeout(endNow, STOP_PATIENCE_MS).unref(), { once: true });
  stop.hurried.addEventListener('abort', endNow, { once: true });
  try {
    const outcome = await trainWakeWord({
      ...options,
      word,
      name,
      plan,
      from,
      companion: companion,
      engines: enginesOf(options.engines),
      resume: options.resume === true,
      workDir: work,
      cacheDir: soundCacheDir(),
      modelsDir: options.out,
      command: commandOf(word, options),
      signal: stop.asked,
      onProgress: (label, share) => progress.update(label, share),
      onRemark: (text) => say(progress, text),
      onRound: (result) => say(progress, roundText(result)),
    });
    progress.done();
    const { bundle, state, settings } = outcome;
    process.stdout.write(
      options.json === true ? `${JSON.stringify({ bundle, rounds: state.rounds })}\n` : `${bundle} is trained.\n`,
    );
    requireUsable(bundle, settings);
  } finally {
    progress.done();
    stop.release();
  }
}

/** @throws UsherError for a word that is too bad to use; its model is kept, for eval and for further training */
export function requireUsable(bundle: string, settings: readonly Setting[]): void {
  const { falseAcceptsPerHour, misses } = settingAt(settings, ALLOWED_PER_HOUR);
  const miss = misses.reduce((sum, one) => sum + one.miss, 0) / Math.max(1, misses.length);
  if (miss <= MOST_MISSED && falseAcceptsPerHour <= ALLOWED_PER_HOUR) return;
  throw new UsherError(
    'data-invalid',
    `${bundle} is not good enough to use: at ${falseAcceptsPerHour.toFixed(2)} false accepts an hour it misses ${Math.round(100 * miss)} % of the words`,
    {
      remedy:
        'Give it more recordings of the word by people (usher record word) and more steps, or choose a longer word; usher eval wake-word shows where it fails.',
    },
  );
}

/** A step of training ends and is saved first. Mining and measuring take minutes, and change nothing that the checkpoint lacks. */
function endAtOnce(progress: Progress, checkpoint: string): void {
  progress.done();
  const stopped = existsSync(checkpoint)
    ? new UsherError('cancelled', `training was stopped; its last checkpoint is ${checkpoint}`, {
        remedy: 'Go on with the same command and --resume.',
      })
    : new UsherError('cancelled', 'training was stopped before its first checkpoint: nothing was kept', {
        remedy: 'Begin again with the same command. What was decoded and synthesised is kept, and used again.',
      });
  process.exit(reportError(stopped));
}

async function readTrained(bundle: string): Promise<TrainedWord> {
  const read = await readBundle(bundle);
  const { card } = read;
  wakeWordInputOf(card);
  return {
    word: wakeWordOutputOf(card).word,
    name: card.name,
    version: card.version,
    members: await readNetworks(read),
    recordings: (await readTrainedOnHashes(bundle)) ?? [],
  };
}

function shapeOf({ channels, units }: Options): NetworkShape {
  for (const [option, value] of Object.entries({ channels, units }))
    if (value % 8 !== 0) throw new UsherError('usage', `--${option} ${value}: a multiple of 8 is expected`);
  return { channels, units };
}

function enginesOf(names: readonly string[] | undefined): Engine[] | undefined {
  return names?.map((name) => {
    const engine = ENGINES.find((known) => known === name);
    if (engine === undefined) throw new UsherError('usage', `--engines ${name}: known are ${ENGINES.join(', ')}`);
    return engine;
  });
}

/** As it can be typed again; folders by name only, since their paths are private. */
function commandOf(word: string, options: Options): string {
  const folders = (['positives', 'negatives', 'background', 'impulses'] as const).flatMap((kind) =>
    options[kind].length === 0 ? [] : [`--${kind}`, ...options[kind].map((folder) => path.basename(folder))],
  );
  const numbers = (['seed', 'steps', 'mining', 'miningHours', 'speech', 'channels', 'units'] as const).flatMap(
    (key) => [`--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`, String(options[key])],
  );
  const engines = options.engines === undefined ? [] : ['--engines', ...options.engines];
  const earlier = (['from', 'beside'] as const).flatMap((key) => {
    const bundle = options[key];
    return bundle === undefined ? [] : [`--${key}`, path.basename(bundle)];
  });
  return ['usher train wake-word', JSON.stringify(word), ...folders, ...engines, ...earlier, ...numbers].join(' ');
}

function roundText({ round, falseAcceptsPerHour, misses, threshold, minedNegatives }: RoundResult): string {
  const missed = misses.map(({ condition, miss }) => `${condition} ${(100 * miss).toFixed(1)} %`).join(', ');
  return `round ${round}: missed ${missed} at ${falseAcceptsPerHour.toFixed(2)} false accepts an hour (score ${threshold}); ${minedNegatives} mined negatives`;
}

function say(progress: Progress, text: string): void {
  progress.done();
  process.stderr.write(`${text}\n`);
}
