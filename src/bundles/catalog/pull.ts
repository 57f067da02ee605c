import { open, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { messageOf, systemCode, UsherError } from '../../errors';
import { readBundle } from '../../inference/bundle';
import { CATALOG, catalogEntry, type CatalogEntry } from './catalog';
import { download, wrongBytes } from '../download/download';
import type { Fetch } from '../../system/http-request';
import { installEntry } from './install';
import { PartFile } from '../download/part-file';
import { PULL_LIMITS, type PullLimits } from '../download/pull-limits';
import { sha256Hex } from '../../digest';

export interface PullOptions {
  readonly modelsDir: string;
  /** A folder, or the http(s) address of one, that holds the files by name; undefined: the catalog's own addresses. */
  readonly from?: string | undefined;
  /** Entries by name; undefined or empty: the whole recommended set. */
  readonly names?: readonly string[] | undefined;
  readonly onProgress?: ((progress: PullProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly limits?: PullLimits;
  readonly fetch?: Fetch;
  readonly random?: () => number;
  readonly catalog?: readonly CatalogEntry[];
}

export interface PullProgress {
  readonly name: string;
  /** present: already there and whole. */
  readonly phase: 'present' | 'fetching' | 'installing' | 'installed';
  readonly received: number;
  readonly total: number;
}

/** Cache of downloads on their way, within the models folder; empty and removed when all is well. */
const CACHE = '.download';

/**
 * Fetches, verifies and installs bundles of the catalog; those that are there and whole are passed over. Stops at the first
 * that cannot be had: what was installed before stays, what was half fetched is continued next time.
 * @throws UsherError usage (unknown name), model-missing (not in the folder), download-failed, model-invalid, file-unreadable, cancelled.
 */
export async function pullSet(options: PullOptions): Promise<void> {
  try {
    for (const entry of entriesFor(options)) await pullEntry(entry, options);
  } finally {
    // Fails while a part waits there to be continued, which is as it should be.
    await rmdir(path.join(options.modelsDir, CACHE)).catch(() => undefined);
  }
}

async function pullEntry(entry: CatalogEntry, options: PullOptions): Promise<void> {
  const report = (phase: PullProgress['phase'], received: number): void =>
    options.onProgress?.({ name: entry.name, phase, received, total: entry.bytes });
  if (await isInstalled(options.modelsDir, entry)) return report('present', entry.bytes);
  report('fetching', 0);
  const part = new PartFile(path.join(options.modelsDir, CACHE), entry.sha256);
  const bytes = await obtain(entry, part, options, (received) => report('fetching', received));
  report('installing', entry.bytes);
  await installEntry(options.modelsDir, entry, bytes);
  await part.discard();
  report('installed', entry.bytes);
}

/** Whether the entry's bundle is there, of the catalog's version, with every file's digest right. */
export async function isInstalled(modelsDir: string, entry: CatalogEntry): Promise<boolean> {
  try {
    const { card } = await readBundle(path.join(modelsDir, entry.name));
    return card.version === entry.card.version;
  } catch {
    return false;
  }
}

function entriesFor({ names, catalog = CATALOG }: PullOptions): readonly CatalogEntry[] {
  if (names === undefined || names.length === 0) return catalog.filter((entry) => !entry.onlyByName);
  return names.map((name) => {
    const entry = catalog === CATALOG ? catalogEntry(name) : catalog.find((candidate) => candidate.name === name);
    if (entry !== undefined) return entry;
    throw new UsherError('usage', `the catalog has no model "${name}"`, {
      remedy: `It has: ${catalog.map((known) => known.name).join(', ')}.`,
    });
  });
}

async function obtain(
  entry: CatalogEntry,
  part: PartFile,
  options: PullOptions,
  onBytes: (received: number) => void,
): Promise<Buffer> {
  const { from } = options;
  if (from !== undefined && !/^https?:\/\//i.test(from)) return readFrom(path.join(from, entry.file), entry);
  const urls = from === undefined ? entry.urls : [`${from.replace(/\/+$/, '')}/${entry.file}`];
  let failure: unknown;
  for (const url of urls) {
    try {
      return await download(url, entry, part, {
        limits: options.limits ?? PULL_LIMITS,
        fetch: options.fetch ?? globalThis.fetch,
        random: options.random ?? Math.random,
        signal: options.signal,
        onBytes,
      });
    } catch (error) {
      if (error instanceof UsherError && error.code === 'cancelled') throw error;
      failure = error;
    }
  }
  throw failure;
}

async function readFrom(file: string, entry: CatalogEntry): Promise<Buffer> {
  const handle = await open(file, 'r').catch((error: unknown) => {
    throw new UsherError(systemCode(error) === 'ENOENT' ? 'model-missing' : 'file-unreadable', messageOf(error), {
      remedy: `The folder must hold ${entry.file} (${entry.bytes} bytes).`,
      cause: error,
    });
  });
  try {
    // The size first: a folder may hold anything under that name.
    const { size } = await handle.stat();
    if (size !== entry.bytes) throw wrongBytes(file, entry);
    const bytes = await handle.readFile();
    if (sha256Hex(bytes) !== entry.sha256) throw wrongBytes(file, entry);
    return bytes;
  } finally {
    await handle.close();
  }
}
