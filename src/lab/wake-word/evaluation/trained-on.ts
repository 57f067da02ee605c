import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, systemCode, UsherError } from '../../../errors';

/** File in a bundle that lists the sounds it must not be measured on. */
export const TRAINED_ON_FILE = 'trained-on.json';

/** Digits of the SHA-256 to keep: 64 bits distinguish a hundred thousand clips at a quarter of the size. */
const DIGITS = 16;

export const trainedOnBytes = (hashes: readonly string[]): Uint8Array =>
  Buffer.from(`${JSON.stringify([...new Set(hashes.map((hash) => hash.slice(0, DIGITS)))].sort())}\n`);

/** Whether a model was trained on the clip with this content hash. */
export type TrainedOn = (hash: string) => boolean;

/**
 * Reads a bundle's list of training clips.
 * @returns null for a bundle without one
 * @throws UsherError `model-invalid` if the file is not a list of hashes
 */
export async function readTrainedOn(bundle: string): Promise<TrainedOn | null> {
  const listed = await readTrainedOnHashes(bundle);
  if (listed === null) return null;
  const known = new Set(listed);
  return (hash) => known.has(hash.slice(0, DIGITS));
}

/** The first digits of the content hashes themselves; else as `readTrainedOn`. */
export async function readTrainedOnHashes(bundle: string): Promise<string[] | null> {
  const file = join(bundle, TRAINED_ON_FILE);
  let listed: unknown;
  try {
    listed = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw new UsherError('model-invalid', `${file}: ${messageOf(error)}`, { cause: error });
  }
  if (!isHashList(listed))
    throw new UsherError('model-invalid', `${file} is not a list of content hashes`, {
      remedy: 'Train the model again.',
    });
  return listed;
}

const isHashList = (listed: unknown): listed is string[] =>
  Array.isArray(listed) && listed.every((one) => typeof one === 'string' && one.length === DIGITS);
