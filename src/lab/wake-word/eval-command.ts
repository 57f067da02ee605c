import { Command, Option } from 'commander';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { clipCount } from './sound/bank';
import { type Engine, ENGINES } from './speech/voices';
import { messageOf, UsherError } from '../../errors';
import { writeContactSheet } from '../report/contact-sheet';
import { causeFigures } from '../report/error-cases';
import { readTrainedOn } from './evaluation/trained-on';
import { wakeCurve } from './evaluation/wake-curve';
import { readWakeData, type WakeData } from './evaluation/wake-data';
import { falseAcceptCases, missCases, WAKE_ADVICE } from './evaluation/wake-errors';
import { evaluateWakeWord, everyday, type WakeEvaluation } from './evaluation/wake-evaluation';
import { wakeFigures } from './evaluation/wake-figures';
import { operatingRows, wakeReportJson, writeWakeReport, type WakeReport } from './evaluation/wake-report';
import { wakeStreams } from './evaluation/wake-streams';
import { SENSITIVITIES, type Sensitivity } from '../../inference/card';
import { CPU_ONE_THREAD } from '../../inference/model';
import { soundCacheDir } from '../../system/paths';
import { triggerSettings } from '../../voice/wake-word/trigger';
import { openWakeWord, type WakeWord } from '../../voice/wake-word/wake-word';
import { wholeNumber } from '../../terminal/arguments';
import { printFigures, REQUIRE } from '../report/figures';
import { createProgress, type Progress } from '../../terminal/progress';

interface Options {
  readonly model: string;
  readonly positives: readonly string[];
  readonly negatives: readonly string[];
  readonly background: readonly string[];
  readonly impulses: readonly string[];
  readonly heldOut?: boolean;
  readonly synthetic?: number;
  readonly engines?: readonly Engine[];
  readonly hours: number;
  readonly repeats: number;
  readonly sensitivity: Sensitivity;
  readonly threshold?: number;
  readonly seed: number;
  readonly errors?: string;
  readonly report?: string;
  readonly writeOperatingPoints?: string;
  readonly json?: boolean;
  readonly require?: boolean;
}

/** As the daemon has it, unless a microphone is configured otherwise. */
const REFRACTORY_MS = 2000;
const SENTENCES_PER_HOUR = 250;

const HELP = `
Words are heard as recorded (clean), in recorded backgrounds at 10, 5 and 0 dB, and at ±20 dB of gain; what is no word is heard as
recorded, at ±20 dB, and mixed again for --hours. Streams of nothing but words that sound like it, or halves of it, are listed, and count in
no rate: no hour of life is like them. Figures ending in _at_0.5_per_hour are those of the threshold at which this very sound
has at most that many false accepts an hour; the others are those of the preset.

A model is not measured on what it was trained on: such clips are refused. --held-out takes of each folder the part that training
keeps apart by content hash (a fifth of the clips, some corpora as a whole).

Examples:
  usher eval wake-word --model models/wake-computer --positives rec/computer --negatives rec/speech --background rec/noise --held-out
  usher eval wake-word --model models/wake-activate --synthetic 300 --engines festival pico --background rec/noise --errors errors/
`;

export function evalWakeWordCommand(): Command {
  return new Command('wake-word')
    .description('measure misses, false accepts and latency of a trigger word')
    .requiredOption('--model <bundle>', 'folder of the model bundle')
    .option('--positives <dirs...>', 'recordings of the word, one in each file', [])
    .option('--negatives <dirs...>', 'recordings of other speech', [])
    .option('--background <dirs...>', 'recordings of noise and music', [])
    .option('--impulses <dirs...>', "rooms' impulse responses", [])
    .option('--held-out', 'only the part of each folder that training keeps apart')
    .option('--synthetic <n>', 'words by synthetic voices (default: none with recordings, else 300)', wholeNumber)
    .addOption(new Option('--engines <names...>', 'that synthesise').choices(ENGINES))
    .option('--hours <n>', 'of mixed sound without the word; 0: as recorded alone', hours, 3)
    .option('--repeats <n>', 'noises around each word', wholeNumber, 3)
    .addOption(new Option('--sensitivity <preset>', 'of the card').choices(SENSITIVITIES).default('medium'))
    .option('--threshold <score>', 'instead of a preset', score)
    .option('--seed <n>', 'the same seed, the same sound', wholeNumber, 7919)
    .option('--errors <dir>', 'write a contact sheet of what was missed and falsely accepted')
    .option('--report <dir>', 'write a report with plots')
    .option('--write-operating-points <file>', "write the table of operating points for the model's card")
    .option('--json', 'print JSON')
    .option('--require', REQUIRE)
    .addHelpText('after', HELP)
    .action(evalWakeWord);
}

function hours(text: string): number {
  const value = Number(text);
  if (!(value >= 0 && value <= 1000)) throw new UsherError('usage', `--hours ${text}: expected a number of hours`);
  return value;
}

function score(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 1)) throw new UsherError('usage', `--threshold ${text}: expected a score between 0 and 1`);
  return value;
}

async function evalWakeWord(options: Options): Promise<void> {
  // Checked before minutes of listening, not after.
  for (const folder of [options.errors, options.report]) if (folder !== undefined) await makeFolder(folder);
  const wakeWord = await openWakeWord(options.model, CPU_ONE_THREAD);
  const progress = createProgress();
  try {
    const { output } = wakeWord;
    const threshold = options.threshold ?? output.presets[options.sensitivity];
    const data = await readData(options, output.word, progress);
    const evaluation = await evaluate(wakeWord, data, options, progress);
    const curve = wakeCurve(evaluation);
    const synthetic = clipCount(data.materials.real) === 0;
    const figures = wakeFigures(evaluation, curve, threshold, synthetic);
    const { name, version } = wakeWord.bundle.card;
    const { remarks } = data;
    const report: WakeReport = {
      model: `${name} ${version}`,
      word: output.word,
      threshold,
      evaluation,
      curve,
      figures,
      remarks,
    };
    if (options.report !== undefined) await writeWakeReport(options.report, report);
    const causes = options.errors === undefined ? [] : await writeErrors(options.errors, report, data, options.seed);
    if (options.writeOperatingPoints !== undefined)
      await writePoints(options.writeOperatingPoints, report, measuredOn(data, evaluation));
    progress.done();
    if (options.json !== true) remarks.forEach((remark) => process.stderr.write(`${remark}\n`));
    printFigures([...figures, ...causes], {
      json: options.json === true,
      require: options.require === true,
      more: wakeReportJson(report),
    });
  } finally {
    progress.done();
    await wakeWord.dispose();
  }
}

async function readData(options: Options, word: string, progress: Progress): Promise<WakeData> {
  const positives = options.synthetic ?? (options.positives.length === 0 ? 300 : 0);
  // Only mixed sound has them. Each sentence comes up about once: one that happens to sound like the word, heard in every room, would
  // decide the rate alone.
  const near = options.hours > 0 ? 300 : 0;
  const sentences = Math.max(near, Math.round(SENTENCES_PER_HOUR * options.hours));
  const data = await readWakeData({
    ...options,
    word,
    heldOut: options.heldOut === true,
    trainedOn: await readTrainedOn(options.model),
    speech: { positives, near, sentences },
    cacheDir: soundCacheDir(),
    onProgress: (label, share) => progress.update(label, share),
  });
  if (data.positives.length === 0)
    throw new UsherError('data-invalid', 'there is no recording of the word', {
      remedy: 'Give recordings with --positives, or have words synthesised: --synthetic 300',
    });
  return data;
}

function evaluate(wakeWord: WakeWord, data: WakeData, options: Options, progress: Progress): Promise<WakeEvaluation> {
  const settings = triggerSettings(wakeWord.output, { threshold: 1, refractoryMs: REFRACTORY_MS });
  return evaluateWakeWord(
    wakeWord.scorer(),
    data.positives,
    data.materials,
    wakeStreams(data.materials, options.hours, options.seed),
    {
      repeats: options.repeats,
      seed: options.seed,
      trigger: settings,
      onProgress: (label, share) => progress.update(label, share),
    },
  );
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw new UsherError('file-unreadable', `${folder} cannot be written: ${messageOf(error)}`, {
      remedy: 'Name a folder that this user may write to.',
      cause: error,
    });
  }
}

async function writeErrors(folder: string, report: WakeReport, data: WakeData, seed: number) {
  const { evaluation, threshold, word } = report;
  const cases = [
    ...missCases(evaluation, data.positives, data.materials, threshold, seed),
    ...falseAcceptCases(evaluation, threshold),
  ];
  const groups = await writeContactSheet(folder, cases, {
    title: `“${word}” at the score ${threshold}: what was missed, and what was taken for it`,
    trials: evaluation.heard.length,
    advice: WAKE_ADVICE,
    side: 96,
    aspect: 2.5,
  });
  return causeFigures(groups, 'wake');
}

function measuredOn(data: WakeData, evaluation: WakeEvaluation): string {
  const words = data.positives.map(({ name, bank }) => `${clipCount(bank)} of ${name}`).join(', ');
  const hours = everyday(evaluation).reduce((sum, one) => sum + one.hours, 0);
  return `never trained on: ${words}; ${hours.toFixed(1)} h without the word`;
}

async function writePoints(file: string, { curve }: WakeReport, data: string): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, `${JSON.stringify(operatingRows(curve, data), null, 2)}\n`);
  } catch (error) {
    throw new UsherError('file-unreadable', `${file} cannot be written: ${messageOf(error)}`, { cause: error });
  }
}
