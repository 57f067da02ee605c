import { mkdtemp, readdir, readFile, rm, utimes, mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openBundle } from '../../src/inference/bundle';
import { CPU_ONE_THREAD } from '../../src/inference/model';
import { writeBundle } from '../../src/bundles/write';
import { tinyBundle, tinyCard, tinyInput } from './tiny-model';

let models: string;
beforeEach(async () => {
  models = path.join(await mkdtemp(path.join(tmpdir(), 'usher-write-')), 'models');
});
afterEach(async () => {
  await rm(path.dirname(models), { recursive: true, force: true });
});

test('a written bundle opens, its golden vectors hold, and nothing else is left', async () => {
  const dir = await writeBundle(models, tinyBundle('tiny'));
  expect(dir).toBe(path.join(models, 'tiny'));
  expect(await readdir(models)).toEqual(['tiny']);
  const { bundle, model } = await openBundle(dir, CPU_ONE_THREAD);
  const { y } = await model.run({ x: tinyInput });
  expect([...(y?.data as Float32Array)]).toEqual([2, -4, 6]);
  expect(bundle.card.golden.outputs).toEqual([{ name: 'y', file: 'golden-output-0.f32', dims: [1, 3] }]);
  await model.dispose();
});

test('a bundle of the same name is replaced as a whole', async () => {
  await writeBundle(models, tinyBundle('tiny', 2));
  await writeFile(path.join(models, 'tiny', 'left-over'), 'from an older format');
  const dir = await writeBundle(models, tinyBundle('tiny', 3));
  expect(await readdir(models)).toEqual(['tiny']);
  expect(await readdir(dir)).not.toContain('left-over');
  const { model } = await openBundle(dir, CPU_ONE_THREAD);
  const { y } = await model.run({ x: tinyInput });
  expect([...(y?.data as Float32Array)]).toEqual([3, -6, 9]);
  await model.dispose();
});

const wrong = {
  'bytes that are no model': { modelBytes: Buffer.from('no model') },
  'a golden input of the wrong shape': { goldenInput: { data: new Float32Array(4), dims: [1, 4, 1, 1] } },
  'a card that breaks the schema': { card: { ...tinyCard('tiny'), version: 'one' } },
};
test.each(Object.entries(wrong))('%s: refused, the older bundle untouched', async (_what, part) => {
  const dir = await writeBundle(models, tinyBundle('tiny'));
  const before = await readFile(path.join(dir, 'card.json'), 'utf8');
  await expect(writeBundle(models, { ...tinyBundle('tiny', 9), ...part })).rejects.toMatchObject({
    name: 'UsherError',
    code: 'model-invalid',
  });
  expect(await readdir(models)).toEqual(['tiny']);
  expect(await readFile(path.join(dir, 'card.json'), 'utf8')).toBe(before);
});

test('a folder that cannot be made says so', async () => {
  await writeFile(models, 'a file where the folder should be');
  await expect(writeBundle(models, tinyBundle('tiny'))).rejects.toMatchObject({ code: 'file-unreadable' });
});

test('what a writer that died left is swept; what another writer has just begun is not', async () => {
  const dead = path.join(models, '.tiny.0123456789ab.new');
  const alive = path.join(models, '.tiny.ba9876543210.new');
  for (const folder of [dead, alive]) await mkdir(folder, { recursive: true });
  await utimes(dead, new Date(0), new Date(0));
  await writeBundle(models, tinyBundle('tiny'));
  expect((await readdir(models)).sort()).toEqual([path.basename(alive), 'tiny']);
});

test('two writers at once: one whole bundle remains', async () => {
  await Promise.allSettled([writeBundle(models, tinyBundle('tiny', 2)), writeBundle(models, tinyBundle('tiny', 3))]);
  expect(await readdir(models)).toEqual(['tiny']);
  const { model } = await openBundle(path.join(models, 'tiny'), CPU_ONE_THREAD);
  await model.dispose();
});
