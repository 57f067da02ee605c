import { readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../errors';
import { giveToFolderOwner, makeFolder } from '../files/owner';

/** How much a folder may hold. */
export interface FolderLimits {
  readonly maxFiles: number;
  readonly maxBytes: number;
}

export interface FolderFile {
  readonly name: string;
  readonly bytes: number;
  /** Epoch ms. */
  readonly at: number;
}

/**
 * The files of a folder, oldest first; none if the folder does not exist.
 * @param atOf when a file was made, from its name or modification time; null to leave the file out
 */
export async function listFolder(
  folder: string,
  atOf: (name: string, changedAt: number) => number | null,
): Promise<FolderFile[]> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
  const files: FolderFile[] = [];
  for (const name of names) {
    if (atOf(name, 0) === null) continue;
    // Another process deleted it meanwhile, which is no error.
    const status = await stat(join(folder, name)).catch(() => null);
    const at = status === null ? null : atOf(name, status.mtimeMs);
    if (status !== null && at !== null) files.push({ name, bytes: status.size, at });
  }
  return files.sort((a, b) => a.at - b.at || (a.name < b.name ? -1 : 1));
}

/**
 * Writes a file atomically, readable only by its owner, and deletes the oldest of `listed` beyond the limits.
 * @param listed what the folder holds
 * @returns number of files deleted
 * @throws errors of the file system; the existing files stay intact
 */
export async function addToFolder(
  folder: string,
  listed: readonly FolderFile[],
  { name, bytes }: { name: string; bytes: Buffer },
  limits: FolderLimits,
): Promise<number> {
  makeFolder(folder, 0o700);
  let total = listed.reduce((sum, file) => sum + file.bytes, bytes.length);
  let removed = 0;
  for (const file of listed) {
    if (listed.length + 1 - removed <= limits.maxFiles && total <= limits.maxBytes) break;
    await rm(join(folder, file.name), { force: true });
    removed++;
    total -= file.bytes;
  }
  const draft = join(folder, `.${name}.part`);
  await writeFile(draft, bytes, { mode: 0o600 });
  giveToFolderOwner(draft);
  await rename(draft, join(folder, name));
  return removed;
}
