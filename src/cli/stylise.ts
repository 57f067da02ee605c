import { Command, InvalidArgumentError, Option } from 'commander';
import { writeFile } from 'node:fs/promises';
import { messageOf, UsherError } from '../errors';
import { CPU_ONE_THREAD } from '../inference/model';
import { modelsDir } from '../system/paths';
import { chooseModels } from '../vision/faces/load';
import { encodeJpeg, encodePng, readPicture } from '../vision/picture/picture';
import { makeStill, openStillAnalyser } from '../vision/stills/make';
import { PAINTED_SIDE, StillPainter } from '../vision/stills/painter';
import { styliseDefaults } from '../vision/stills/stylise';
import { wholeNumber } from '../terminal/arguments';
import { createProgress } from '../terminal/progress';

interface Options {
  readonly style?: string;
  readonly from: 'content' | 'noise';
  readonly steps?: number;
  readonly side: number;
  readonly modelsDir: string;
  readonly json?: boolean;
}

const HELP = `
Repaints a picture with the losses of Gatys et al. (2016): training changes the pixels, not the network. Every face that
is found loses its features first. Before the result is written, it is checked with the models of a door: if a face in it
still matches a face of the original at the loosest threshold of the encoder's card, nothing is written and the exit code
is 1. A face that the detector does not find is only stylised: look at the result before you pass it on.

Examples:
  usher stylise event.jpg still.jpg
  usher stylise event.jpg still.png --style painting.jpg --steps 100
  usher stylise event.jpg still.png --from noise
`;

export function styliseCommand(): Command {
  return new Command('stylise')
    .description('make a privacy still: people and their actions stay visible, faces do not')
    .argument('<in>', 'a picture')
    .argument('<out>', 'a .jpg or .png file')
    .option('--style <file>', "a picture that gives the style (default: brush strokes in the picture's own colours)")
    .addOption(new Option('--from <start>', 'how the pixels start').choices(['content', 'noise']).default('content'))
    .option(
      '--steps <n>',
      `steps of the optimisation (default: ${styliseDefaults('content').steps}, from noise ${styliseDefaults('noise').steps})`,
      count,
    )
    .option('--side <px>', 'longer side of the result in pixels', wholeNumber, PAINTED_SIDE)
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
  const { analyser, loosest } = await openStillAnalyser(
    options.modelsDir,
    await chooseModels(options.modelsDir, { set: 'auto' }),
    CPU_ONE_THREAD,
  );
  const progress = createProgress();
  try {
    const painter = await StillPainter.open(options.modelsDir);
    const { from, side } = options;
    const steps = options.steps ?? styliseDefaults(from).steps;
    const { still, faces, facesAfter } = await makeStill(analyser, painter, picture, loosest, {
      style,
      from,
      steps,
      side,
      onStep: (step, loss) => progress.update(`loss ${loss.toPrecision(3)}`, step / steps),
    });
    await writeFile(output, await encode(still)).catch((error: unknown) => {
      throw new UsherError('file-unreadable', `${output} cannot be written: ${messageOf(error)}`, { cause: error });
    });
    progress.done();
    const result = { file: output, width: still.width, height: still.height, faces, facesAfter };
    process.stdout.write(
      options.json === true
        ? `${JSON.stringify(result)}\n`
        : `${output}: ${still.width}×${still.height}, ${faces} faces treated, ${facesAfter} still seen as faces, none matches\n`,
    );
  } finally {
    progress.done();
    await analyser.dispose();
  }
}

function count(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new InvalidArgumentError('expected a whole number, 0 or more');
  return Number(text);
}
