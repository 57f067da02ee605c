import { Command } from 'commander';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { messageOf, UsherError } from '../../../errors';
import { labelLine } from './box-labels';
import { modelsDir } from '../../../system/paths';
import { rankingDetector, readDetectorBase } from './detector-bundle';
import { composeScene, HARD_SCENES, type Person } from './faces-in-scenes';
import { personMatte } from './plain-ground';
import { encodeJpeg, readPicture } from '../../../vision/picture/picture';
import { wholeNumber } from '../../../terminal/arguments';
import { createProgress } from '../../../terminal/progress';

interface Options {
  readonly faces: string;
  readonly scenes: readonly string[];
  readonly out: string;
  readonly count: number;
  readonly part?: string;
  readonly seed: number;
  readonly base: string;
  readonly modelsDir: string;
  readonly json?: boolean;
}

const HELP = `
Composes people into scenes as a cheap camera in a badly lit passage sees them (small, dim, side-lit, partly covered), with labels
for usher train detector-head. The label is the base detector's own box on the easy source picture, carried along.

Example: people and scenes of test pictures take no part in training
  usher train detector-scenes --faces faces/ --scenes scene/training/night --part 1/2 --count 300 --out scenes/training
  usher train detector-scenes --faces faces/ --scenes scene/test/night     --part 2/2 --count 150 --out scenes/test --seed 2
`;

const PICTURE = /\.(jpe?g|png|webp)$/i;
/** The detector must be sure of a face in a source picture, or its box is no label. */
const SURE = 0.6;

export function trainDetectorScenesCommand(): Command {
  return new Command('detector-scenes')
    .description('compose labelled pictures to train and measure a detector on')
    .requiredOption('--faces <dir>', 'portraits of one person each, on a plain background')
    .requiredOption('--scenes <dir...>', 'pictures without people')
    .requiredOption('--out <dir>', 'folder for pictures and labels')
    .option('--count <n>', 'how many', wholeNumber, 200)
    .option('--part <i/n>', 'only the i-th of n parts of the persons (by the first part of the file names)')
    .option('--seed <n>', 'another composition', wholeNumber, 1)
    .option('--base <name>', 'detector bundle', 'tiny-yolo-face')
    .option('--models-dir <dir>', 'folder of model bundles', modelsDir())
    .option('--json', 'print JSON')
    .addHelpText('after', HELP)
    .action(compose);
}

async function compose(options: Options): Promise<void> {
  const people = await readPeople(options);
  const scenes = (await Promise.all(options.scenes.map(picturesIn))).flat();
  const progress = createProgress();
  let faces = 0;
  try {
    await mkdir(options.out, { recursive: true });
    for (let i = 0; i < options.count; i++) {
      const scene = await readPicture(scenes[(i * 7 + options.seed) % scenes.length] ?? '');
      const composed = composeScene(scene, people, options.seed * 100_003 + i, HARD_SCENES);
      const { width, height } = composed.frame;
      const name = join(options.out, String(i).padStart(5, '0'));
      await writeFile(`${name}.jpg`, await encodeJpeg(composed.frame, 70));
      await writeFile(`${name}.txt`, composed.faces.map((box) => labelLine(box, width, height)).join(''));
      faces += composed.faces.length;
      progress.update('composing', (i + 1) / options.count);
    }
  } catch (error) {
    if (error instanceof UsherError) throw error;
    throw new UsherError('file-unreadable', `${options.out} cannot be written: ${messageOf(error)}`, { cause: error });
  } finally {
    progress.done();
  }
  const result = { folder: options.out, pictures: options.count, faces, people: people.length, scenes: scenes.length };
  process.stdout.write(
    options.json === true
      ? `${JSON.stringify(result)}\n`
      : `${result.pictures} pictures with ${faces} faces of ${people.length} portraits in ${scenes.length} scenes: ${options.out}\n`,
  );
}

async function readPeople({ faces, part, base: name, modelsDir: folder }: Options): Promise<Person[]> {
  const files = await picturesIn(faces);
  const persons = [...new Set(files.map(personOf))];
  const chosen = new Set(partOf(persons, part ?? '1/1'));
  const base = await readDetectorBase(folder, name);
  const detector = await rankingDetector(base, base.modelBytes);
  const people: Person[] = [];
  try {
    for (const file of files.filter((one) => chosen.has(personOf(one)))) {
      const picture = await readPicture(file);
      const [best] = await detector.detectAt(picture, 320);
      if (best !== undefined && best.score >= SURE)
        people.push({ name: basename(file), picture, face: best.box, matte: personMatte(picture, best.box) });
    }
  } finally {
    await detector.dispose();
  }
  if (people.length === 0)
    throw new UsherError('data-invalid', `${faces}: no portrait with a face that ${name} is sure of`, {
      remedy: 'Name a folder of frontal, well-lit portraits.',
    });
  return people;
}

const personOf = (file: string): string => basename(file, extname(file)).split('_')[0] ?? '';

function partOf(persons: readonly string[], part: string): string[] {
  const [i = 0, n = 0] = part.split('/').map(Number);
  if (!(Number.isInteger(i) && Number.isInteger(n) && i >= 1 && i <= n))
    throw new UsherError('usage', `--part ${part} is not like 1/2`);
  return persons.filter((_, at) => at % n === i - 1);
}

async function picturesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    throw new UsherError('file-unreadable', `${folder}: ${messageOf(error)}`, { cause: error });
  });
  const pictures = names.filter((name) => PICTURE.test(name)).sort();
  if (pictures.length === 0) throw new UsherError('data-invalid', `${folder}: no pictures found`);
  return pictures.map((name) => join(folder, name));
}
