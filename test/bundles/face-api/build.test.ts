import { cp, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { buildFallbackSet, type BuildProgress } from '../../../src/bundles/face-api/build';
import { openBundle, readBundle } from '../../../src/inference/bundle';
import { CPU_ONE_THREAD } from '../../../src/inference/model';

const NAMES = ['tiny-yolo-face', 'landmarks-68', 'face-api-resnet'];
const PACKAGE = path.dirname(require.resolve('@vladmandic/face-api/package.json'));
const NETWORKS = ['tiny_face_detector_model', 'face_landmark_68_model', 'face_recognition_model'];

describe('buildFallbackSet', () => {
  let folder: string;
  let modelsDir: string;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'usher-build-'));
    modelsDir = path.join(folder, 'models');
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function copyWeights(): Promise<string> {
    const weightsDir = path.join(folder, 'weights');
    await mkdir(weightsDir);
    for (const name of NETWORKS)
      for (const file of [`${name}.bin`, `${name}-weights_manifest.json`])
        await cp(path.join(PACKAGE, 'model', file), path.join(weightsDir, file));
    return weightsDir;
  }

  it('writes three bundles that reproduce their golden vectors, and tells of each', async () => {
    const steps: BuildProgress[] = [];
    expect(await buildFallbackSet(modelsDir, { onProgress: (step) => steps.push(step) })).toEqual(NAMES);
    expect((await readdir(modelsDir)).sort()).toEqual([...NAMES].sort());
    for (const name of NAMES) {
      const { bundle, model } = await openBundle(path.join(modelsDir, name), CPU_ONE_THREAD);
      expect(bundle.card).toMatchObject({ name, set: 'fallback', licence: { spdx: 'MIT' } });
      expect(bundle.card.licence.origin).toMatch(/@vladmandic\/face-api \d+\.\d+\.\d+ \(npm\)/);
      expect(bundle.card.summary).toContain('should not run on it unknowingly');
      await model.dispose();
    }
    expect(steps.map(({ done, total, bundle }) => [done, total, bundle])).toEqual([
      [0, 3, null],
      [1, 3, 'tiny-yolo-face'],
      [2, 3, 'landmarks-68'],
      [3, 3, 'face-api-resnet'],
    ]);
  });

  it('writes the same bytes again, over what is there, from a bare folder of weights too', async () => {
    const weightsDir = await copyWeights();
    await buildFallbackSet(modelsDir);
    const digests = async () =>
      Promise.all(NAMES.map(async (name) => (await readBundle(path.join(modelsDir, name))).card.files));
    const first = await digests();
    await buildFallbackSet(modelsDir, { weightsDir });
    expect(await digests()).toEqual(first);
    const card = await readFile(path.join(modelsDir, 'landmarks-68', 'card.json'), 'utf8');
    expect(card).toContain('of @vladmandic/face-api (npm)');
  });

  it.each([
    ['is missing', 'model-missing', (file: string) => rm(file)],
    ['is truncated', 'model-invalid', (file: string) => truncate(file, 1000)],
    ['is empty', 'model-invalid', (file: string) => truncate(file, 0)],
    [
      'has one other byte',
      'model-invalid',
      async (file: string) => {
        const bytes = await readFile(file);
        bytes[100] = (bytes[100] ?? 0) ^ 1;
        await writeFile(file, bytes);
      },
    ],
  ])('leaves nothing behind when the last weight file %s', async (_, code, damage) => {
    const weightsDir = await copyWeights();
    const file = path.join(weightsDir, 'face_recognition_model.bin');
    await damage(file);
    await expect(buildFallbackSet(modelsDir, { weightsDir })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(file) as string,
      remedy: expect.stringContaining('npm ci') as string,
    });
    await expect(readdir(modelsDir)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('names a folder without weights', async () => {
    await expect(buildFallbackSet(modelsDir, { weightsDir: path.join(folder, 'nowhere') })).rejects.toMatchObject({
      code: 'model-missing',
      message: expect.stringContaining('nowhere') as string,
    });
  });
});
