import { createHash } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../../errors';

/** The decision that a still is of. */
export interface StillEvent {
  /** Id of the decision, as it was published. */
  readonly decision: string;
  readonly door: string;
  readonly outcome: 'granted' | 'denied';
  /** Null where the decision names nobody. */
  readonly member: string | null;
  /** Epoch ms. */
  readonly at: number;
}

export interface StillLimits {
  readonly maxFiles: number;
  readonly maxBytes: number;
}

interface StillFile {
  readonly name: string;
  readonly bytes: number;
  readonly at: number;
  /** Tag of the member; null: of nobody. */
  readonly tag: string | null;
}

/** Where the stills of a daemon are, within its data. */
export const stillFolder = (dataDir: string): string => join(dataDir, 'stills');

/** time_door_outcome_member_decision: all that deleting needs is in the name, so that no index can disagree with the folder. */
const NAME = /^(\d{1,15})_[a-z0-9][a-z0-9_-]{0,62}_(?:granted|denied)_([0-9a-f]{16}|nobody)_[0-9a-f-]{36}\.jpg$/;

/** Stands for a member in a file's name: a name in a folder is read by more eyes than a record. */
export const memberTag = (member: string): string => createHash('sha256').update(member).digest('hex').slice(0, 16);

/** @throws RangeError for what cannot be a file's name */
export function stillName({ decision, door, outcome, member, at }: StillEvent): string {
  const name = `${Math.round(at)}_${door}_${outcome}_${member === null ? 'nobody' : memberTag(member)}_${decision}.jpg`;
  if (!NAME.test(name)) throw new RangeError(`not the name of a still: ${name}`);
  return name;
}

/** Oldest first; none where there is no folder. */
export async function listStills(folder: string): Promise<StillFile[]> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
  const files: StillFile[] = [];
  for (const name of names) {
    const [, at, tag] = NAME.exec(name) ?? [];
    if (at === undefined || tag === undefined) continue;
    // Deleted meanwhile by somebody else: gone is gone.
    const status = await stat(join(folder, name)).catch(() => null);
    if (status !== null) files.push({ name, bytes: status.size, at: Number(at), tag: tag === 'nobody' ? null : tag });
  }
  return files.sort((a, b) => a.at - b.at || (a.name < b.name ? -1 : 1));
}

/**
 * Writes a still whole or not at all, readable by its owner alone, and deletes the oldest ones beyond the limits.
 * @returns how many went
 * @throws the file system's error; what is there stays whole
 */
export async function addStill(folder: string, name: string, bytes: Buffer, limits: StillLimits): Promise<number> {
  if (!NAME.test(name)) throw new RangeError(`not the name of a still: ${name}`);
  if (bytes.length > limits.maxBytes)
    throw new RangeError(`a still of ${bytes.length} bytes is larger than stills.maxMb`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const files = await listStills(folder);
  let total = files.reduce((sum, file) => sum + file.bytes, bytes.length);
  let removed = 0;
  for (const file of files) {
    if (files.length + 1 - removed <= limits.maxFiles && total <= limits.maxBytes) break;
    await rm(join(folder, file.name), { force: true });
    removed++;
    total -= file.bytes;
  }
  const draft = join(folder, `.${name}.part`);
  await writeFile(draft, bytes, { mode: 0o600 });
  await rename(draft, join(folder, name));
  return removed;
}

/**
 * Deletes what is older than `before`, and what shows somebody who is no member any more.
 * @param isTagged whether a member of today has this tag
 */
export async function forgetStills(
  folder: string,
  before: number,
  isTagged: (tag: string) => boolean,
): Promise<{ readonly age: number; readonly member: number }> {
  const removed = { age: 0, member: 0 };
  for (const { name, at, tag } of await listStills(folder)) {
    const because = at < before ? 'age' : tag !== null && !isTagged(tag) ? 'member' : null;
    if (because === null) continue;
    await rm(join(folder, name), { force: true });
    removed[because]++;
  }
  return removed;
}
