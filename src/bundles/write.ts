import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { messageOf, systemCode, UsherError } from '../errors';
import { CARD_SCHEMA_VERSION, CardSchema, type Card } from '../inference/card';
import { CPU_ONE_THREAD, type Tensor, type Tensors } from '../inference/model';
import { loadOnnx } from '../inference/onnx';

/** What the maker of a bundle says of it; the rest of the card follows from the bytes. */
export type CardDraft = Omit<Card, 'schema' | 'model' | 'files' | 'golden'>;

export interface NewBundle {
  readonly card: CardDraft;
  readonly modelBytes: Uint8Array;
  /** Input to remember with its output: later loads must reproduce it. Float32, any fitting size. */
  readonly goldenInput: Tensor;
  /** The recurrent states that go in with it, by name. */
  readonly goldenStates?: Tensors;
  /** Further files that the card names, by name. */
  readonly extraFiles?: Readonly<Record<string, Uint8Array>>;
  /** Further files of the bundle by name; the card holds their digests. */
  readonly moreFiles?: Readonly<Record<string, Uint8Array>>;
  /** Largest absolute difference of a golden output that another CPU may show; default 1e-3. */
  readonly tolerance?: number;
}

const MODEL_FILE = 'model.onnx';
const CARD_FILE = 'card.json';
const DEFAULT_TOLERANCE = 1e-3;
/** A staging folder that has not changed for this long belongs to a writer that died. */
const STALE_STAGING_MS = 3_600_000;

/**
 * Writes `modelsDir/<card.name>/` with model, card and golden vectors, and returns that folder. The model is run once: one that
 * does not load or run is never installed. Everything is written beside, flushed, and moved into place at the end, so that a
 * reader sees the old bundle or the new one; on an error the old one stays.
 * @throws UsherError model-invalid (does not load or run, card breaks the schema), file-unreadable (cannot be written).
 */
export async function writeBundle(modelsDir: string, bundle: NewBundle): Promise<string> {
  const files = await bundleFiles(bundle);
  const target = path.join(modelsDir, bundle.card.name);
  const staging = path.join(modelsDir, `.${bundle.card.name}.${randomBytes(6).toString('hex')}.new`);
  try {
    await mkdir(modelsDir, { recursive: true });
    await sweepStaging(modelsDir, bundle.card.name);
    await mkdir(staging);
    for (const [name, bytes] of files) await writeDurably(path.join(staging, name), bytes);
    await syncFolder(staging);
    await moveIntoPlace(staging, target);
    await syncFolder(modelsDir);
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
  const outputs = await runOnce(bundle);
  const files = new Map<string, Uint8Array>([
    [MODEL_FILE, bundle.modelBytes],
    ...Object.entries(bundle.extraFiles ?? {}),
  ]);
  files.set('golden-input.f32', floatBytes(bundle.goldenInput, `golden input of ${bundle.card.name}`));
  const states = Object.entries(bundle.goldenStates ?? {}).map(([name, tensor], index) => {
    const file = `golden-state-${index}.f32`;
    files.set(file, floatBytes(tensor, `golden state ${name} of ${bundle.card.name}`));
    return { name, file, dims: [...tensor.dims] };
  });
  for (const [name, bytes] of Object.entries(bundle.moreFiles ?? {})) files.set(name, bytes);
  const golden = Object.entries(outputs).map(([name, tensor], index) => {
    const file = `golden-output-${index}.f32`;
    files.set(file, floatBytes(tensor, `output ${name} of ${bundle.card.name}`));
    return { name, file, dims: [...tensor.dims] };
  });
  const card = CardSchema.safeParse({
    schema: CARD_SCHEMA_VERSION,
    ...bundle.card,
    model: MODEL_FILE,
    files: Object.fromEntries([...files].map(([name, bytes]) => [name, sha256(bytes)])),
    golden: {
      input: 'golden-input.f32',
      inputDims: [...bundle.goldenInput.dims],
      ...(states.length > 0 && { states }),
      outputs: golden,
      tolerance: bundle.tolerance ?? DEFAULT_TOLERANCE,
    },
  });
  if (!card.success)
    throw new UsherError('model-invalid', `the card of ${bundle.card.name} breaks its schema: ${card.error.message}`);
  return files.set(CARD_FILE, Buffer.from(`${JSON.stringify(card.data, null, 2)}\n`));
}

async function runOnce({ card, modelBytes, goldenInput, goldenStates }: NewBundle): Promise<Tensors> {
  const model = await loadOnnx(modelBytes, CPU_ONE_THREAD);
  try {
    return await model.run({ [card.input.name]: goldenInput, ...goldenStates });
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

async function writeDurably(file: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, 'wx');
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
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

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
