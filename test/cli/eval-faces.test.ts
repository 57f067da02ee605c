import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pullSet } from '../../src/bundles/pull';
import { evalCommand } from '../../src/cli/eval';
import type { Figure } from '../../src/evaluation/figure';
import { describeWithShared, sharedDir } from '../support/shared';

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
