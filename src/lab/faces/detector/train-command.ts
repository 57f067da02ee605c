import { Command, InvalidArgumentError } from 'commander';
import { measurePrecision, type MeasuredPrecision } from './average-precision';
import { type BoxedPicture, readBoxedPictures } from './box-labels';
import type { Figure } from '../../report/figure';
import { seededRandom } from '../../../random';
import { loadTfjs } from '../../learning/tensorflow';
import { modelsDir } from '../../../system/paths';
import { detectIn, framed } from './detect-pictures';
import {
  type DetectorBase,
  FeatureReader,
  rankingDetector,
  readDetectorBase,
  withHead,
  writeTrainedDetector,
} from './detector-bundle';
import { type HeadPicture, trainHead, type TrainedHead } from './detector-head';
import { UsherError } from '../../../errors';
import { wholeNumber } from '../../../terminal/arguments';
import { printFigures } from '../../report/figures';
import { createProgress, type Progress } from '../../../terminal/progress';

interface Options {
  readonly pictures: string;
  readonly test?: string;
  readonly heldOut: number;
  readonly base: string;
  readonly name: string;
  readonly minFace: number;
  readonly epochs: number;
  readonly rate: number;
  readonly seed: number;
  readonly modelsDir: string;
  readonly json?: boolean;
}

/** Share of the training pictures for choosing the epoch. The figures never come from them. */
const VALIDATION_SHARE = 0.2;
const BATCH = 8;

const HELP = `
Pictures are labelled as for Darknet ("YOLO txt"): each NAME.jpg has a NAME.txt with one line a face,
  0 CENTRE-X CENTRE-Y WIDTH HEIGHT     as shares of the picture's width and height; an empty file where there is no face.
Draw the boxes as the detector does on easy pictures: usher's labels from usher train detector-scenes show how.

All layers but the last are frozen. Average precision at IoU 0.5 (all points) is measured on pictures that took no part: those
of --test, or a share that is held out. Pictures of the same people or the same evening on both sides flatter: prefer --test.

Examples:
  usher train detector-head --pictures door-pictures/ --name tiny-yolo-door
  usher train detector-head --pictures scenes/training --test scenes/test
Then: models.detector: tiny-yolo-door in the configuration.
`;

export function trainDetectorHeadCommand(): Command {
  return new Command('detector-head')
    .description("train the last layer of the Tiny YOLOv2 detector on a site's labelled pictures")
    .requiredOption('--pictures <dir>', 'labelled pictures to train on')
    .option('--test <dir>', 'labelled pictures to measure on')
    .option('--held-out <share>', 'without --test: share of the pictures to measure on', share, 0.3)
    .option('--base <name>', 'bundle to start from', 'tiny-yolo-face')
    .option('--name <name>', 'name of the new bundle', 'tiny-yolo-site')
    .option('--min-face <px>', 'smallest face that should be found, pixels', wholeNumber, 32)
    .option('--epochs <n>', 'times through the pictures', wholeNumber, 40)
    .option('--rate <number>', "Adam's step", positive, 0.0002)
    .option('--seed <n>', 'seed of the split and the order', wholeNumber, 1)
    .option('--models-dir <dir>', 'folder of model bundles', modelsDir())
    .option('--json', 'print JSON')
    .addHelpText('after', HELP)
    .action(trainDetectorHead);
}

async function trainDetectorHead(options: Options): Promise<void> {
  if (options.name === options.base)
    throw new UsherError('usage', `--name ${options.name} is the bundle to start from, which must not change`, {
      remedy: 'Choose another name.',
    });
  const base = await readDetectorBase(options.modelsDir, options.base);
  const { training, validation, test } = await split(options);
  const progress = createProgress();
  try {
    const trained = await train(base, training, validation, options, progress);
    const after = withHead(base, trained.weights);
    const { measured, gain } = await measure(base, after, test, options, progress);
    const figures = figuresOf(measured, gain, trained, test.length);
    const folder = await writeTrainedDetector(options.modelsDir, base, trained.weights, {
      name: options.name,
      data: `${training.length + validation.length} labelled pictures of one site, measured on ${test.length} others`,
      figures: figures.flatMap(({ name, value, unit }) =>
        value === null ? [] : [{ name, value, unit, data: `${test.length} pictures of one site` }],
      ),
    });
    progress.done();
    if (options.json !== true) process.stdout.write(`bundle: ${folder} (models.detector: ${options.name})\n`);
    printFigures(figures, {
      json: options.json === true,
      require: true,
      more: { bundle: folder, epoch: trained.epoch, validation: trained.validation },
    });
  } finally {
    progress.done();
  }
}

interface Split {
  readonly training: readonly BoxedPicture[];
  readonly validation: readonly BoxedPicture[];
  readonly test: readonly BoxedPicture[];
}

async function split({ pictures, test, heldOut, seed }: Options): Promise<Split> {
  const all = await readBoxedPictures(pictures);
  const random = seededRandom(seed);
  const shuffled = all
    .map((picture) => ({ picture, key: random.next() }))
    .sort((a, b) => a.key - b.key)
    .map(({ picture }) => picture);
  const held = test === undefined ? Math.round(all.length * heldOut) : 0;
  const measured = test === undefined ? shuffled.slice(0, held) : await readBoxedPictures(test);
  const rest = shuffled.slice(held);
  const validating = Math.round(rest.length * VALIDATION_SHARE);
  const result = { training: rest.slice(validating), validation: rest.slice(0, validating), test: measured };
  for (const [role, part] of Object.entries(result) as [string, readonly BoxedPicture[]][])
    if (!part.some(({ boxes }) => boxes.length > 0))
      throw new UsherError('data-invalid', `no labelled face is left for ${role} (${all.length} pictures in all)`, {
        remedy: 'Label more pictures: about a hundred faces are a good start.',
      });
  return result;
}

async function train(
  base: DetectorBase,
  training: readonly BoxedPicture[],
  validation: readonly BoxedPicture[],
  { minFace, epochs, rate, seed }: Options,
  progress: Progress,
): Promise<TrainedHead> {
  const { tf } = await loadTfjs();
  const reader = await FeatureReader.open(base);
  const read = async (pictures: readonly BoxedPicture[], label: string): Promise<HeadPicture[]> => {
    const features: HeadPicture[] = [];
    for await (const { frame, truth } of framed(pictures)) {
      features.push(await reader.read(frame, truth, minFace));
      progress.update(label, features.length / pictures.length);
    }
    return features;
  };
  try {
    const seen = await read(training, 'features for training');
    const held = await read(validation, 'features for validation');
    return trainHead(tf, seen, held, base.weights, {
      anchors: base.output.anchors,
      epochs,
      batch: BATCH,
      rate,
      seed,
      onEpoch: (epoch, loss, validationLoss) =>
        progress.update(`training, loss ${loss.toFixed(2)}, validation ${validationLoss.toFixed(2)}`, epoch / epochs),
    });
  } finally {
    await reader.dispose();
  }
}

async function measure(
  base: DetectorBase,
  after: Uint8Array,
  test: readonly BoxedPicture[],
  { minFace }: Options,
  progress: Progress,
): Promise<ReturnType<typeof measurePrecision>> {
  const results = [];
  for (const [label, bytes] of [['before', base.modelBytes] as const, ['after', after] as const]) {
    const detector = await rankingDetector(base, bytes);
    try {
      results.push(
        await detectIn(test, detector, minFace, (done) => progress.update(`measuring ${label}`, done / test.length)),
      );
    } finally {
      await detector.dispose();
    }
  }
  return measurePrecision(results, { threshold: base.output.scoreThreshold });
}

function figuresOf(
  measured: readonly MeasuredPrecision[],
  gain: { readonly low: number; readonly high: number } | null,
  { epoch }: TrainedHead,
  pictures: number,
): Figure[] {
  const [before, after] = measured;
  const figures = ['before', 'after'].flatMap((when, i): Figure[] => {
    const one = measured[i];
    if (one === undefined) return [];
    return [
      { name: `detector.ap50_${when}`, value: one.ap, unit: 'ratio', ...one.interval },
      { name: `detector.recall_${when}`, value: one.recall, unit: 'ratio', note: "at the card's score threshold" },
      { name: `detector.false_per_picture_${when}`, value: one.falsePerPicture, unit: '' },
    ];
  });
  const [from, to] = [before?.ap ?? null, after?.ap ?? null];
  const difference = from === null || to === null ? null : to - from;
  return [
    ...figures,
    {
      name: 'detector.ap50_gain',
      value: difference,
      unit: 'ratio',
      ...gain,
      note: `${pictures} pictures, ${before?.truths ?? 0} faces${epoch === 0 ? '; nothing was learned: the old head is kept' : ''}`,
    },
  ];
}

function share(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 1)) throw new InvalidArgumentError('expected a share between 0 and 1');
  return value;
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 1)) throw new InvalidArgumentError('expected a number above 0, at most 1');
  return value;
}
