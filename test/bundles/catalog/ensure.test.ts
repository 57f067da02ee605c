import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ensureModels, FALLBACK_SET } from '../../../src/bundles/catalog/ensure';
import { HASTY_LIMITS } from '../../../src/bundles/download/pull-limits';
import { UsherError } from '../../../src/errors';
import { describeWithShared, sharedDir } from '../../support/shared';

jest.setTimeout(120_000);

let models: string;
beforeEach(async () => {
  models = await mkdtemp(path.join(tmpdir(), 'usher-ensure-'));
});
afterEach(async () => {
  await rm(models, { recursive: true });
});

const limits = { ...HASTY_LIMITS, backoffMs: 1 };
const noNetwork: typeof fetch = () =>
  Promise.reject(new TypeError('fetch failed', { cause: new Error('getaddrinfo ENOTFOUND') }));

test('without network and mirror: the fallback set, and the reason; the second time it builds nothing', async () => {
  const built: (string | null)[] = [];
  const options = { modelsDir: models, limits, fetch: noNetwork };
  const first = await ensureModels({ ...options, onBuild: ({ bundle }) => built.push(bundle) });
  expect(first).toMatchObject({ recommended: 'unavailable', fallback: 'installed' });
  expect(first.refusals).toHaveLength(1);
  expect(first.refusals[0]?.error.message).toContain('getaddrinfo ENOTFOUND');
  expect(await readdir(models)).toEqual([...FALLBACK_SET].sort());
  expect(built).toEqual([null, ...FALLBACK_SET]);
  built.length = 0;
  const second = await ensureModels({ ...options, onBuild: ({ bundle }) => built.push(bundle) });
  expect(second.fallback).toBe('present');
  expect(built).toEqual([]);
});

const withoutPackage = () => Promise.reject(new UsherError('dependency-missing', 'the npm package is not installed'));

test('on a device, which has not the package of the fallback set: neither set is an error', async () => {
  const options = { modelsDir: models, limits, fetch: noNetwork, build: withoutPackage };
  await expect(ensureModels(options)).rejects.toMatchObject({ code: 'dependency-missing' });
});

test('a mirror without the files is named, then the addresses are tried', async () => {
  const { refusals } = await ensureModels({ modelsDir: models, limits, mirror: models, fetch: noNetwork });
  expect(refusals.map(({ error }) => error.code)).toEqual(['model-missing', 'download-failed']);
});

describeWithShared('with a mirror', () => {
  test('on a device: the recommended set alone', async () => {
    const mirror = path.join(sharedDir, 'models');
    const outcome = await ensureModels({ modelsDir: models, limits, mirror, fetch: noNetwork, build: withoutPackage });
    expect(outcome).toEqual({ recommended: 'installed', fallback: 'unavailable', refusals: [] });
  });

  test('both sets; then nothing is left to do', async () => {
    const options = { modelsDir: models, limits, mirror: path.join(sharedDir, 'models'), fetch: noNetwork };
    expect(await ensureModels(options)).toEqual({ recommended: 'installed', fallback: 'installed', refusals: [] });
    expect(await ensureModels(options)).toEqual({ recommended: 'present', fallback: 'present', refusals: [] });
  });
});
