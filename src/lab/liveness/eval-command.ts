import { Command } from 'commander';
import { resolve } from 'node:path';
import { CameraConfig } from '../../config/schema/cameras';
import { writeContactSheet } from '../report/contact-sheet';
import { readFaceDataset } from '../faces/data/dataset';
import { causeFigures } from '../report/error-cases';
import { LIVENESS_ADVICE, livenessErrorCases } from './errors';
import { FRAME_MS, scenePictures, tryLiveness } from './evaluate';
import { livenessFigures, thresholdSvg } from './figures';
import { writeReportPage } from '../report/report-page';
import { CPU_ONE_THREAD } from '../../inference/model';
import { modelsDir } from '../../system/paths';
import { LIVENESS_MODEL, loadLiveness } from '../../vision/liveness/model';
import { loadAnalyser, MODEL_SETS } from '../../vision/faces/load';
import { WHOLE_FRAME } from '../../vision/faces/quality';
import { wholeNumber } from '../../terminal/arguments';
import { printFigures, REQUIRE } from '../report/figures';
import { createProgress } from '../../terminal/progress';

interface Options {
  readonly images: string;
  readonly scenes?: string;
  readonly model: string;
  readonly modelsDir: string;
  readonly frames: number;
  readonly seed: number;
  readonly limit: number;
  readonly report?: string;
  readonly errors?: string;
  readonly json?: boolean;
  readonly require?: boolean;
}

const HELP = `
Attacks are made from portraits before an even wall (ID_neutral.jpg, …): prints with and without a border, curled ones, screens with
and without a bezel, cut-outs; halftone, moiré, glare, tilt. Persons are the same portraits, cut out and set into the scenes, in the
same light and before the same camera, with a likeness of a turning head. These are composites: figures on them rank kinds of attack
and catch regressions; they are no certificate, and no replacement for prints held up to the real door.

Rates follow ISO/IEC 30107-3: APCER by kind of attack (the worst counts), BPCER (undecided persons included), ACER.

Examples:
  usher eval liveness --images faces/ --scenes scene/training
  usher eval liveness --images faces/ --scenes scene/training --report reports/liveness --errors errors/
`;

/** Smallest face in the generated frames. */
const FACE_PX = 80;

export function evalLivenessCommand(): Command {
  return new Command('liveness')
    .description('measure how well pictures in front of the camera are distinguished from persons')
    .requiredOption('--images <dir>', 'folder of labelled portraits in front of an even wall')
    .option('--scenes <dir>', 'pictures of places for the background (default: the portraits themselves, out of focus)')
    .option('--model <name>', 'liveness bundle', LIVENESS_MODEL)
    .option('--frames <n>', 'frames of each presentation', wholeNumber, 8)
    .option('--seed <n>', 'the same seed makes the same frames', wholeNumber, 1)
    .option('--limit <n>', 'only the first n persons', wholeNumber, 1_000_000)
    .option('--report <dir>', 'write a report with plots')
    .option('--errors <dir>', 'write the mistakes as a contact sheet, grouped by kind')
    .option('--models-dir <dir>', 'folder of model bundles', modelsDir())
    .option('--json', 'print JSON')
    .option('--require', REQUIRE)
    .addHelpText('after', HELP)
    .action(evalLiveness);
}

async function evalLiveness(options: Options): Promise<void> {
  const folder = resolve(options.modelsDir);
  const dataset = await readFaceDataset(options.images, {});
  const scenes = await scenePictures(options.scenes ?? options.images);
  const model = await loadLiveness(folder, options.model, CPU_ONE_THREAD);
  const analyser = await loadAnalyser({
    modelsDir: folder,
    models: { ...MODEL_SETS.recommended, encoder: 'mobilefacenet' },
    execution: CPU_ONE_THREAD,
    mirror: false,
    region: WHOLE_FRAME,
    minFacePx: FACE_PX,
    gates: CameraConfig.shape.quality.parse(undefined),
  });
  const progress = createProgress();
  try {
    const { seed, frames, limit: persons } = options;
    const trial = await tryLiveness(dataset, scenes, analyser, model, {
      seed,
      frames,
      persons,
      onProgress: (share) => progress.update('presenting', share),
    });
    const figures = livenessFigures(trial);
    if (options.errors !== undefined) {
      const cases = livenessErrorCases(dataset, scenes, seed, analyser, trial.presentations);
      const sheet = {
        title: `liveness: ${options.model}`,
        trials: trial.presentations.length,
        advice: LIVENESS_ADVICE,
      };
      figures.push(...causeFigures(await writeContactSheet(options.errors, cases, sheet), 'liveness'));
    }
    progress.done();
    if (options.report !== undefined)
      await writeReportPage(options.report, {
        title: `Liveness: ${options.model} on ${dataset.name}`,
        about: [
          `${Math.min(persons, dataset.persons.length)} persons, ${frames} frames each, ${FRAME_MS} ms apart; seed ${seed}. Composites of portraits and places: they rank kinds of attack, and are no certificate.`,
        ],
        plots: [['threshold.svg', thresholdSvg(trial)]],
        figures,
        more: { presentations: trial.presentations },
      });
    printFigures(figures, {
      json: options.json === true,
      require: options.require === true,
      more: { presentations: trial.presentations },
    });
  } finally {
    progress.done();
    await analyser.dispose();
    await model.dispose();
  }
}
