import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { pullSet } from '../../../../src/bundles/catalog/pull';
import { evalCommand } from '../../../../src/lab/eval';
import type { Figure } from '../../../../src/lab/report/figure';
import { describeWithShared, sharedDir } from '../../../support/shared';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'eval-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function evalFaces(...args: readonly string[]): Promise<string> {
  const written: string[] = [];
  const write = jest.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  try {
    await evalCommand().parseAsync(['node', 'eval', 'faces', ...args]);
  } finally {
    write.mockRestore();
  }
  return written.join('');
}

const figuresIn = (json: string): Map<string, Figure> =>
  new Map((JSON.parse(json) as { figures: Figure[] }).figures.map((figure) => [figure.name, figure]));

test('what is missing is said before work begins', async () => {
  await expect(evalFaces('--images', folder, '--models-dir', join(folder, 'none'))).rejects.toMatchObject({
    code: 'model-missing',
  });
});

describeWithShared('on real faces, with real models', () => {
  const london = join(sharedDir, 'data/faces/london');
  let models: string[];

  beforeAll(async () => {
    const modelsDir = join(folder, 'models');
    await pullSet({ modelsDir, from: join(sharedDir, 'models'), names: ['yunet-n', 'mobilefacenet'] });
    models = ['--models-dir', modelsDir, '--models', 'mobilefacenet'];
  }, 120_000);

  test('neutral enrolled, smiling probes: figures, report and threshold table', async () => {
    const report = join(folder, 'report');
    const figures = figuresIn(
      await evalFaces('--images', london, ...models, '--limit', '12', '--door', '--report', report, '--json'),
    );
    // Twelve smiling people against twelve neutral pictures.
    expect(figures.get('faces.genuine_pairs')!.value).toBe(12);
    expect(figures.get('faces.impostor_pairs')!.value).toBe(132);
    expect(figures.get('faces.eer')!.value).toBe(0);
    expect(figures.get('faces.mobilefacenet.eer')).toEqual({
      ...figures.get('faces.eer'),
      name: 'faces.mobilefacenet.eer',
    });
    expect(figures.get('faces.fnmr_at_fmr_1e-3')).toMatchObject({ value: null });
    expect(figures.get('faces.door_fnmr_single')!.value).toBeGreaterThan(figures.get('faces.door_fnmr_fused')!.value!);
    expect(existsSync(join(report, 'door-mobilefacenet.svg'))).toBe(true);
    expect(readFileSync(join(report, 'index.html'), 'utf8')).toContain('faces.fnir_at_fpir_1e-1');
    // 132 impostor pairs are too few for any row of a card.
    await expect(
      evalFaces('--images', london, ...models, '--limit', '12', '--write-thresholds', join(folder, 'card.json')),
    ).rejects.toMatchObject({ code: 'data-invalid' });
  }, 120_000);

  test('the mistakes as a contact sheet, by what spoilt the pictures', async () => {
    const spoilt = join(folder, 'spoilt');
    mkdirSync(spoilt);
    const people = ['001', '003', '010', '013', '016', '024'];
    for (const id of people) {
      symlinkSync(join(london, `${id}_neutral.jpg`), join(spoilt, `${id}_neutral.jpg`));
      const smiling = join(london, `${id}_smiling.jpg`);
      await sharp(smiling)
        .blur(11)
        .toFile(join(spoilt, `${id}_blurred.jpg`));
      await sharp(smiling)
        .resize(56)
        .toFile(join(spoilt, `${id}_small.jpg`));
    }
    writeFileSync(join(spoilt, '001_torn.jpg'), 'no picture at all');
    await sharp({ create: { width: 200, height: 200, channels: 3, background: '#6688aa' } }).toFile(
      join(spoilt, '001_wall.png'),
    );
    const errors = join(folder, 'errors');
    const figures = figuresIn(await evalFaces('--images', spoilt, ...models, '--errors', errors, '--json'));
    const { causes } = JSON.parse(readFileSync(join(errors, 'errors.json'), 'utf8')) as {
      causes: { cause: string; count: number; cases: string[] }[];
    };
    const of = (cause: string) => causes.find((one) => one.cause === cause)?.cases.join('\n') ?? '';
    expect(causes[0]).toMatchObject({ cause: 'blur', count: people.length });
    for (const id of people) expect(of('blur')).toContain(`${id} missed, `);
    expect(of('size')).toContain('003 missed, ');
    expect(of('unreadable')).toContain('001: not acquired');
    expect(of('no face found')).toContain('001: not acquired');
    const all = causes.reduce((sum, { count }) => sum + count, 0);
    expect(figures.get('faces.errors.blur')!.value).toBeCloseTo(people.length / all, 12);
    expect(figures.get('faces.mobilefacenet.errors.no_face_found')!.value).toBeCloseTo(1 / all, 12);
    const sheet = await sharp(join(errors, 'contact-sheet.png')).metadata();
    expect(sheet.width).toBe(1292);
  }, 120_000);

  test('the same faces laid out as LFW: folds, and failures to find a face', async () => {
    const lfw = join(folder, 'lfw');
    const people = ['001', '002', '003', '004', '005', '006'];
    for (const id of people) {
      const name = `Person_${id}`;
      mkdirSync(join(lfw, name), { recursive: true });
      symlinkSync(join(london, `${id}_neutral.jpg`), join(lfw, name, `${name}_0001.jpg`));
      symlinkSync(join(london, `${id}_smiling.jpg`), join(lfw, name, `${name}_0002.jpg`));
    }
    writeFileSync(join(lfw, 'Person_001', 'Person_001_0003.jpg'), 'no picture at all');
    const pair = (i: number): string => `Person_${people[i]!}`;
    const lines = [0, 2, 4].flatMap((i) => [`${pair(i)}\t1\t2`, `${pair(i)}\t1\t${pair(i + 1)}\t2`]);
    const pairs = join(folder, 'pairs.txt');
    writeFileSync(pairs, `3\t1\n${lines.join('\n')}\n`);

    const json = await evalFaces('--images', lfw, '--pairs', pairs, ...models, '--json');
    const figures = figuresIn(json);
    // Thirteen pictures, all compared with all: 6 + 2 genuine pairs, of which the broken one spoils two.
    expect(figures.get('faces.accuracy_3fold')!.value).toBe(1);
    expect(figures.get('faces.genuine_pairs')!.value).toBe(8);
    expect(figures.get('faces.impostor_pairs')!.value).toBe(60);
    expect(figures.get('faces.failure_to_acquire')!.value).toBeCloseTo(1 / 13, 12);
    expect(json).toMatch(/Person_001_0003\.jpg is not a picture/);
  }, 120_000);
});
