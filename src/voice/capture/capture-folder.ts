import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { addToFolder, type FolderFile, type FolderLimits, listFolder } from '../../system/bounded-folder';

const CAPTURE = /^[a-z0-9-]+\.wav$/;
/** In the name of a capture that was nearly a word. */
export const NEAR_MISS = '-near-miss-';

/** The captures of a folder, oldest first; none if the folder does not exist. */
export const listCaptures = (folder: string): Promise<FolderFile[]> =>
  listFolder(folder, (name, changedAt) => (CAPTURE.test(name) ? changedAt : null));

/**
 * Writes a capture and deletes the oldest ones beyond the limits, so that a microphone that activates all night cannot
 * fill the disk. Only its owner may read it, since it contains speech.
 * @throws errors of the file system; the existing files stay intact
 */
export async function addCapture(folder: string, name: string, bytes: Buffer, limits: FolderLimits): Promise<void> {
  if (bytes.length > limits.maxBytes || limits.maxFiles < 1) return;
  await addToFolder(folder, await listCaptures(folder), { name, bytes }, limits);
}

/** Deletes every capture. @returns how many there were */
export async function deleteCaptures(folder: string): Promise<number> {
  const files = await listCaptures(folder);
  for (const { name } of files) await rm(join(folder, name), { force: true });
  return files.length;
}

/** Where a microphone's captures are, within the daemon's data. */
export const captureFolder = (dataDir: string, microphone: string): string => join(dataDir, 'captures', microphone);
