import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { trainCommand } from '../../../../src/lab/train';
import { readBoxedPictures } from '../../../../src/lab/faces/detector/box-labels';
import type { Figure } from '../../../../src/lab/report/figure';
import { packageRoot } from '../../../../src/system/paths';
import { CPU_ONE_THREAD } from '../../../../src/inference/model';
import { openBundle } from '../../../../src/inference/bundle';
import { sharedDir } from '../../../support/shared';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'detector-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function train(...args: readonly string[]): Promise<string> {
  const written: string[] = [];
  const write = jest.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  try {
    await trainCommand().parseAsync(['node', 'train', ...args]);
  } finally {
    write.mockRestore();
  }
  return written.join('');
}

const base = join(packageRoot(), 'models', 'tiny-yolo-face');
const describeWithBoth = existsSync(base) && existsSync(sharedDir) ? describe : describe.skip;

describe('labels beside pictures', () => {
  const labelled = (name: string, text: string | null): string => {
    const dir = mkdtempSync(join(folder, 'labels-'));
    writeFileSync(join(dir, `${name}.jpg`), '');
    if (text !== null) writeFileSync(join(dir, `${name}.txt`), text);
    return dir;
  };

  test('one line a face, as shares; an empty file says that there is none', async () => {
    const [one] = await readBoxedPictures(labelled('a.b', '0 0.5 0.5 0.25 0.5\n\n0 0 1 0.1 0.1\n'));
    expect(one!.boxes).toEqual([
      { x: 0.375, y: 0.25, width: 0.25, height: 0.5 },
      { x: -0.05, y: 0.95, width: 0.1, height: 0.1 },
    ]);
    expect((await readBoxedPictures(labelled('a', '')))[0]!.boxes).toEqual([]);
  });

  test.each([
    ['no file', null, /a\.txt is missing/],
    ['another class', '1 0.5 0.5 0.1 0.1', /a\.txt:1: "1 0\.5/],
    ['pixels', '0 0.5 0.5 0.1 0.1\n0 320 240 64 64', /a\.txt:2/],
    ['too few numbers', '0 0.5 0.5 0.1', /a\.txt:1/],
    ['no numbers', 'face', /a\.txt:1/],
    ['no size', '0 0.5 0.5 0 0.1', /a\.txt:1/],
  ])('%s', async (_what, text, message) => {
    await expect(readBoxedPictures(labelled('a', text))).rejects.toMatchObject({
      code: 'data-invalid',
      message: expect.stringMatching(message) as string,
    });
  });

  test('the new bundle may not take the place of the old', async () => {
    await expect(train('detector-head', '--pictures', folder, '--base', 'x', '--name', 'x')).rejects.toMatchObject({
      code: 'usage',
    });
  });
});

describeWithBoth('on people in scenes', () => {
  test('composed, trained, measured on others, and installed as a bundle that loads', async () => {
    const models = join(folder, 'models');
    const scenes = join(folder, 'scenes');
    const faces = join(folder, 'faces');
    mkdirSync(models);
    mkdirSync(faces);
    symlinkSync(base, join(models, 'tiny-yolo-face'));
    const london = join(sharedDir, 'data/faces/london');
    for (const file of readdirSync(london)
      .filter((name) => name.endsWith('_neutral.jpg'))
      .slice(0, 6))
      symlinkSync(join(london, file), join(faces, file));
    const wall = join(folder, 'walls');
    mkdirSync(wall);
    await sharp({ create: { width: 320, height: 240, channels: 3, background: '#345' } })
      .jpeg()
      .toFile(join(wall, 'wall.jpg'));
    const compose = (part: string, out: string, count: string) =>
      train(
        'detector-scenes',
        '--faces',
        faces,
        '--scenes',
        wall,
        '--out',
        out,
        '--part',
        part,
        '--count',
        count,
        '--models-dir',
        models,
        '--json',
      );
    const training = join(scenes, 'training');
    const test = join(scenes, 'test');
    // Of three portraits the detector is not sure enough of one: its box would be no label.
    expect(JSON.parse(await compose('1/2', training, '5'))).toMatchObject({ pictures: 5, people: 2 });
    await compose('2/2', test, '4');
    const report = JSON.parse(
      await train(
        'detector-head',
        '--pictures',
        training,
        '--test',
        test,
        '--models-dir',
        models,
        '--epochs',
        '1',
        '--json',
      ),
    ) as { figures: Figure[]; bundle: string; validation: number[] };
    const value = (name: string) => report.figures.find((figure) => figure.name === `detector.${name}`)!.value!;
    expect(value('ap50_before')).toBeGreaterThan(0.1);
    expect(value('ap50_gain')).toBeCloseTo(value('ap50_after') - value('ap50_before'), 12);
    expect(report.validation).toHaveLength(2);

    const { bundle, model } = await openBundle(report.bundle, CPU_ONE_THREAD);
    await model.dispose();
    expect(bundle.card).toMatchObject({ name: 'tiny-yolo-site', set: null, task: 'face-detection' });
    expect(bundle.card.figures.map(({ name }) => name)).toContain('detector.ap50_after');
    expect(bundle.card.licence.trainingData).toContain('5 labelled pictures of one site, measured on 4 others');
  }, 600_000);
});
