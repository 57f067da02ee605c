import { Command } from 'commander';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CameraConfig } from '../../../config/schema/cameras';
import { messageOf, UsherError } from '../../../errors';
import { writeContactSheet } from '../../report/contact-sheet';
import { readFaceDataset, type FaceDataset } from '../data/dataset';
import { doorFigures } from './door-figures';
import { doorTrial, type DoorTrial } from './door-trial';
import { chooseEncoders, type ChosenEncoder } from '../data/encoders';
import { causeFigures, type CauseGroup, type ErrorCase } from '../../report/error-cases';
import { FACE_ADVICE, faceErrorCases } from './face-errors';
import { evaluateFaces, type FaceEvaluation } from './face-evaluation';
import { faceFigures } from './face-figures';
import { faceReportJson, writeFaceReport, type JudgedEncoder } from './face-report';
import { fmrTag, type Figure } from '../../report/figure';
import { thresholdRows } from '../../report/threshold-table';
import type { ThresholdRow } from '../../../inference/card';
import { CPU_ONE_THREAD } from '../../../inference/model';
import { modelsDir } from '../../../system/paths';
import type { FaceAnalyser } from '../../../vision/faces/analyser';
import { loadAnalyser } from '../../../vision/faces/load';
import { WHOLE_FRAME } from '../../../vision/faces/quality';
import { wholeNumber } from '../../../terminal/arguments';
import { printFigures, REQUIRE } from '../../report/figures';
import { createProgress, type Progress } from '../../../terminal/progress';

interface Options {
  readonly images: string;
  readonly pairs?: string;
  readonly models: readonly string[];
  readonly detector?: string;
  readonly modelsDir: string;
  readonly mirror?: boolean;
  readonly gates?: boolean;
  readonly door?: boolean;
  readonly doorPeople: number;
  readonly limit?: number;
  readonly report?: string;
  readonly errors?: string;
  readonly writeThresholds?: string;
  readonly json?: boolean;
  readonly require?: boolean;
}

interface Judged extends JudgedEncoder {
  /** The encoder's mistakes by likely cause; only with `--errors`. */
  readonly causes: readonly CauseGroup<ErrorCase>[];
}

/** The operating point of a door with the default configuration. */
const DOOR_FMR = 1e-4;

const HELP = `
Pictures: ID_neutral.jpg with ID_<variant>.jpg (the first is enrolled, the others are probes), or LFW's Name/Name_0001.jpg
(all compared with all). Of several faces the one nearest the centre is taken. With --pairs also the accuracy over its folds.

Figures are named faces.<figure> for the first encoder and faces.<encoder>.<figure> for each: with --models recommended,
faces.eer is that of the default encoder. A picture without a face counts as a false non-match; fnmr_acquired leaves it out.
A rate for which there are too few pairs has the value null and says so.

--errors writes what was mistaken at the card's threshold for FMR 1e-4, as a contact sheet grouped by likely cause: false
non-matches, false matches, pictures without a usable face. Below each: pixels between the eyes, sharpness, brightness.
It shows faces; keep it as you keep the pictures.

Examples:
  usher eval faces --images faces/ --models recommended fallback
  usher eval faces --images lfw/ --pairs pairs.txt --report reports/lfw
  usher eval faces --images faces/ --models mbf --door
  usher eval faces --images faces/ --models mbf --errors errors/
`;

export function evalFacesCommand(): Command {
  return new Command('faces')
    .description('measure error rates of face recognition on labelled pictures')
    .requiredOption('--images <dir>', 'folder of labelled pictures')
    .option('--pairs <file>', "LFW's pairs.txt: adds the accuracy over its folds")
    .option('--models <name...>', 'recommended, fallback, or names of encoder bundles', ['recommended'])
    .option('--detector <name>', "detector bundle instead of the set's own")
    .option('--mirror', 'add the mirrored picture to each embedding (default: as the card says)')
    .option('--no-mirror', 'do not')
    .option('--gates', 'drop faces that the quality gates refuse; otherwise the gates only report')
    .option(
      '--door',
      'also simulate a door’s view: five frames with motion, noise and dim light, compared with one frame',
    )
    .option('--door-people <n>', 'maximum number of persons for --door', wholeNumber, 300)
    .option('--limit <n>', 'only the first n persons', wholeNumber)
    .option('--report <dir>', 'write a report with plots')
    .option('--errors <dir>', 'write the mistakes as a contact sheet, grouped by likely cause')
    .option('--write-thresholds <file>', "write the threshold table for the encoder's card")
    .option('--models-dir <dir>', 'folder of model bundles', modelsDir())
    .option('--json', 'print JSON')
    .option('--require', REQUIRE)
    .addHelpText('after', HELP)
    .action(evalFaces);
}

async function evalFaces(options: Options): Promise<void> {
  const encoders = await chooseEncoders(options.modelsDir, options.models, options.detector);
  if (options.writeThresholds !== undefined && encoders.length > 1)
    throw new UsherError('usage', '--write-thresholds: a card belongs to one encoder, but several are named', {
      remedy: `Name one: --models ${encoders[0]?.name ?? ''}`,
    });
  const dataset = await readFaceDataset(options.images, options);
  const progress = createProgress();
  const judged: Judged[] = [];
  try {
    for (const encoder of encoders) {
      const folder = options.errors ?? null;
      const errors = folder === null || encoders.length === 1 ? folder : join(folder, encoder.name);
      judged.push(await judge(dataset, encoder, options, errors, progress));
    }
  } finally {
    progress.done();
  }
  const plain = judged.slice(0, 1).flatMap((one) => figuresOf(dataset, one, 'faces'));
  const qualified = judged.flatMap((one) => figuresOf(dataset, one, `faces.${one.evaluation.encoder}`));
  const figures = [...plain, ...qualified];
  const [only] = judged;
  if (options.writeThresholds !== undefined && only !== undefined)
    await writeThresholds(options.writeThresholds, dataset, only.evaluation);
  // A person sees each figure once.
  const shown = judged.length > 1 ? qualified : plain;
  if (options.report !== undefined) await writeFaceReport(options.report, dataset, judged, shown);
  printFigures(figures, {
    json: options.json === true,
    require: options.require === true,
    more: faceReportJson(dataset, judged),
    shown,
  });
}

async function judge(
  dataset: FaceDataset,
  encoder: ChosenEncoder,
  options: Options,
  errors: string | null,
  progress: Progress,
): Promise<Judged> {
  const analyser = await loadAnalyser({
    modelsDir: options.modelsDir,
    models: { detector: encoder.detector, encoder: encoder.name },
    execution: CPU_ONE_THREAD,
    mirror: options.mirror,
    region: WHOLE_FRAME,
    minFacePx: CameraConfig.shape.minFacePx.parse(undefined),
    gates: CameraConfig.shape.quality.parse(undefined),
  });
  try {
    const mirrored = options.mirror ?? encoder.output.mirror;
    const evaluation = await evaluateFaces(
      dataset,
      { name: encoder.name, detector: encoder.detector, mirrored, analyser },
      {
        gated: options.gates === true,
        threshold: errors === null ? null : doorRow(encoder).distance,
        onProgress: (phase, share) => progress.update(`${encoder.name}: ${phase}`, share),
      },
    );
    const door =
      options.door === true ? await seenAtDoor(dataset, encoder, evaluation, analyser, options, progress) : null;
    const causes = errors === null ? [] : await writeErrors(errors, dataset, encoder, evaluation);
    return { evaluation, door, causes };
  } finally {
    await analyser.dispose();
  }
}

/** The row of the card's threshold table that a door uses. */
function doorRow({ output }: ChosenEncoder): ThresholdRow {
  return output.thresholds.reduce((best, next) =>
    Math.abs(Math.log(next.fmr / DOOR_FMR)) < Math.abs(Math.log(best.fmr / DOOR_FMR)) ? next : best,
  );
}

function writeErrors(
  folder: string,
  dataset: FaceDataset,
  encoder: ChosenEncoder,
  evaluation: FaceEvaluation,
): Promise<CauseGroup<ErrorCase>[]> {
  const { fmr, distance } = doorRow(encoder);
  const title = `${encoder.name} on ${dataset.name} at L2 ${distance} (FMR ${fmrTag(fmr)} by its card)`;
  return writeContactSheet(folder, faceErrorCases(dataset, evaluation), { title, advice: FACE_ADVICE });
}

async function seenAtDoor(
  dataset: FaceDataset,
  encoder: ChosenEncoder,
  evaluation: FaceEvaluation,
  analyser: FaceAnalyser,
  options: Options,
  progress: Progress,
): Promise<DoorTrial> {
  const { name, output } = encoder;
  const row = doorRow(encoder);
  return doorTrial(dataset, evaluation, analyser, {
    threshold: row.distance,
    targetFmr: row.fmr,
    normalise: output.normalise,
    people: options.doorPeople,
    gated: options.gates === true,
    onProgress: (share) => progress.update(`${name}: at the door`, share),
  });
}

function figuresOf(dataset: FaceDataset, { evaluation, door, causes }: Judged, prefix: string): Figure[] {
  return [
    ...faceFigures(dataset, evaluation, prefix),
    ...(door === null ? [] : doorFigures(door, prefix)),
    ...causeFigures(causes, prefix),
  ];
}

async function writeThresholds(file: string, dataset: FaceDataset, evaluation: FaceEvaluation): Promise<void> {
  const { comparisons, detector, mirrored } = evaluation;
  const measuredOn = `${dataset.name}: ${comparisons.genuine.count} genuine and ${comparisons.impostor.count} impostor pairs, ${detector}, ${mirrored ? 'mirrored averaging' : 'no mirroring'}`;
  const rows = thresholdRows(comparisons, measuredOn);
  if (rows.length === 0)
    throw new UsherError('data-invalid', `${dataset.name}: too few impostor pairs for a threshold table`, {
      remedy: 'A row for FMR 1e-2 needs 3,000 impostor pairs, one for 1e-4 needs 300,000.',
    });
  try {
    await writeFile(file, `${JSON.stringify(rows, null, 2)}\n`);
  } catch (error) {
    throw new UsherError('file-unreadable', `${file} cannot be written: ${messageOf(error)}`, { cause: error });
  }
}
