import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { messageOf, systemCode, UsherError } from '../errors';
import { CARD_SCHEMA_VERSION, CardSchema, type Card, type Companions, type StatePair } from '../inference/card';
import { CPU_ONE_THREAD, type Tensor, type Tensors } from '../inference/model';
import { loadOnnx } from '../inference/onnx';
import { syncFolder, writeDurably } from '../files/durable-file';
import { giveToFolderOwner, makeFolder } from '../files/owner';
import { sha256Hex } from '../digest';

/** What the maker of a bundle says of it; the rest of the card follows from the bytes. */
export type CardDraft = Omit<Card, 'schema' | 'model' | 'files' | 'golden'>;

interface NewNetwork {
  readonly modelBytes: Uint8Array;
  /** The recurrent states that go in with the golden input, by name. */
  readonly goldenStates?: Tensors;
}

export interface NewBundle extends NewNetwork {
  readonly card: CardDraft;
  /** Input to remember with its output: later loads must reproduce it. Float32, any fitting size. */
  readonly goldenInput: Tensor;
  /** Beside a trigger word's own network. */
  readonly companions?: {
    readonly rules: Omit<Companions, 'networks'>;
    readonly networks: readonly (NewNetwork & { readonly states: readonly StatePair[] })[];
  };
  /** Further files of the bundle by name; the card holds their digests. */
  readonly moreFiles?: Readonly<Record<string, Uint8Array>>;
  /** Largest absolute difference of a golden output that another CPU may show; default 1e-3. */
  readonly tolerance?: number;
}

const MODEL_FILE = 'model.onnx';
const CARD_FILE = 'card.json';
const GOLDEN_INPUT = 'golden-input.f32';
const DEFAULT_TOLERANCE = 1e-3;
/** A staging folder that has not changed for this long belongs to a writer that died. */
const STALE_STAGING_MS = 3_600_000;

/**
 * Writes `modelsDir/<card.name>/` with model, card and golden vectors, and returns that folder. The model is run once,
 * so that a model that does not load or run is never installed. Everything is written to a temporary folder, flushed,
 * and moved into place at the end, so that a reader sees the old bundle or the new one; on an error the old one stays.
 * @throws UsherError `model-invalid` (does not load or run, card breaks the schema), `file-unreadable` (cannot be
 * written)
 */
export async function writeBundle(modelsDir: string, bundle: NewBundle): Promise<string> {
  const files = await bundleFiles(bundle);
  const target = path.join(modelsDir, bundle.card.name);
  const staging = path.join(modelsDir, `.${bundle.card.name}.${randomBytes(6).toString('hex')}.new`);
  try {
    makeFolder(modelsDir, 0o777);
    await sweepStaging(modelsDir, bundle.card.name);
    await mkdir(staging);
    giveToFolderOwner(staging);
    for (const [name, bytes] of files) writeDurably(path.join(staging, name), bytes, 'public');
    await moveIntoPlace(staging, target);
    syncFolder(modelsDir);
  } catch (error) {
    await rm(staging, { recursive: true, force: true }).catch(() => undefined);
    throw new UsherError('file-unreadable', `cannot write model bundle ${target}: ${messageOf(error)}`, {
      remedy: 'Check free disk space and that this user may write to the models folder.',
      cause: error,
    });
  }
  return target;
}

async function bundleFiles(bundle: NewBundle): Promise<Map<string, Uint8Array>> {
  const { companions } = bundle;
  const files = new Map<string, Uint8Array>([
    [MODEL_FILE, bundle.modelBytes],
    [GOLDEN_INPUT, floatBytes(bundle.goldenInput, `golden input of ${bundle.card.name}`)],
    ...Object.entries(bundle.moreFiles ?? {}),
  ]);
  const golden = await addGolden(files, bundle, bundle, 'golden');
  let { output } = bundle.card;
  if (companions !== undefined && output.decoding === 'wake-word') {
    const networks = [];
    for (const [index, network] of companions.networks.entries()) {
      const model = `companion-${index}.onnx`;
      files.set(model, network.modelBytes);
      const vectors = await addGolden(files, bundle, network, `companion-${index}-golden`);
      networks.push({ model, states: [...network.states], golden: vectors });
    }
    output = { ...output, companions: { ...companions.rules, networks } };
  }
  const card = CardSchema.safeParse({
    schema: CARD_SCHEMA_VERSION,
    ...bundle.card,
    output,
    model: MODEL_FILE,
    files: Object.fromEntries([...files].map(([name, bytes]) => [name, sha256Hex(bytes)])),
    golden,
  });
  if (!card.success)
    throw new UsherError('model-invalid', `the card of ${bundle.card.name} breaks its schema: ${card.error.message}`);
  return files.set(CARD_FILE, Buffer.from(`${JSON.stringify(card.data, null, 2)}\n`));
}

/** Runs one network and adds the files of its golden vectors. @returns what the card says of them */
async function addGolden(
  files: Map<string, Uint8Array>,
  { card, goldenInput, tolerance }: NewBundle,
  network: NewNetwork,
  prefix: string,
): Promise<Card['golden']> {
  const add = (kind: string, tensors: Tensors) =>
    Object.entries(tensors).map(([name, tensor], index) => {
      const file = `${prefix}-${kind}-${index}.f32`;
      files.set(file, floatBytes(tensor, `${kind} ${name} of ${card.name}`));
      return { name, file, dims: [...tensor.dims] };
    });
  const states = add('state', network.goldenStates ?? {});
  return {
    input: GOLDEN_INPUT,
    inputDims: [...goldenInput.dims],
    ...(states.length > 0 && { states }),
    outputs: add('output', await runOnce(card, network, goldenInput)),
    tolerance: tolerance ?? DEFAULT_TOLERANCE,
  };
}

async function runOnce(card: CardDraft, { modelBytes, goldenStates }: NewNetwork, input: Tensor): Promise<Tensors> {
  const model = await loadOnnx(modelBytes, CPU_ONE_THREAD);
  try {
    return await model.run({ [card.input.name]: input, ...goldenStates });
  } catch (error) {
    throw new UsherError('model-invalid', `model ${card.name} loads but does not run: ${messageOf(error)}`, {
      cause: error,
    });
  } finally {
    await model.dispose();
  }
}

function floatBytes(tensor: Tensor, what: string): Uint8Array {
  if (!(tensor.data instanceof Float32Array))
    throw new UsherError('model-invalid', `${what} is not float32; golden vectors are`);
  // A copy: outputs belong to the model only until its next run.
  return Uint8Array.from(new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength));
}

/** POSIX cannot swap two folders: the old one steps aside for the instant of one rename, and comes back if that fails. */
async function moveIntoPlace(staging: string, target: string): Promise<void> {
  const aside = staging.replace(/\.new$/, '.old');
  const hadOld = await renameIfThere(target, aside);
  try {
    await rename(staging, target);
  } catch (error) {
    if (hadOld) await rename(aside, target);
    throw error;
  }
  if (hadOld) await rm(aside, { recursive: true, force: true });
}

async function renameIfThere(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}

async function sweepStaging(modelsDir: string, name: string): Promise<void> {
  const staged = new RegExp(`^\\.${name.replaceAll('.', '\\.')}\\.[0-9a-f]{12}\\.(new|old)$`);
  for (const entry of await readdir(modelsDir)) {
    if (!staged.test(entry)) continue;
    const folder = path.join(modelsDir, entry);
    const changed = await stat(folder).catch(() => null);
    if (changed !== null && Date.now() - changed.mtimeMs > STALE_STAGING_MS)
      await rm(folder, { recursive: true, force: true });
  }
}
