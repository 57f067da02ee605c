import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { parseReleased } from '../../config/load/released';
import { messageOf, UsherError } from '../../errors';
import { readBundle, verifyBundle } from '../../inference/bundle';
import { CPU_ONE_THREAD } from '../../inference/model';
import { decode } from '../../mqtt/topics/decode';
import { RELEASE_LIMITS, type ReleaseDocument } from '../release';
import { ThresholdsFile, withThresholds } from '../thresholds-file';
import { TRANSFER_LIMITS } from '../transfer/limits';
import { isPlainName, packTar } from '../transfer/tar';
import { CARD_FILE, CONFIG_FILE, THRESHOLDS_FILE } from '../transfer/unpack';

/** The checked content of a release, and what its document says about it. */
export interface ReleaseContent {
  readonly kind: ReleaseDocument['kind'];
  readonly model: ReleaseDocument['model'];
  /** Version of the content itself; null if it has none (a configuration). */
  readonly version: string | null;
  /** Embedding space of an encoder. */
  readonly space: string | null;
  readonly tar: Buffer;
}

/**
 * Checks what is to be published as a box would: a bundle's folder (digests and golden vectors), `*.yaml` (settings) or
 * `*.json` (a threshold table for a model in `modelsDir`).
 * @throws UsherError `usage`, `model-invalid`, `config-invalid`, `data-invalid`, `file-unreadable`
 */
export async function readContent(source: string, modelsDir: string): Promise<ReleaseContent> {
  const kind = kindOf(source);
  const content =
    kind === 'bundle' ? await bundle(source) : kind === 'config' ? config(source) : await thresholds(source, modelsDir);
  if (content.tar.length > RELEASE_LIMITS.archiveBytes)
    throw new UsherError(
      'usage',
      `${source} makes an archive of ${content.tar.length} bytes, at most ${RELEASE_LIMITS.archiveBytes}`,
    );
  return content;
}

function kindOf(source: string): ReleaseDocument['kind'] {
  const found = read(source, () => statSync(source));
  if (found.isDirectory()) return 'bundle';
  if (/\.ya?ml$/.test(source)) return 'config';
  if (source.endsWith('.json')) return 'thresholds';
  throw new UsherError('usage', `${source} is no bundle's folder, no .yaml and no .json`);
}

async function bundle(dir: string): Promise<ReleaseContent> {
  const { card } = await verifyBundle(dir, CPU_ONE_THREAD);
  const names = [CARD_FILE, ...Object.keys(card.files)];
  const stray = readdirSync(dir).filter((name) => !names.includes(name));
  if (stray.length > 0)
    throw new UsherError('usage', `${dir} holds files that its card does not name: ${stray.join(', ')}`, {
      remedy: 'Remove them: a box takes no file that the card does not name.',
    });
  return {
    kind: 'bundle',
    model: { name: card.name, version: card.version, sha256: card.files[card.model] ?? '' },
    version: card.version,
    space: card.output.decoding === 'embedding' ? card.output.space : null,
    tar: pack(new Map(names.map((name) => [name, read(name, () => readFileSync(path.join(dir, name)))]))),
  };
}

function config(file: string): ReleaseContent {
  const bytes = read(file, () => readFileSync(file));
  parseReleased(bytes.toString('utf8'), file);
  return { kind: 'config', model: null, version: null, space: null, tar: pack(new Map([[CONFIG_FILE, bytes]])) };
}

const FORMAT =
  'It is JSON like {"v":1,"model":{"name":"mbf","version":"1.0.0","sha256":"…"},"output":{"thresholds":[{"fmr":0.0001,"distance":1.19,"fnmr":null,"measuredOn":"…"}]}}. ' +
  '`usher models thresholds NAME` prints the present table of a bundle in this form.';

async function thresholds(file: string, modelsDir: string): Promise<ReleaseContent> {
  const bytes = read(file, () => readFileSync(file));
  const table = decode(ThresholdsFile, bytes, TRANSFER_LIMITS.cardBytes);
  if (!table.ok)
    throw new UsherError('data-invalid', `${file} is not a table of thresholds: ${table.detail}`, { remedy: FORMAT });
  const { model } = table.value;
  const { card } = await readBundle(path.join(modelsDir, model.name));
  withThresholds(card, table.value);
  return {
    kind: 'thresholds',
    model,
    version: null,
    space: null,
    tar: pack(new Map([[THRESHOLDS_FILE, bytes]])),
  };
}

function pack(files: ReadonlyMap<string, Uint8Array>): Buffer {
  const strange = [...files.keys()].filter((name) => !isPlainName(name));
  if (strange.length > 0 || files.size > RELEASE_LIMITS.files)
    throw new UsherError(
      'usage',
      `a release holds at most ${RELEASE_LIMITS.files} files with plain names: ${strange.join(', ')}`,
    );
  return packTar(files);
}

function read<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new UsherError('file-unreadable', `${file}: ${messageOf(error)}`, { cause: error });
  }
}
