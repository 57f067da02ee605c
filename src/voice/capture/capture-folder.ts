import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../../errors';

export interface CaptureLimits {
  readonly maxFiles: number;
  readonly maxBytes: number;
}

export interface CaptureFile {
  readonly name: string;
  readonly bytes: number;
  readonly at: number;
}

const CAPTURE = /^[a-z0-9-]+\.wav$/;

/** The captures of a folder, oldest first; none where there is no folder. */
export async function listCaptures(folder: string): Promise<CaptureFile[]> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
  const files: CaptureFile[] = [];
  for (const name of names) {
    if (!CAPTURE.test(name)) continue;
    // Deleted meanwhile by its command: gone is gone.
    const status = await stat(join(folder, name)).catch(() => null);
    if (status !== null) files.push({ name, bytes: status.size, at: status.mtimeMs });
  }
  return files.sort((a, b) => a.at - b.at || (a.name < b.name ? -1 : 1));
}

/**
 * Writes a capture and deletes the oldest ones beyond the limits: a microphone that fires all night fills no disk. Only its owner may
 * read it: it is what somebody said.
 * @throws the file system's error; what is there stays whole
 */
export async function addCapture(folder: string, name: string, bytes: Buffer, limits: CaptureLimits): Promise<void> {
  if (bytes.length > limits.maxBytes || limits.maxFiles < 1) return;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const files = await listCaptures(folder);
  let total = files.reduce((sum, file) => sum + file.bytes, bytes.length);
  let count = files.length + 1;
  for (const file of files) {
    if (count <= limits.maxFiles && total <= limits.maxBytes) break;
    await rm(join(folder, file.name), { force: true });
    count--;
    total -= file.bytes;
  }
  const draft = join(folder, `.${name}.part`);
  await writeFile(draft, bytes, { mode: 0o600 });
  await rename(draft, join(folder, name));
}

/** Deletes every capture. @returns how many there were */
export async function deleteCaptures(folder: string): Promise<number> {
  const files = await listCaptures(folder);
  for (const { name } of files) await rm(join(folder, name), { force: true });
  return files.length;
}

/** Where a microphone's captures are, within the daemon's data. */
export const captureFolder = (dataDir: string, microphone: string): string => join(dataDir, 'captures', microphone);
