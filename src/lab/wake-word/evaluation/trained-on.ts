import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, systemCode, UsherError } from '../../../errors';

/** In a bundle: what nobody may measure it on. */
export const TRAINED_ON_FILE = 'trained-on.json';

/** Of a SHA-256: 64 bits tell a hundred thousand clips apart, at a quarter of the size. */
const DIGITS = 16;

export const trainedOnBytes = (hashes: readonly string[]): Uint8Array =>
  Buffer.from(`${JSON.stringify([...new Set(hashes.map((hash) => hash.slice(0, DIGITS)))].sort())}\n`);

/** What a model was trained on; knows clips by their content hash. */
export type TrainedOn = (hash: string) => boolean;

/**
 * Reads what a bundle of `usher train` says of its training.
 * @returns null for a bundle that says nothing
 * @throws UsherError `model-invalid` where it says something that is no list of hashes
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
    throw new UsherError('model-invalid', `${file} is no list of content hashes`, { remedy: 'Train the model again.' });
  return listed;
}

const isHashList = (listed: unknown): listed is string[] =>
  Array.isArray(listed) && listed.every((one) => typeof one === 'string' && one.length === DIGITS);
