import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openBundle, readCard } from '../../../src/inference/bundle';
import { CPU_ONE_THREAD } from '../../../src/inference/model';
import { CATALOG } from '../../../src/bundles/catalog/catalog';
import { distanceOfCosine } from '../../../src/bundles/catalog/catalog-encoders';
import { goldenInput, installEntry } from '../../../src/bundles/catalog/install';
import { pullSet } from '../../../src/bundles/catalog/pull';
import { tinyModel } from '../tiny-model';
import { describeWithShared, sharedDir } from '../../support/shared';

const encoders = CATALOG.flatMap(({ card }) => (card.output.decoding === 'embedding' ? [card.output] : []));

describe('the catalog', () => {
  test('names and embedding spaces are unique; names are those of the cards', () => {
    expect(new Set(CATALOG.map((entry) => entry.name)).size).toBe(CATALOG.length);
    // One file may become two bundles; one file name always means the same bytes.
    for (const entry of CATALOG)
      for (const other of CATALOG) expect(entry.file === other.file).toBe(entry.sha256 === other.sha256);
    expect(new Set(encoders.map((output) => output.space)).size).toBe(encoders.length);
    for (const entry of CATALOG) expect(entry.card.name).toBe(entry.name);
  });

  test('every address is https and names a revision, so that it cannot change its content by itself', () => {
    for (const { urls } of CATALOG) {
      expect(urls.length).toBeGreaterThan(0);
      for (const url of urls)
        expect(url).toMatch(/^https:\/\/(raw|media)\.githubusercontent\.com\/(media\/)?[^/]+\/[^/]+\/[0-9a-f]{40}\/.+/);
    }
  });

  test('what is had by name only is not part of a set', () => {
    expect(CATALOG.filter((entry) => entry.onlyByName).map((entry) => entry.name)).toEqual(['mbf-int8', 'sface']);
    for (const entry of CATALOG) expect(entry.card.set).toBe(entry.onlyByName ? null : 'recommended');
  });

  test('thresholds grow stricter as the false-match rate falls', () => {
    for (const { thresholds } of encoders)
      for (let i = 1; i < thresholds.length; i++) {
        expect(thresholds[i]!.fmr).toBeLessThan(thresholds[i - 1]!.fmr);
        expect(thresholds[i]!.distance).toBeLessThan(thresholds[i - 1]!.distance);
      }
  });

  test('distance of unit vectors from their cosine, never rounded to the looser side', () => {
    expect(distanceOfCosine(0.277)).toBe(1.2024);
    expect(distanceOfCosine(0.5)).toBe(1);
    expect(distanceOfCosine(1)).toBe(0);
  });

  test('golden pictures are normalised as the card says', () => {
    const mbf = CATALOG.find((entry) => entry.name === 'mbf')!;
    const { data, dims } = goldenInput(mbf);
    expect(dims).toEqual([1, 3, 112, 112]);
    expect(data[0]).toBe(-1);
    expect(data[112 * 112 + 112 + 1]).toBeCloseTo((90 - 127.5) / 127.5, 6);
  });

  test('a file that is not what the importer reads is refused, and nothing is installed', async () => {
    const models = await mkdtemp(path.join(tmpdir(), 'usher-install-'));
    const [onnx, espdl] = ['mobilefacenet', 'mbf'].map((name) => CATALOG.find((entry) => entry.name === name)!);
    await expect(installEntry(models, espdl!, tinyModel(1))).rejects.toMatchObject({ code: 'model-invalid' });
    await expect(installEntry(models, onnx!, Buffer.from('EDL2'))).rejects.toMatchObject({ code: 'model-invalid' });
    await expect(installEntry(models, onnx!, tinyModel(1))).rejects.toMatchObject({ code: 'model-invalid' });
    expect(await readdir(models)).toEqual([]);
    await rm(models, { recursive: true });
  });
});

describeWithShared('the recommended set', () => {
  let models: string;
  beforeAll(async () => {
    models = await mkdtemp(path.join(tmpdir(), 'usher-set-'));
    await pullSet({ modelsDir: models, from: path.join(sharedDir, 'models') });
  });
  afterAll(async () => {
    await rm(models, { recursive: true });
  });

  test('is pulled as a whole', async () => {
    const wanted = CATALOG.filter((entry) => !entry.onlyByName).map((entry) => entry.name);
    expect(await readdir(models)).toEqual(wanted.sort());
  });

  test.each(CATALOG.filter((entry) => !entry.onlyByName).map((entry) => [entry.name, entry] as const))(
    '%s opens, reproduces its golden vectors and keeps its card',
    async (name, entry) => {
      const { bundle, model } = await openBundle(path.join(models, name), CPU_ONE_THREAD);
      expect(bundle.card).toMatchObject(entry.card);
      const outputs = bundle.card.output;
      if ('output' in outputs) expect(model.outputs).toContain(outputs.output);
      else for (const head of ['cls', 'obj', 'bbox', 'kps']) expect(model.outputs).toContain(`${head}_32`);
      await model.dispose();
    },
  );

  test('mbf-int8 is had by name, and agrees with mbf on this machine', async () => {
    await pullSet({ modelsDir: models, from: path.join(sharedDir, 'models'), names: ['mbf-int8'] });
    const { model, bundle } = await openBundle(path.join(models, 'mbf-int8'), CPU_ONE_THREAD);
    expect(bundle.card.output).toMatchObject({ space: 'mbf-espressif-int8-v1' });
    await model.dispose();
  });

  test('detectors of free size take other multiples of 32', async () => {
    for (const name of ['yunet-n', 'yunet-s']) {
      const dir = path.join(models, name);
      expect((await readCard(dir)).input).toMatchObject({ width: null, height: null, multiple: 32 });
      const { model } = await openBundle(dir, CPU_ONE_THREAD);
      const outputs = await model.run({ input: { data: new Float32Array(3 * 96 * 64), dims: [1, 3, 96, 64] } });
      expect(outputs['cls_8']?.dims).toEqual([1, 96, 1]);
      await model.dispose();
    }
  });
});
