import { mkdir, mkdtemp, readFile, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { writeBundle } from '../../src/bundles/write';
import type { UsherError } from '../../src/errors';
import { listBundles, openBundle, readBundle, readCard } from '../../src/inference/bundle';
import { CPU_ONE_THREAD } from '../../src/inference/model';
import { tinyBundle, tinyInput, tinyModel } from '../bundles/tiny-model';
import { sha256Hex } from '../../src/digest';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Path = readonly (string | number)[];

let models: string;
let dir: string;
beforeEach(async () => {
  models = await mkdtemp(path.join(tmpdir(), 'usher-bundle-'));
  dir = await writeBundle(models, tinyBundle('tiny'));
});
afterEach(() => rm(models, { recursive: true }));

const cardFile = () => path.join(dir, 'card.json');
const cardJson = async () => JSON.parse(await readFile(cardFile(), 'utf8')) as Record<string, Json>;
const writeCard = (card: unknown) => writeFile(cardFile(), JSON.stringify(card));
/** Puts a file in place with its digest on the card, as someone would who has made the whole bundle. */
const forge = async (
  name: string,
  bytes: Uint8Array,
  change: (card: Record<string, Json>) => void = () => undefined,
) => {
  await writeFile(path.join(dir, name), bytes);
  const card = await cardJson();
  (card['files'] as Record<string, Json>)[name] = sha256Hex(bytes);
  change(card);
  await writeCard(card);
};
const refusal = (work: Promise<unknown>): Promise<UsherError> =>
  work.then(
    () => {
      throw new Error('it was accepted');
    },
    (error: unknown) => error as UsherError,
  );

/** Every place of the card, objects and lists included. */
function places(value: Json, at: Path = []): Path[] {
  if (value === null || typeof value !== 'object') return [at];
  const entries: [string | number, Json][] = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return [...(at.length === 0 ? [] : [at]), ...entries.flatMap(([key, child]) => places(child, [...at, key]))];
}

function changed(card: Record<string, Json>, at: Path, change: (parent: Record<string, Json>, key: string) => void) {
  const copy = structuredClone(card);
  let parent: Json = copy;
  for (const key of at.slice(0, -1)) parent = (parent as Record<string, Json>)[key]!;
  change(parent as Record<string, Json>, String(at.at(-1)));
  return copy;
}

describe('a hostile card', () => {
  test('every place of it holds something else: refused, with the place and the remedy', async () => {
    const card = await cardJson();
    const all = places(card);
    expect(all.length).toBeGreaterThan(60);
    for (const at of all) {
      await writeCard(changed(card, at, (parent, key) => (parent[key] = { wrong: [] })));
      const error = await refusal(readCard(dir));
      expect(error).toMatchObject({ code: 'model-invalid', remedy: expect.stringContaining('usher models') as string });
      // The digests' keys are file names, and the two unions are refused as a whole.
      const named = at.slice(0, at[0] === 'output' || at[0] === 'alignment' ? 1 : 2).join('.');
      expect(error.message).toContain(named);
    }
  });

  test('any key is missing, or one too many: refused', async () => {
    const card = await cardJson();
    for (const at of places(card).filter((place) => typeof place.at(-1) === 'string')) {
      await writeCard(changed(card, at, (parent, key) => Reflect.deleteProperty(parent, key)));
      const named = at.join('.');
      if (named === 'input.multiple') await expect(readCard(dir)).resolves.toMatchObject({ input: { multiple: 1 } });
      else if (at[0] === 'files') expect((await refusal(readBundle(dir))).code).toBe('model-invalid');
      else expect(await refusal(readCard(dir))).toMatchObject({ code: 'model-invalid' });
    }
    for (const at of [['extra'], ['licence', 'extra'], ['golden', 'extra'], ['output', 'extra'], ['input', 'extra']]) {
      await writeCard(changed(card, at, (parent, key) => (parent[key] = 1)));
      expect((await refusal(readCard(dir))).message).toContain('extra');
    }
  });

  test.each<[string, Path, Json]>([
    ['a newer schema', ['schema'], 2],
    ['a way out of the folder', ['model'], '../../etc/passwd'],
    ['an absolute path', ['model'], '/etc/passwd'],
    ['a hidden file', ['golden', 'input'], '.hidden'],
    ['a folder and file', ['golden', 'input'], 'a/b'],
    ['a path on Windows', ['golden', 'input'], 'a\\b'],
    ['a name of 4,000 letters', ['model'], 'm'.repeat(4000)],
    ['a zero byte', ['model'], 'model.onnx\0'],
    ['digests in upper case', ['files', 'model.onnx'], 'A'.repeat(64)],
    ['half a digest', ['files', 'model.onnx'], 'a'.repeat(32)],
    ['a network size below zero', ['input', 'width'], -1],
    ['half a pixel', ['input', 'width'], 0.5],
    ['a division by zero for every pixel', ['input', 'scale'], [1, 0, 1]],
    ['no thresholds', ['output', 'thresholds'], []],
    ['a threshold below zero', ['output', 'thresholds', 0, 'distance'], -1],
    ['a false-match rate of one', ['output', 'thresholds', 0, 'fmr'], 1],
    ['a tolerance of zero', ['golden', 'tolerance'], 0],
    ['a tolerance that nothing exceeds', ['golden', 'tolerance'], 'Infinity'],
    ['no golden output', ['golden', 'outputs'], []],
    ['a golden size below zero', ['golden', 'inputDims'], [-1, 3]],
    ['a name that is a path', ['name'], '../tiny'],
    ['a space that is none', ['output', 'space'], 'a b'],
    ['a task of the future', ['task'], 'iris-encoding'],
  ])('%s: refused', async (_what, at, value) => {
    await writeCard(changed(await cardJson(), at, (parent, key) => (parent[key] = value)));
    expect(await refusal(readCard(dir))).toMatchObject({ code: 'model-invalid' });
  });

  test.each(['', '{', 'null', '[]', '"card"', '{"schema":1e999}', '\0'.repeat(100)])('%j: refused', async (text) => {
    await writeFile(cardFile(), text);
    expect(await refusal(readCard(dir))).toMatchObject({ code: 'model-invalid' });
  });

  test('a file whose name every object has still needs its digest', async () => {
    await writeFile(path.join(dir, 'constructor'), await readFile(path.join(dir, 'golden-input.f32')));
    const card = await cardJson();
    (card['golden'] as Record<string, Json>)['input'] = 'constructor';
    await writeCard(card);
    expect((await refusal(readBundle(dir))).message).toMatch(/names constructor but has no digest/);
  });
});

describe('spoilt files', () => {
  test.each(['model.onnx', 'golden-input.f32', 'golden-output-0.f32'])('%s with one bit turned over', async (name) => {
    const bytes = await readFile(path.join(dir, name));
    bytes[bytes.length >> 1]! ^= 1;
    await writeFile(path.join(dir, name), bytes);
    const error = await refusal(openBundle(dir, CPU_ONE_THREAD));
    expect(error.code).toBe('model-invalid');
    expect(error.message).toMatch(new RegExp(`${name} has sha256 [0-9a-f]{64}, the card says [0-9a-f]{64}$`));
  });

  test.each(['model.onnx', 'golden-input.f32', 'golden-output-0.f32'])(
    '%s missing, cut off, or a folder',
    async (name) => {
      const file = path.join(dir, name);
      await writeFile(file, (await readFile(file)).subarray(1));
      expect((await refusal(openBundle(dir, CPU_ONE_THREAD))).message).toContain(name);
      await unlink(file);
      expect(await refusal(openBundle(dir, CPU_ONE_THREAD))).toMatchObject({ code: 'model-invalid' });
      await mkdir(file);
      expect((await refusal(openBundle(dir, CPU_ONE_THREAD))).message).toContain(name);
    },
  );

  test('no card, no folder: missing rather than broken', async () => {
    await unlink(cardFile());
    expect(await refusal(openBundle(dir, CPU_ONE_THREAD))).toMatchObject({ code: 'model-missing' });
    expect(await refusal(readCard(path.join(models, 'nobody')))).toMatchObject({ code: 'model-missing' });
  });
});

describe('golden vectors', () => {
  const floats = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);

  test('another network with its right digest is found out', async () => {
    await forge('model.onnx', tinyModel(2.5));
    const error = await refusal(openBundle(dir, CPU_ONE_THREAD));
    expect(error.message).toMatch(/output "y" differs from the golden vector by 1\.5 .* on cpu$/);
    expect(error.remedy).toContain('"cpu"');
  });

  test.each([
    ['first', [NaN, -4, 6]],
    ['last', [2, -4, NaN]],
    ['infinite', [2, Infinity, 6]],
  ])('a value that is no number (%s) is no match', async (_where, values) => {
    await forge('golden-output-0.f32', floats(...values));
    expect((await refusal(openBundle(dir, CPU_ONE_THREAD))).message).toMatch(/differs from the golden vector/);
  });

  test('a network that gives NaN matches nothing, itself included', async () => {
    const sick = await writeBundle(models, { ...tinyBundle('sick'), modelBytes: tinyModel(NaN) });
    expect(await refusal(openBundle(sick, CPU_ONE_THREAD))).toMatchObject({ code: 'model-invalid' });
  });

  test.each<[string, (golden: Record<string, Json>) => void]>([
    ['sizes that do not fit the file', (golden) => (golden['inputDims'] = [1, 3, 1, 2])],
    ['sizes that no memory holds', (golden) => (golden['inputDims'] = [1e6, 1e6, 1e6])],
    [
      'an output that the network has not',
      (golden) => ((golden['outputs'] as Record<string, Json>[])[0]!['name'] = 'z'),
    ],
  ])('%s: refused', async (_what, change) => {
    await forge('golden-input.f32', floats(...tinyInput.data), (card) =>
      change(card['golden'] as Record<string, Json>),
    );
    expect(await refusal(openBundle(dir, CPU_ONE_THREAD))).toMatchObject({ code: 'model-invalid' });
  });
});

test('a folder of bundles: in order, without hidden ones, files and folders that are none', async () => {
  await writeBundle(models, tinyBundle('another'));
  await mkdir(path.join(models, '.half.new'));
  await writeFile(path.join(models, '.half.new', 'card.json'), '{}');
  await mkdir(path.join(models, 'no-bundle'));
  await writeFile(path.join(models, 'README.md'), '');
  await symlink(path.join(models, 'nowhere'), path.join(models, 'dangling'));
  expect(await listBundles(models)).toEqual([path.join(models, 'another'), path.join(models, 'tiny')]);
  expect(await listBundles(path.join(models, 'nowhere'))).toEqual([]);
});
