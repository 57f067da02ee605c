import { Command, InvalidArgumentError, Option } from 'commander';
import { writeFile } from 'node:fs/promises';
import { CameraConfig } from '../config/schema';
import { messageOf, UsherError } from '../errors';
import { CPU_ONE_THREAD } from '../inference/model';
import { modelsDir } from '../system/paths';
import type { AnalysedFace, FaceAnalyser } from '../vision/analyser';
import { l2Distance } from '../vision/fusion';
import { chooseModels, loadAnalyser, readEncoderCard } from '../vision/load';
import { encodeJpeg, encodePng, readPicture } from '../vision/picture';
import { WHOLE_FRAME } from '../vision/quality';
import { PAINTED_SIDE, StillPainter } from '../vision/stills/painter';
import { STYLISE_DEFAULTS } from '../vision/stills/stylise';
import { wholeNumber } from './arguments';
import { createProgress } from './progress';

interface Options {
  readonly style?: string;
  readonly from: 'content' | 'noise';
  readonly steps: number;
  readonly side: number;
  readonly modelsDir: string;
  readonly json?: boolean;
}

const HELP = `
Paints a picture anew by the losses of Gatys et al. (2016): its pixels are trained, nothing in the network is. Every face that
is found loses its features first. Before anything is written the result is looked at as a door would: if a face in it still
matches a face of the original at the loosest threshold of the encoder's card, nothing is written and the exit code is 1.
A face that the detector does not find keeps what a stylised picture keeps; look at the result before you pass it on.

Examples:
  usher stylise event.jpg still.jpg
  usher stylise event.jpg still.png --style painting.jpg --steps 100
`;

export function styliseCommand(): Command {
  return new Command('stylise')
    .description('make a privacy still: people and action visible, faces not')
    .argument('<in>', 'a picture')
    .argument('<out>', 'a .jpg or .png file')
    .option('--style <file>', "a picture whose manner is taken; default: brush strokes in the picture's own colours")
    .addOption(
      new Option('--from <start>', 'what the pixels begin as').choices(['content', 'noise']).default('content'),
    )
    .option('--steps <n>', 'steps of the optimisation; from noise take 200 or more', count, STYLISE_DEFAULTS.steps)
    .option('--side <px>', 'longer side of the result', wholeNumber, PAINTED_SIDE)
    .option('--models-dir <dir>', 'folder of model bundles', modelsDir())
    .option('--json', 'print JSON')
    .addHelpText('after', HELP)
    .action(run);
}

async function run(input: string, output: string, options: Options): Promise<void> {
  const encode = /\.jpe?g$/i.test(output) ? encodeJpeg : /\.png$/i.test(output) ? encodePng : null;
  if (encode === null) throw new UsherError('usage', `${output}: the result is a .jpg or a .png file`);
  const picture = await readPicture(input);
  const style = options.style === undefined ? null : await readPicture(options.style);
  const { analyser, loosest } = await openAnalyser(options.modelsDir);
  const progress = createProgress();
  try {
    const { faces } = await analyser.still(picture);
    const painter = await StillPainter.open(options.modelsDir);
    const boxes = faces.map(({ box }) => box);
    const { from, steps, side } = options;
    const painted = await painter.paint(picture, boxes, {
      style,
      from,
      steps,
      side,
      onStep: (step, loss) => progress.update(`loss ${loss.toPrecision(3)}`, step / steps),
    });
    painter.dispose();
    const after = (await analyser.still(painted)).faces;
    const recognisable = after.some((face) => faces.some((original) => distance(face, original) <= loosest));
    if (recognisable)
      throw new UsherError('face-unsuitable', `${output} is not written: a face in the result still matches`, {
        remedy: 'Take more steps, or a smaller --side.',
      });
    await writeFile(output, await encode(painted)).catch((error: unknown) => {
      throw new UsherError('file-unreadable', `${output} cannot be written: ${messageOf(error)}`, { cause: error });
    });
    progress.done();
    const result = {
      file: output,
      width: painted.width,
      height: painted.height,
      faces: faces.length,
      facesAfter: after.length,
    };
    process.stdout.write(
      options.json === true
        ? `${JSON.stringify(result)}\n`
        : `${output}: ${painted.width}×${painted.height}, ${faces.length} faces treated, ${after.length} still seen as faces, none matches\n`,
    );
  } finally {
    progress.done();
    await analyser.dispose();
  }
}

async function openAnalyser(dir: string): Promise<{ analyser: FaceAnalyser; loosest: number }> {
  const models = await chooseModels(dir, { set: 'auto' });
  const { output } = await readEncoderCard(dir, models.encoder);
  const analyser = await loadAnalyser({
    modelsDir: dir,
    models,
    execution: CPU_ONE_THREAD,
    region: WHOLE_FRAME,
    minFacePx: CameraConfig.shape.minFacePx.parse(undefined),
    gates: CameraConfig.shape.quality.parse(undefined),
  });
  return { analyser, loosest: Math.max(...output.thresholds.map((row) => row.distance)) };
}

/** Infinity where one was not encoded. */
function distance(a: AnalysedFace, b: AnalysedFace): number {
  return a.embedding === null || b.embedding === null ? Infinity : l2Distance(a.embedding, b.embedding);
}

function count(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new InvalidArgumentError('a whole number, 0 or more, is expected');
  return Number(text);
}
