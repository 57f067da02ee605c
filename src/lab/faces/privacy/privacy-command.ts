import { Command, InvalidArgumentError } from 'commander';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CameraConfig } from '../../../config/schema/cameras';
import { UsherError } from '../../../errors';
import { type FaceDataset, readFaceDataset } from '../data/dataset';
import { chooseEncoders, type ChosenEncoder } from '../data/encoders';
import type { Figure } from '../../report/figure';
import { type PaintedPerson, privacyFigures, RememberingDetector } from './privacy';
import { CPU_ONE_THREAD } from '../../../inference/model';
import { modelsDir } from '../../../system/paths';
import type { FaceAnalyser } from '../../../vision/faces/analyser';
import type { Frame } from '../../../vision/picture/frame';
import { loadAnalyser } from '../../../vision/faces/load';
import { encodePng, readPicture, shrinkPicture } from '../../../vision/picture/picture';
import { WHOLE_FRAME } from '../../../vision/faces/quality';
import { StillPainter } from '../../../vision/stills/painter';
import { STYLISE_DEFAULTS } from '../../../vision/stills/stylise';
import { wholeNumber } from '../../../terminal/arguments';
import { printFigures, REQUIRE } from '../../report/figures';
import { createProgress, type Progress } from '../../../terminal/progress';

interface Options {
  readonly images: string;
  readonly models: readonly string[];
  readonly steps: number;
  readonly side: number;
  readonly limit?: number;
  readonly keepFeatures?: boolean;
  readonly stills?: string;
  readonly modelsDir: string;
  readonly json?: boolean;
  readonly require?: boolean;
}

/** The rate at which a match counts. */
const FMR = 1e-3;

const HELP = `
Pictures as for usher eval faces: ID_neutral.jpg is enrolled, the next variant is what a door saw. Both are painted. A match is a
distance within the encoder's threshold for FMR 1e-3.
  match_after              against the gallery, faces found by the detector in the painted picture
  match_after_known_place  the same, the face cut out where it was before painting
  match_painted_gallery    an attacker who paints the gallery too, at his own threshold for the same rate
--steps 0 leaves what the optimisation begins with, which holds the most of a person. --keep-features shows what style alone does.
`;

export function evalPrivacyCommand(): Command {
  return new Command('privacy')
    .description('how many faces of stylised stills are still recognised')
    .requiredOption('--images <dir>', 'folder of labelled pictures')
    .option('--models <name...>', 'recommended, fallback, or names of encoder bundles', ['recommended'])
    .option('--steps <n>', 'steps of the optimisation', count, STYLISE_DEFAULTS.steps)
    .option('--side <px>', 'longer side of the stills', wholeNumber, 224)
    .option('--limit <n>', 'only the first n persons', wholeNumber)
    .option('--keep-features', 'do not take the features out of the faces first')
    .option('--stills <dir>', 'write the stills, to be looked at')
    .option('--models-dir <dir>', 'folder of model bundles', modelsDir())
    .option('--json', 'print JSON')
    .option('--require', REQUIRE)
    .addHelpText('after', HELP)
    .action(evalPrivacy);
}

async function evalPrivacy(options: Options): Promise<void> {
  const encoders = await chooseEncoders(options.modelsDir, options.models);
  const dataset = await readFaceDataset(options.images, options);
  const progress = createProgress();
  const figures: Figure[] = [];
  try {
    let persons: PaintedPerson[] | null = null;
    for (const encoder of encoders) {
      const { analyser, detector } = await open(encoder, options.modelsDir);
      try {
        persons ??= await paintAll(dataset, analyser, options, progress);
        const row = encoder.output.thresholds.reduce((best, next) =>
          Math.abs(Math.log(next.fmr / FMR)) < Math.abs(Math.log(best.fmr / FMR)) ? next : best,
        );
        figures.push(
          ...(await privacyFigures(persons, analyser, detector, {
            threshold: row.distance,
            fmr: row.fmr,
            prefix: `privacy.${encoder.name}`,
            onProgress: (done) => progress.update(`${encoder.name}: encoding`, done),
          })),
        );
      } finally {
        await analyser.dispose();
      }
    }
  } finally {
    progress.done();
  }
  printFigures(figures, {
    json: options.json === true,
    require: options.require === true,
    more: { steps: options.steps, side: options.side },
  });
}

async function open(
  { name, detector: detectorName }: ChosenEncoder,
  dir: string,
): Promise<{ analyser: FaceAnalyser; detector: RememberingDetector }> {
  const wrapped: RememberingDetector[] = [];
  const analyser = await loadAnalyser({
    modelsDir: dir,
    models: { detector: detectorName, encoder: name },
    execution: CPU_ONE_THREAD,
    region: WHOLE_FRAME,
    minFacePx: CameraConfig.shape.minFacePx.parse(undefined),
    gates: CameraConfig.shape.quality.parse(undefined),
    wrapDetector: (bare) => {
      const remembering = new RememberingDetector(bare);
      wrapped.push(remembering);
      return remembering;
    },
  });
  const [detector] = wrapped;
  if (detector === undefined) throw new Error('loadAnalyser wraps its detector');
  return { analyser, detector };
}

async function paintAll(
  { pictures, persons }: FaceDataset,
  analyser: FaceAnalyser,
  { steps, side, keepFeatures, stills, modelsDir: dir }: Options,
  progress: Progress,
): Promise<PaintedPerson[]> {
  const painter = await StillPainter.open(dir);
  const painted: PaintedPerson[] = [];
  const make = async (file: string): Promise<{ frame: Frame; still: Frame }> => {
    const frame = await shrinkPicture(await readPicture(file), side);
    const { faces } = await analyser.still(frame);
    const boxes = keepFeatures === true ? [] : faces.map(({ box }) => box);
    return { frame, still: await painter.paint(frame, boxes, { steps, side }) };
  };
  if (stills !== undefined) await mkdir(stills, { recursive: true });
  for (const [person, name] of persons.entries()) {
    const [first, second] = pictures.filter((picture) => picture.person === person);
    if (first === undefined || second === undefined) continue;
    const enrolled = await make(first.file);
    const probe = await make(second.file);
    if (stills !== undefined) await writeFile(join(stills, `${name}.png`), await encodePng(probe.still));
    painted.push({
      enrolled: enrolled.frame,
      probe: probe.frame,
      paintedEnrolled: enrolled.still,
      paintedProbe: probe.still,
    });
    progress.update('painting', (person + 1) / persons.length);
  }
  if (painted.length === 0) throw new UsherError('data-invalid', 'no person has two pictures');
  return painted;
}

function count(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new InvalidArgumentError('a whole number, 0 or more, is expected');
  return Number(text);
}
