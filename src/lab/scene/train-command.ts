import { Command, Option } from 'commander';
import { resolve } from 'node:path';
import type { Figure } from '../report/figure';
import { writeReportPage } from '../report/report-page';
import { readSceneData, type SceneData } from './evaluation/data';
import { bundleBytes, evaluateScene, sceneFigures } from './evaluation/evaluate';
import { loadTimedScene } from './evaluation/timed-scene';
import { loadTfjs } from '../learning/tensorflow';
import { modelsDir } from '../../system/paths';
import { type SceneArchitecture } from './training/network';
import { writeScene } from './training/export';
import { lossSvg, rightOnTest, studyFigures, studySizes, studySvg } from './training/study';
import { SCENE_TRAINING, type TrainedScene, trainScene } from './training/train';
import { SCENE_MODEL } from '../../vision/scene/scene';
import { wholeNumber } from '../../terminal/arguments';
import { printFigures } from '../report/figures';
import { createProgress } from '../../terminal/progress';

interface Options {
  readonly data: string;
  readonly name: string;
  readonly modelsDir: string;
  readonly architecture: SceneArchitecture;
  readonly size: string;
  readonly epochs: number;
  readonly seed: number;
  readonly origin: string;
  readonly study?: boolean;
  readonly report?: string;
  readonly json?: boolean;
}

const HELP = `
Pictures: DIR/{training,test}/LABEL/picture.jpg (two labels that exclude one another: one output), or DIR/labels.csv with lines
like "training/a.jpg,day indoor" (several labels may hold: one output each). 80 % of the training pictures are fitted, 20 % choose
the epoch; the test pictures only judge the result. Pictures with the same pixels are used once, and never in both parts.

Examples:
  usher train scene --data scene/ --study --report reports/scene
  usher train scene --data mine/ --name scene-entrance
`;

export function trainSceneCommand(): Command {
  return new Command('scene')
    .description('train a network that classifies whole pictures: day or night, or your own labels')
    .requiredOption('--data <dir>', 'folder of labelled pictures')
    .option('--name <name>', 'name of the bundle that is written', SCENE_MODEL)
    .option('--models-dir <dir>', 'folder of model bundles', modelsDir())
    .addOption(
      new Option('--architecture <kind>', 'a plain logistic unit on the pixels, or a small network')
        .choices(['unit', 'small'])
        .default('small'),
    )
    .addOption(new Option('--size <px>', 'side of the input').choices(['16', '32', '64', '128']).default('64'))
    .option('--epochs <n>', 'times that each picture is seen', wholeNumber, SCENE_TRAINING.epochs)
    .option('--seed <n>', 'the same seed gives the same split, pictures and order', wholeNumber, 1)
    .option('--origin <text>', 'origin of the pictures, for the card', 'pictures of the person who trained it')
    .option('--study', 'also both architectures at 16, 32, 64 and 128 pixels')
    .option('--report <dir>', 'write a report with plots')
    .option('--json', 'print JSON')
    .addHelpText('after', HELP)
    .action(train);
}

async function train(options: Options): Promise<void> {
  const { tf, backend } = await loadTfjs();
  const progress = createProgress();
  try {
    const data = await readSceneData(options.data, (share) => progress.update('reading pictures', share));
    const training = { ...SCENE_TRAINING, epochs: options.epochs, seed: options.seed };
    const fit = (architecture: SceneArchitecture): TrainedScene =>
      trainScene(tf, data, { ...training, architecture, size: Number(options.size) }, ({ epoch }) =>
        progress.update(`training: ${architecture}`, (epoch + 1) / options.epochs),
      );
    const unit = fit('unit');
    const trained = options.architecture === 'unit' ? unit : fit('small');
    const right = rightOnTest(tf, unit, data);
    const compared: Figure[] = [
      {
        name: 'scene.accuracy_unit',
        value: right / data.test.length,
        unit: 'ratio',
        note: `the plain logistic unit: ${right} of ${data.test.length} pictures`,
      },
    ];
    const figures = await writeAndJudge(options, data, trained, compared);
    const study =
      options.study === true ? studySizes(tf, data, training, (label, share) => progress.update(label, share)) : [];
    figures.push(...studyFigures(study));
    progress.done();
    if (options.report !== undefined)
      await writeReportPage(options.report, {
        title: `Scene: ${data.labels.join(', ')}`,
        about: [
          `${data.training.length} training pictures (${trained.fitted} fitted, ${trained.validated} chose the epoch), ${data.test.length} test pictures, ${data.duplicates.length} duplicates left out; seed ${options.seed}, ${options.epochs} epochs on ${backend}.`,
        ],
        plots: [
          ['loss.svg', lossSvg(trained)],
          ...(study.length === 0 ? [] : [['study.svg', studySvg(study, data)] as const]),
        ],
        figures,
        more: { duplicates: data.duplicates, epochs: trained.epochs, study },
      });
    printFigures(figures, {
      json: options.json === true,
      require: true,
      more: { duplicates: data.duplicates, study },
    });
  } finally {
    progress.done();
  }
}

/** Judges the written bundle with the code that will run it, then writes it again with its figures. */
async function writeAndJudge(
  options: Options,
  data: SceneData,
  trained: TrainedScene,
  compared: readonly Figure[],
): Promise<Figure[]> {
  const folder = resolve(options.modelsDir);
  const bundle = { name: options.name, trained, data, origin: options.origin, command: commandOf(options) };
  const dir = await writeScene(folder, { ...bundle, figures: [] });
  const { classifier, network } = await loadTimedScene(folder, options.name);
  try {
    const evaluation = await evaluateScene(classifier, data, { network });
    const measured = sceneFigures(data, evaluation, await bundleBytes(dir));
    const figures = [...measured, ...compared];
    await writeScene(folder, { ...bundle, figures });
    return figures;
  } finally {
    await classifier.dispose();
  }
}

/** With only the folder's name: its path on the training machine has no meaning elsewhere. */
function commandOf({ name, architecture, size, epochs, seed, origin }: Options): string {
  return `usher train scene --data scene --name ${name} --architecture ${architecture} --size ${size} --epochs ${epochs} --seed ${seed} --origin ${JSON.stringify(origin)}`;
}
