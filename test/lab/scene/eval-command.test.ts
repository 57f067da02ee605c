import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { evalCommand } from '../../../src/lab/eval';
import type { Figure } from '../../../src/lab/report/figure';
import { packageRoot } from '../../../src/system/paths';
import { encodePng } from '../../../src/vision/picture/picture';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'eval-scene-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

/** A sky of one level over a darker ground. */
async function picture(part: string, label: string, index: number, sky: number): Promise<void> {
  const [width, height] = [64, 48];
  const data = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i++) {
    const level = i < (width * height) / 2 ? sky : sky / 2;
    data.set([level * 0.8, level * 0.9, Math.min(255, level * 1.1)], 3 * i);
    data[3 * i] = (data[3 * i] ?? 0) + ((i * 7 + index) % 5);
  }
  mkdirSync(join(dir, part, label), { recursive: true });
  writeFileSync(join(dir, part, label, `${index}.png`), await encodePng({ width, height, data }));
}

async function evalScene(...more: string[]): Promise<{ figures: Figure[]; duplicates: string[][] }> {
  const written: string[] = [];
  const write = jest.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  try {
    const models = ['--models-dir', join(packageRoot(), 'models')];
    await evalCommand().parseAsync(['node', 'eval', 'scene', '--data', dir, ...models, '--json', ...more]);
  } finally {
    write.mockRestore();
  }
  return JSON.parse(written.join('')) as { figures: Figure[]; duplicates: string[][] };
}

test('the shipped bundle on pictures of one’s own: what is right, what is not, and why', async () => {
  for (const [label, levels] of [
    ['day', [190, 210, 230]],
    ['night', [12, 16, 20]],
  ] as const)
    for (const [index, sky] of levels.entries()) {
      await picture('training', label, index, sky);
      await picture('test', label, 10 + index, sky + 3);
    }
  // A night under the label of a day.
  await picture('test', 'day', 99, 14);
  const sheet = join(dir, 'errors');
  const { figures } = await evalScene('--errors', sheet);
  const of = (name: string): Figure | undefined => figures.find((one) => one.name === name);
  expect(of('scene.accuracy')).toMatchObject({ value: 6 / 7, meets: false, reach: 0.98, note: '6 of 7 pictures' });
  expect(of('scene.accuracy_brightness')?.value).toBe(6 / 7);
  expect(of('scene.bundle_kb')).toMatchObject({ meets: true });
  // Said beside one another, so that it can be told what the code around the network costs.
  expect(of('scene.ms_network')?.value).toBeGreaterThan(0);
  expect(of('scene.ms')?.value).toBeGreaterThan(of('scene.ms_network')?.value ?? Infinity);
  expect(figures.filter(({ name }) => name.startsWith('scene.errors.'))).toEqual([
    expect.objectContaining({ value: 1, note: '1 of 1 errors' }),
  ]);
  expect(existsSync(join(sheet, 'contact-sheet.png'))).toBe(true);
  expect(readFileSync(join(sheet, 'errors.json'), 'utf8')).toContain('99.png');
});

test('labels that the model does not know are refused by name', async () => {
  await picture('test', 'dusk', 1, 90);
  await picture('training', 'dusk', 2, 95);
  await expect(evalScene()).rejects.toMatchObject({
    code: 'data-invalid',
    message: expect.stringContaining('dusk') as string,
  });
});
