import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { noSuch } from '../nearest-word';
import { messageOf, systemCode, UsherError } from '../errors';
import { type Card, CardSchema, neededFiles, networksOf } from './card';
import { type ExecutionOptions, type Model, type Tensor } from './model';
import { loadOnnx } from './onnx';
import { sha256Hex } from '../digest';

/** A bundle on disk. Its card was read, and its files have the digests of the card. */
export interface Bundle {
  readonly dir: string;
  readonly card: Card;
  readonly modelFile: string;
}

export const CARD_FILE = 'card.json';
const REMEDY = 'Fetch or build it again: usher models ensure';

/** The folder of every bundle under `modelsDir`, by name. Hidden and half-written folders are skipped. */
export async function listBundles(modelsDir: string): Promise<string[]> {
  const found: string[] = [];
  const entries = await readdir(modelsDir, { withFileTypes: true }).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return [];
    throw new UsherError('file-unreadable', `${modelsDir}: ${messageOf(error)}`, { cause: error });
  });
  for (const entry of entries) {
    if (!entry.isDirectory() || entry.name.startsWith('.')) continue;
    const files = await readdir(join(modelsDir, entry.name));
    if (files.includes(CARD_FILE)) found.push(join(modelsDir, entry.name));
  }
  return found.sort();
}

/**
 * Reads only the card, without the files that it names.
 * @throws UsherError `model-missing` (no such folder or card) or `model-invalid` (names every bad key)
 */
export async function readCard(dir: string): Promise<Card> {
  const file = join(dir, CARD_FILE);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') throw await missing(dir, error);
    throw new UsherError('file-unreadable', `${file}: ${messageOf(error)}`, { cause: error, remedy: REMEDY });
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new UsherError('model-invalid', `${file} is not JSON: ${messageOf(error)}`, { remedy: REMEDY });
  }
  const result = CardSchema.safeParse(parsed);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `${issue.path.join('.') || '(top)'}: ${issue.message}`);
  throw new UsherError('model-invalid', `${file}: ${problems.join('; ')}`, { remedy: REMEDY });
}

/** A misspelt name is more likely than a lost bundle, and fetching models would not help. */
async function missing(dir: string, cause: unknown): Promise<UsherError> {
  const known = (await listBundles(dirname(dir))).map((one) => basename(one));
  return new UsherError('model-missing', `${dir}: ${noSuch('model', basename(dir), known)}`, {
    cause,
    remedy: 'Correct the name in the configuration or command, or fetch the bundle: usher models ensure',
  });
}

/**
 * Reads a bundle and checks the digest of every file.
 * @throws UsherError `model-missing` or `model-invalid`
 */
export async function readBundle(dir: string): Promise<Bundle> {
  const card = await readCard(dir);
  for (const name of neededFiles(card))
    // Only own keys: `constructor` exists in every object and would pass without a digest.
    if (!Object.hasOwn(card.files, name))
      throw new UsherError('model-invalid', `${dir}: the card names ${name} but has no digest for it`, {
        remedy: REMEDY,
      });
  for (const [name, digest] of Object.entries(card.files)) {
    const bytes = await readBundleFile(dir, name);
    const actual = sha256Hex(bytes);
    if (actual !== digest)
      throw new UsherError('model-invalid', `${join(dir, name)} has sha256 ${actual}, the card says ${digest}`, {
        remedy: REMEDY,
      });
  }
  return { dir, card, modelFile: join(dir, card.model) };
}

async function readBundleFile(dir: string, name: string): Promise<Buffer> {
  try {
    return await readFile(join(dir, name));
  } catch (error) {
    throw new UsherError('model-invalid', `${join(dir, name)}: ${messageOf(error)}`, { cause: error, remedy: REMEDY });
  }
}

/** A golden vector: raw little-endian float32. */
async function readGolden(dir: string, name: string, dims: readonly number[]): Promise<Tensor<Float32Array>> {
  const bytes = await readBundleFile(dir, name);
  const length = dims.reduce((product, dim) => product * dim, 1);
  if (bytes.byteLength !== length * 4)
    throw new UsherError(
      'model-invalid',
      `${join(dir, name)} holds ${bytes.byteLength} bytes, expected ${length * 4}`,
      {
        remedy: REMEDY,
      },
    );
  const data = new Float32Array(length);
  for (let i = 0; i < length; i++) data[i] = bytes.readFloatLE(i * 4);
  return { data, dims };
}

/**
 * Opens a bundle for use: checks digests, loads the network, and runs the golden vectors, which it must reproduce
 * within the card's tolerance on this machine's execution provider.
 * @returns `companions`: the further networks of a trigger word; empty for other bundles
 * @throws UsherError `model-missing` or `model-invalid`
 */
export async function openBundle(
  dir: string,
  execution: ExecutionOptions,
): Promise<{ bundle: Bundle; model: Model; companions: readonly Model[] }> {
  const bundle = await readBundle(dir);
  const models: Model[] = [];
  try {
    for (const network of networksOf(bundle.card)) {
      const model = await loadOnnx(join(dir, network.model), execution);
      models.push(model);
      await checkGolden(bundle, network.golden, model);
    }
  } catch (error) {
    await Promise.all(models.map((model) => model.dispose()));
    throw error;
  }
  const [model, ...companions] = models as [Model, ...Model[]];
  return { bundle, model, companions };
}

/** Opens a bundle as a load does, and closes it again. @throws UsherError as `openBundle` does */
export async function verifyBundle(dir: string, execution: ExecutionOptions): Promise<Bundle> {
  const { bundle, model, companions } = await openBundle(dir, execution);
  await Promise.all([model, ...companions].map((one) => one.dispose()));
  return bundle;
}

async function checkGolden({ dir, card }: Bundle, golden: Card['golden'], model: Model): Promise<void> {
  const input = await readGolden(dir, golden.input, golden.inputDims);
  const inputs: Record<string, Tensor> = { [card.input.name]: input };
  for (const { name, file, dims } of golden.states ?? []) inputs[name] = await readGolden(dir, file, dims);
  const outputs = await model.run(inputs);
  for (const expected of golden.outputs) {
    const reference = await readGolden(dir, expected.file, expected.dims);
    const actual = outputs[expected.name];
    if (actual?.data.length !== reference.data.length)
      throw new UsherError('model-invalid', `${dir}: output "${expected.name}" is missing or has another size`, {
        remedy: REMEDY,
      });
    const worst = largestDifference(reference.data, actual.data as Float32Array);
    // Written so that a NaN fails too.
    if (!(worst <= golden.tolerance))
      throw new UsherError(
        'model-invalid',
        `${dir}: output "${expected.name}" differs from the golden vector by ${worst} (${golden.tolerance} allowed) on ${model.provider}`,
        { remedy: 'The execution provider computes another result than the one in the card; try "cpu"' },
      );
  }
}

/** NaN if any value is NaN. */
function largestDifference(a: Float32Array, b: Float32Array): number {
  let worst = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs((a[i] as number) - (b[i] as number));
    if (Number.isNaN(difference)) return NaN;
    if (difference > worst) worst = difference;
  }
  return worst;
}
