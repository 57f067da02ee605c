import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { modelsCommand, outcomeText } from '../../../src/cli/models/models';
import { ModelsReporter } from '../../../src/cli/models/progress';
import { UsherError } from '../../../src/errors';
import { writeBundle } from '../../../src/bundles/write';
import { tinyBundle } from '../../bundles/tiny-model';

let models: string;
let out: string;
beforeEach(async () => {
  models = await mkdtemp(path.join(tmpdir(), 'usher-models-'));
  out = '';
  jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
});
afterEach(async () => {
  jest.restoreAllMocks();
  process.exitCode = undefined;
  await rm(models, { recursive: true, force: true });
});

const run = async (...args: string[]): Promise<void> => {
  await modelsCommand().parseAsync([...args, '--models-dir', models], { from: 'user' });
};

test('list --json: what is installed, what could be, and what is broken', async () => {
  await writeBundle(models, tinyBundle('tiny'));
  await mkdir(path.join(models, 'sore'));
  await writeFile(path.join(models, 'sore', 'card.json'), '{}');
  await run('list', '--json');
  const { models: listed } = JSON.parse(out) as {
    models: { name: string; installed: boolean; problem: string | null }[];
  };
  const of = (name: string) => listed.find((model) => model.name === name);
  expect(of('tiny')).toMatchObject({ installed: true, problem: null, about: { licence: { spdx: 'Apache-2.0' } } });
  expect(of('mbf')).toMatchObject({ installed: false, about: { set: 'recommended', licence: { spdx: 'MIT' } } });
  expect(of('sface')).toMatchObject({ installed: false, about: { set: null } });
  expect(of('sore')?.problem).toMatch(/task/);
});

test('list: a table with aligned columns', async () => {
  await writeBundle(models, tinyBundle('tiny'));
  await run('list');
  const lines = out.trimEnd().split('\n');
  expect(lines[0]).toMatch(/^name +here +set +task +version +licence +figure +origin$/);
  const column = lines[0]!.indexOf('licence');
  const row = (name: string) => lines.find((line) => line.startsWith(`${name} `))!;
  expect(row('tiny').slice(column)).toMatch(/^Apache-2.0/);
  expect(row('mbf').slice(column)).toMatch(/^MIT +fnmr_at_fmr_1e-4 0.99 % +github.com\/espressif/);
  expect(row('mbf')).toMatch(/^mbf +- +recommended/);
});

test('verify: all whole, then a damaged byte: named, exit code 1', async () => {
  await writeBundle(models, tinyBundle('tiny'));
  await writeBundle(models, tinyBundle('other'));
  await run('verify', '--json');
  expect(JSON.parse(out)).toMatchObject({ ok: true, models: [{ name: 'other' }, { name: 'tiny', ok: true }] });
  expect(process.exitCode).toBeUndefined();
  await appendFile(path.join(models, 'tiny', 'model.onnx'), 'x');
  out = '';
  await run('verify');
  expect(out).toMatch(/^other +ok\ntiny +BAD +.*sha256.*\n1 of 2 are bad\n$/);
  expect(process.exitCode).toBe(1);
  process.exitCode = undefined;
  out = '';
  await run('verify', 'other');
  expect(out).toMatch(/all 1 are valid/);
});

test('verify with nothing there says what to run', async () => {
  await expect(run('verify')).rejects.toMatchObject({ code: 'model-missing', remedy: 'Run: usher models ensure' });
});

test('pull from a folder without the files fails, and installs nothing', async () => {
  jest.spyOn(process.stderr, 'write').mockReturnValue(true);
  await expect(run('pull', 'mbf', '--from', models)).rejects.toMatchObject({ code: 'model-missing' });
});

test('ensure without the recommended set says what a door on the fallback is worth', () => {
  const error = new UsherError('download-failed', 'cannot fetch x: no network');
  const text = outcomeText('/m', {
    recommended: 'unavailable',
    fallback: 'installed',
    refusals: [{ source: 'the addresses of the catalog', error }],
  });
  expect(text).toMatch(/^WARNING: only the fallback face models/);
  for (const part of ['no network', '38 %', '3.6 %', '1.0 %', 'USHER_MODELS_MIRROR']) expect(text).toContain(part);
  expect(outcomeText('/m', { recommended: 'present', fallback: 'present', refusals: [] })).not.toMatch(/WARNING/);
  expect(outcomeText('/m', { recommended: 'present', fallback: 'unavailable', refusals: [] })).toMatch(
    /recommended face models are in \/m\. The fallback set is not.*\n.*Stills do: copy the folder tiny-yolo-face/,
  );
});

test('progress: one line a file in a log, a bar on a terminal', () => {
  const written = (isTTY: boolean): string[] => {
    const lines: string[] = [];
    const reporter = new ModelsReporter({ isTTY, write: (text: string) => lines.push(text) });
    reporter.onPull({ name: 'mbf', phase: 'fetching', received: 500_000, total: 1_000_000 });
    reporter.onPull({ name: 'mbf', phase: 'installed', received: 1_000_000, total: 1_000_000 });
    reporter.onBuild({ done: 1, total: 3, bundle: 'tiny' });
    reporter.end();
    return lines;
  };
  expect(written(false)).toEqual(['mbf: installed (1.0 MB)\n', 'tiny: built\n']);
  expect(written(true)[0]).toMatch(/50 % mbf, 1\.0 MB/);
  expect(written(true)).toContain('mbf: installed (1.0 MB)\n');
});
