import path from 'node:path';
import { readFile } from 'node:fs/promises';
import { messageOf, systemCode, UsherError } from '../../errors';
import { sha256Hex } from '../../digest';
import { z } from 'zod';

/** One weight file pair of the package, with the sha256 of the bytes that the cards' figures were measured on. */
export interface WeightFiles {
  readonly name: string;
  readonly manifestSha256: string;
  readonly weightsSha256: string;
}

/** The tensors of one network by name, in the order and layout (HWIO) of the file. */
export class WeightSet {
  constructor(
    private readonly source: string,
    private readonly tensors: ReadonlyMap<string, { readonly dims: readonly number[]; readonly data: Float32Array }>,
  ) {}

  /** @throws UsherError model-invalid when the file has no tensor of that name and shape. */
  take(name: string, dims: readonly number[]): Float32Array {
    const tensor = this.tensors.get(name);
    if (tensor === undefined || tensor.dims.join() !== dims.join())
      throw new UsherError(
        'model-invalid',
        `${this.source}: ${name} should be [${dims.join(', ')}], is ${tensor === undefined ? 'absent' : `[${tensor.dims.join(', ')}]`}`,
        { remedy: REMEDY },
      );
    return tensor.data;
  }
}

const REMEDY = 'Install the package @vladmandic/face-api again in the version that package.json names: npm ci';

/**
 * Reads `<name>-weights_manifest.json` and `<name>.bin`, checks them against their digests and decodes them.
 * @throws UsherError model-missing (no such file), file-unreadable, model-invalid (other bytes than the pinned ones).
 */
export async function readWeights(weightsDir: string, files: WeightFiles): Promise<WeightSet> {
  const manifestFile = path.join(weightsDir, `${files.name}-weights_manifest.json`);
  const weightsFile = path.join(weightsDir, `${files.name}.bin`);
  const manifest = await readPinned(manifestFile, files.manifestSha256);
  const bytes = await readPinned(weightsFile, files.weightsSha256);
  return new WeightSet(
    weightsFile,
    decodeWeights(parseManifest(manifest.toString('utf8'), manifestFile), bytes, weightsFile),
  );
}

async function readPinned(file: string, sha256: string): Promise<Buffer> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    const missing = systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR';
    throw new UsherError(
      missing ? 'model-missing' : 'file-unreadable',
      `weight file ${file} ${missing ? 'does not exist' : `cannot be read: ${messageOf(error)}`}`,
      { remedy: REMEDY, cause: error },
    );
  }
  const actual = sha256Hex(bytes);
  if (actual !== sha256)
    throw new UsherError(
      'model-invalid',
      `weight file ${file} is damaged or of another version: ${bytes.length} bytes with sha256 ${actual}, expected ${sha256}`,
      { remedy: REMEDY },
    );
  return bytes;
}

/**
 * The tensors of a tfjs weight file: laid one after the other, float32, or uint8 with value = byte × scale + min.
 * @throws UsherError model-invalid when the file is longer or shorter than its manifest says.
 */
export function decodeWeights(
  entries: readonly WeightEntry[],
  bytes: Uint8Array,
  file: string,
): Map<string, { dims: readonly number[]; data: Float32Array }> {
  const lengths = entries.map(({ shape }) => shape.reduce((product, dim) => product * dim, 1));
  const expected = entries.reduce((sum, entry, i) => sum + (lengths[i] ?? 0) * (entry.quantization ? 1 : 4), 0);
  if (bytes.length !== expected)
    throw new UsherError('model-invalid', `${file} holds ${bytes.length} bytes, its manifest says ${expected}`, {
      remedy: REMEDY,
    });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tensors = new Map<string, { dims: readonly number[]; data: Float32Array }>();
  let offset = 0;
  entries.forEach(({ name, shape, quantization }, index) => {
    const data = new Float32Array(lengths[index] ?? 0);
    for (let i = 0; i < data.length; i++)
      data[i] = quantization
        ? view.getUint8(offset + i) * quantization.scale + quantization.min
        : view.getFloat32(offset + i * 4, true);
    offset += data.length * (quantization ? 1 : 4);
    tensors.set(name, { dims: shape, data });
  });
  return tensors;
}

/** One tensor as a tfjs `weights_manifest.json` describes it (tfjs-core, io/types.ts `WeightsManifestEntry`). */
const Entry = z.object({
  name: z.string().min(1),
  shape: z.array(z.number().int().positive()).min(1),
  dtype: z.literal('float32'),
  quantization: z.object({ dtype: z.literal('uint8'), scale: z.number(), min: z.number() }).optional(),
});
export type WeightEntry = z.infer<typeof Entry>;

const Manifest = z.tuple([z.object({ paths: z.tuple([z.string()]), weights: z.array(Entry).min(1) })]);

/**
 * The entries of a manifest with one group and one file, which is how this package ships its networks.
 * @throws UsherError model-invalid, naming `file` and the first bad keys.
 */
export function parseManifest(text: string, file: string): readonly WeightEntry[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new UsherError('model-invalid', `${file} is not JSON: ${messageOf(error)}`, { cause: error });
  }
  const result = Manifest.safeParse(parsed);
  if (result.success) return result.data[0].weights;
  const problems = result.error.issues
    .slice(0, 20)
    .map((issue) => `${issue.path.join('.') || '(top)'}: ${issue.message}`);
  throw new UsherError('model-invalid', `${file}: ${problems.join('; ')}`);
}
