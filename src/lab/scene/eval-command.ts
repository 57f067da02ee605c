import { Command } from 'commander';
import { join, resolve } from 'node:path';
import { UsherError } from '../../errors';
import { writeContactSheet } from '../report/contact-sheet';
import { causeFigures } from '../report/error-cases';
import { readSceneData } from './evaluation/data';
import { SCENE_ADVICE, sceneErrorCases } from './evaluation/errors';
import { bundleBytes, evaluateScene, sceneFigures } from './evaluation/evaluate';
import { loadTimedScene } from './evaluation/timed-scene';
import { modelsDir } from '../../system/paths';
import { SCENE_MODEL } from '../../vision/scene/scene';
import { printFigures, REQUIRE } from '../report/figures';
import { createProgress } from '../../terminal/progress';

interface Options {
  readonly data: string;
  readonly model: string;
  readonly modelsDir: string;
  readonly errors?: string;
  readonly json?: boolean;
  readonly require?: boolean;
}

const HELP = `
Pictures: DIR/{training,test}/LABEL/picture.jpg, or DIR/labels.csv with lines like: test/a.jpg,day indoor
The test pictures are judged; the training pictures only set the threshold of the brightness baseline.

Examples:
  usher eval scene --data scene/
  usher eval scene --data scene/ --errors errors/
`;

export function evalSceneCommand(): Command {
  return new Command('scene')
    .description('measure how well whole pictures are classified: day or night, or your own labels')
    .requiredOption('--data <dir>', 'folder of labelled pictures')
    .option('--model <name>', 'scene bundle', SCENE_MODEL)
    .option('--models-dir <dir>', 'folder of model bundles', modelsDir())
    .option('--errors <dir>', 'write the mistakes as a contact sheet, grouped by likely cause')
    .option('--json', 'print JSON')
    .option('--require', REQUIRE)
    .addHelpText('after', HELP)
    .action(evalScene);
}

async function evalScene(options: Options): Promise<void> {
  const folder = resolve(options.modelsDir);
  const { classifier, network } = await loadTimedScene(folder, options.model);
  const progress = createProgress();
  try {
    const data = await readSceneData(options.data, (share) => progress.update('reading pictures', share));
    const { kind, labels } = classifier.output;
    if (kind !== data.kind || labels.join() !== data.labels.join())
      throw new UsherError(
        'data-invalid',
        `${options.data} is labelled ${data.labels.join(', ')} (${data.kind}), ${options.model} distinguishes ${labels.join(', ')} (${kind})`,
        { remedy: 'Train a model on these labels: usher train scene --data DIR --name NAME' },
      );
    const evaluation = await evaluateScene(classifier, data, {
      network,
      onProgress: (share) => progress.update('judging', share),
    });
    const figures = sceneFigures(data, evaluation, await bundleBytes(join(folder, options.model)));
    if (options.errors !== undefined) {
      const cases = sceneErrorCases(evaluation.judged);
      const sheet = { title: `scene: ${options.model}`, trials: evaluation.judged.length, advice: SCENE_ADVICE };
      figures.push(...causeFigures(await writeContactSheet(options.errors, cases, sheet), 'scene'));
    }
    progress.done();
    const more = { model: options.model, duplicates: data.duplicates };
    printFigures(figures, { json: options.json === true, require: options.require === true, more });
  } finally {
    progress.done();
    await classifier.dispose();
  }
}
