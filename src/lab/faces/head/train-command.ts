import { Command } from 'commander';
import { CameraConfig } from '../../../config/schema/cameras';
import { openStore } from '../../../daemon/store/open-store';
import { UsherError } from '../../../errors';
import { readFaceDataset } from '../data/dataset';
import { chooseEncoders } from '../data/encoders';
import { CPU_ONE_THREAD } from '../../../inference/model';
import { loadTfjs } from '../../learning/tensorflow';
import { modelsDir } from '../../../system/paths';
import { HEAD_TRAINING, trainHead } from './face-head';
import { encoderOutput, headThresholds, writeHeadBundle } from './head-bundle';
import { headFigures } from './head-figures';
import { writeHeadReport } from './head-report';
import { headTrial } from './head-trial';
import { headViews, samplesOf, type HeadView } from './head-views';
import { siteViews } from './site-views';
import { chooseModels, loadAnalyser, readEncoderCard } from '../../../vision/faces/load';
import { WHOLE_FRAME } from '../../../vision/faces/quality';
import { wholeNumber } from '../../../terminal/arguments';
import { printFigures } from '../../report/figures';
import {
  loadInstallation,
  locationOf,
  withInstallationOptions,
  type InstallationOptions,
} from '../../../terminal/installation';
import { actor, several } from '../../../terminal/members-options';
import { createProgress, type Progress } from '../../../terminal/progress';

interface Options extends InstallationOptions {
  readonly images?: string;
  readonly limit?: number;
  readonly encoder?: string;
  readonly name?: string;
  readonly walks: number;
  readonly frames: number;
  readonly folds: number;
  readonly repeats: number;
  readonly seed: number;
  readonly steps: number;
  readonly consentText?: readonly string[];
  readonly by?: string;
  readonly bundle: boolean;
  readonly modelsDir?: string;
  readonly report?: string;
  readonly json?: boolean;
}

/** The training data, from a folder or from this installation. */
interface Material {
  readonly modelsDir: string;
  readonly encoder: string;
  readonly views: readonly HeadView[];
  /** For people and for the card. */
  readonly described: string;
}

const HELP = `
With --images, a folder of pictures named as for \`usher eval faces\`; each is also seen as a door's camera would show it. Without, the
templates that this installation keeps (no pictures are kept), of members whose recorded consent is to one of the texts named with
--consent-text; that they were used is recorded in the journal. A head keeps something of those it was trained on: when one of them
withdraws, train it again.

The head is judged on persons left out of its training, then trained on all and written as an encoder bundle with an embedding
space of its own. To use it: \`usher members re-encode NAME\` carries the stored templates over, then name it in models.encoder.

Examples:
  usher train face-head --images faces/ --encoder mobilefacenet --name mobilefacenet-door --report reports/head
  usher train face-head --config my-door.yaml --consent-text 2026-2
`;

export function trainFaceHeadCommand(): Command {
  const command = new Command('face-head')
    .description(
      'adapt the face encoder to a site: train a linear head with triplets, and judge it on persons left out',
    )
    .option('--images <dir>', 'folder of labelled pictures, instead of the installation’s templates')
    .option('--limit <n>', 'with --images: only the first n persons', wholeNumber)
    .option('--encoder <name>', 'encoder bundle to train over (default: mbf, or the configuration’s)')
    .option('--name <name>', 'name of the new bundle (default: the encoder’s with -door)')
    .option('--walks <n>', 'with --images: simulated walks to the door for each picture', wholeNumber, 8)
    .option('--frames <n>', 'with --images: frames of each walk', wholeNumber, 2)
    .option('--folds <n>', 'number of parts for cross-validation', wholeNumber, 3)
    .option('--repeats <n>', 'number of cross-validations', wholeNumber, 2)
    .option('--seed <n>', 'seed of walks, folds and training', wholeNumber, 1)
    .option('--steps <n>', 'steps of training', wholeNumber, HEAD_TRAINING.steps)
    .option('--consent-text <version>', 'without --images: a consent text that covers training; repeat', several)
    .option('--by <who>', 'who decided it, for the journal (default: the account that runs this)')
    .option('--no-bundle', 'only judge')
    .option('--report <dir>', 'write a report with DET curves')
    .option(
      '--models-dir <dir>',
      'folder of model bundles (default: the configuration’s, with --images that of usher)',
    );
  return withInstallationOptions(command)
    .option('--json', 'print JSON')
    .addHelpText('after', HELP)
    .action(trainFaceHead);
}

async function trainFaceHead(options: Options): Promise<void> {
  const progress = createProgress();
  try {
    const { tf, backend } = await loadTfjs();
    const {
      modelsDir: dir,
      encoder,
      views,
      described,
    } = options.images === undefined
      ? await materialOfSite(options)
      : await materialOfFolder(options.images, options, progress);
    const training = { ...HEAD_TRAINING, steps: options.steps, seed: options.seed };
    const trial = await headTrial(tf, views, {
      ...options,
      training,
      onProgress: (share) => progress.update('judging on persons left out', share),
    });
    const people = views.reduce((most, { person }) => Math.max(most, person + 1), 0);
    const figures = headFigures(trial, people);
    const head = trainHead(tf, samplesOf(views), training, (share) => progress.update('training on all', share));
    progress.done();
    const bundle = options.bundle
      ? await writeHeadBundle(dir, encoder, {
          name: options.name ?? `${encoder}-door`,
          matrix: head.matrix,
          thresholds: headThresholds(
            trial.after,
            `${described}; ${trial.persons} persons left out of training in ${options.folds} folds`,
          ),
          trainedOn: described,
          figures: figures.flatMap(({ name, value, unit }) =>
            value === null ? [] : [{ name, value, unit, data: described }],
          ),
        })
      : null;
    if (options.report !== undefined)
      await writeHeadReport(options.report, { encoder, data: described, ...trial, losses: head.losses, figures });
    if (options.json !== true && bundle !== null) process.stdout.write(`${bundle}\n`);
    printFigures(figures, {
      json: options.json === true,
      require: true,
      more: { encoder, data: described, backend, bundle },
    });
  } finally {
    progress.done();
  }
}

async function materialOfFolder(images: string, options: Options, progress: Progress): Promise<Material> {
  if (options.consentText !== undefined)
    throw new UsherError(
      'usage',
      '--consent-text is for members; for a folder you must know yourself whether the persons agreed',
    );
  const dir = options.modelsDir ?? modelsDir();
  const [chosen] = await chooseEncoders(dir, [options.encoder ?? 'mbf']);
  if (chosen === undefined) throw new UsherError('usage', '--encoder does not name an encoder');
  const { card } = await readEncoderCard(dir, chosen.name);
  encoderOutput(card);
  const dataset = await readFaceDataset(images, options);
  const analyser = (mirror: boolean) =>
    loadAnalyser({
      modelsDir: dir,
      models: { detector: chosen.detector, encoder: chosen.name },
      execution: CPU_ONE_THREAD,
      mirror,
      region: WHOLE_FRAME,
      minFacePx: CameraConfig.shape.minFacePx.parse(undefined),
      gates: CameraConfig.shape.quality.parse(undefined),
    });
  // Enrolment mirrors as the card says; a door encodes each frame once.
  const enrolment = await analyser(chosen.output.mirror);
  const door = await analyser(false);
  try {
    const views = await headViews(dataset, enrolment, door, {
      ...options,
      onProgress: (share) => progress.update('encoding', share),
    });
    const count = `${dataset.persons.length} persons, ${dataset.pictures.length} pictures`;
    return {
      modelsDir: dir,
      encoder: chosen.name,
      views,
      described: `${dataset.name}, ${count} seen as a door sees them`,
    };
  } finally {
    await enrolment.dispose();
    await door.dispose();
  }
}

async function materialOfSite(options: Options): Promise<Material> {
  const texts = options.consentText ?? [];
  const installation = await loadInstallation(options);
  const dir = options.modelsDir ?? installation.modelsDir;
  const encoder = options.encoder ?? (await chooseModels(dir, installation.config.models)).encoder;
  const { card, output } = await readEncoderCard(dir, encoder);
  encoderOutput(card);
  const store = openStore(locationOf(installation));
  try {
    const ofSpace = (member: string) => store.templates.list(member).filter(({ space }) => space === output.space);
    const site = siteViews(store.members.list(), ofSpace, texts);
    store.ledger.append('training', {
      what: 'face-head',
      encoder,
      by: actor(options.by),
      members: site.members,
      consentTexts: texts.join(', ').slice(0, 1000),
    });
    return {
      modelsDir: dir,
      encoder,
      views: site.views,
      described:
        `${site.members} members of this site who consented to it ` +
        `(left out: ${site.withoutConsent} without such consent, ${site.tooFew} with one template)`,
    };
  } finally {
    store.close();
  }
}
