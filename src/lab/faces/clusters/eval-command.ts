import { Command } from 'commander';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CameraConfig } from '../../../config/schema/cameras';
import { visitReach } from '../../../daemon/doors/visitors';
import { messageOf, UsherError } from '../../../errors';
import {
  clusterFigures,
  clusterSvg,
  evaluateClusters,
  visitsOf,
  type ClusterEvaluation,
  type TriedVisit,
} from './cluster-evaluation';
import { writeContactSheet } from '../../report/contact-sheet';
import { readFaceDataset, type FaceDataset } from '../data/dataset';
import { chooseEncoders } from '../data/encoders';
import type { ErrorCase } from '../../report/error-cases';
import { CPU_ONE_THREAD } from '../../../inference/model';
import { modelsDir } from '../../../system/paths';
import { loadAnalyser } from '../../../vision/faces/load';
import { WHOLE_FRAME } from '../../../vision/faces/quality';
import { wholeNumber } from '../../../terminal/arguments';
import { printFigures, REQUIRE } from '../../report/figures';
import { createProgress } from '../../../terminal/progress';

interface Options {
  readonly images: string;
  readonly limit?: number;
  readonly encoder: string;
  readonly seed: number;
  readonly report?: string;
  readonly errors?: string;
  readonly modelsDir: string;
  readonly json?: boolean;
  readonly require?: boolean;
}

const HELP = `
Every picture becomes one visit, seen as a door's camera sees it: five frames, small, dim, moving, noisy. Purity is the share of visits that
belong to the person of whom most of their cluster is; NMI also falls when one person's visits are kept apart.

Example: usher eval clusters --images faces/ --encoder mobilefacenet --report reports/clusters
`;

export function evalClustersCommand(): Command {
  return new Command('clusters')
    .description('measure how well unknown visitors are distinguished and recognised again')
    .requiredOption('--images <dir>', 'folder of labelled pictures, two or more of each person')
    .option('--limit <n>', 'only the first n persons', wholeNumber)
    .option('--encoder <name>', 'encoder bundle', 'mobilefacenet')
    .option('--seed <n>', 'seed of the simulated visits', wholeNumber, 1)
    .option('--report <dir>', 'write a plot of purity and NMI over the distance')
    .option('--errors <dir>', 'write a contact sheet of confused visits')
    .option('--models-dir <dir>', 'folder of model bundles', modelsDir())
    .option('--json', 'print JSON')
    .option('--require', REQUIRE)
    .addHelpText('after', HELP)
    .action(evalClusters);
}

async function evalClusters(options: Options): Promise<void> {
  const [encoder] = await chooseEncoders(options.modelsDir, [options.encoder]);
  if (encoder === undefined) throw new UsherError('usage', '--encoder does not name an encoder');
  const dataset = await readFaceDataset(options.images, options);
  const progress = createProgress();
  try {
    const analyser = await loadAnalyser({
      modelsDir: options.modelsDir,
      models: { detector: encoder.detector, encoder: encoder.name },
      execution: CPU_ONE_THREAD,
      // As at the door.
      mirror: false,
      region: WHOLE_FRAME,
      minFacePx: CameraConfig.shape.minFacePx.parse(undefined),
      gates: CameraConfig.shape.quality.parse(undefined),
    });
    const visits = await visitsOf(dataset, analyser, {
      seed: options.seed,
      normalise: encoder.output.normalise,
      onProgress: (share) => progress.update('walking up', share),
    }).finally(() => analyser.dispose());
    if (visits.visits.length < 2)
      throw new UsherError(
        'data-invalid',
        `${options.images}: ${visits.visits.length} visits in which a face was seen`,
      );
    const reach = visitReach(encoder.output.thresholds, visits.visits.length);
    const evaluation = await evaluateClusters(visits, reach, (share) => progress.update('clustering', share));
    progress.done();
    if (options.report !== undefined) await writePlot(options.report, dataset, evaluation);
    if (options.errors !== undefined) await writeConfusions(options.errors, dataset, visits.visits, evaluation);
    printFigures(clusterFigures(evaluation), {
      json: options.json === true,
      require: options.require === true,
      more: { dataset: dataset.name, encoder: encoder.name, visits: visits.visits.length },
    });
  } finally {
    progress.done();
  }
}

async function writePlot(folder: string, dataset: FaceDataset, evaluation: ClusterEvaluation): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'clusters.svg'), clusterSvg(`Unknown visitors: ${dataset.name}`, evaluation));
  } catch (error) {
    throw new UsherError('file-unreadable', `the plot cannot be written to ${folder}: ${messageOf(error)}`, {
      remedy: 'Name a folder that this user may write to.',
      cause: error,
    });
  }
}

/** Each visit that the default method assigned to another person, and each that it did not recognise again. */
async function writeConfusions(
  folder: string,
  { persons }: FaceDataset,
  visits: readonly TriedVisit[],
  { methods }: ClusterEvaluation,
): Promise<void> {
  const labels = methods[0]?.labels ?? new Int32Array(0);
  const name = ({ person }: TriedVisit): string => persons[person] ?? '?';
  const cases = visits.flatMap((visit, i): ErrorCase[] => {
    const together = visits.find((other, j) => j > i && labels[j] === labels[i] && other.person !== visit.person);
    const apart = visits.find((other, j) => j > i && labels[j] !== labels[i] && other.person === visit.person);
    const pair = (other: TriedVisit, cause: string): ErrorCase => ({
      picture: [visit.frame, other.frame],
      caption: `${name(visit)} and ${name(other)}`,
      cause,
    });
    return [
      ...(together === undefined ? [] : [pair(together, 'two persons merged into one')]),
      ...(apart === undefined ? [] : [pair(apart, 'one person split into two')]),
    ];
  });
  await writeContactSheet(folder, cases, { title: 'Visitors confused', trials: visits.length });
}
