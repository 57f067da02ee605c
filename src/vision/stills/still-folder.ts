import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { addToFolder, type FolderFile, type FolderLimits, listFolder } from '../../system/bounded-folder';

/** The decision that a still is of. */
export interface StillEvent {
  /** Id of the decision, as it was published. */
  readonly decision: string;
  readonly door: string;
  readonly outcome: 'granted' | 'denied';
  /** Null if the decision names no member. */
  readonly member: string | null;
  /** Epoch ms. */
  readonly at: number;
}

export interface StillFile extends FolderFile {
  /** Tag of the member; null without a member. */
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

/** Oldest first; none if the folder does not exist. */
export async function listStills(folder: string): Promise<StillFile[]> {
  const files = await listFolder(folder, (name) => {
    const at = NAME.exec(name)?.[1];
    return at === undefined ? null : Number(at);
  });
  return files.map((file) => {
    const tag = NAME.exec(file.name)?.[2] ?? 'nobody';
    return { ...file, tag: tag === 'nobody' ? null : tag };
  });
}

/**
 * Writes a still whole or not at all, readable by its owner alone, and deletes the oldest ones beyond the limits.
 * @returns how many went
 * @throws the file system's error; what is there stays whole
 */
export async function addStill(folder: string, name: string, bytes: Buffer, limits: FolderLimits): Promise<number> {
  if (!NAME.test(name)) throw new RangeError(`not the name of a still: ${name}`);
  if (bytes.length > limits.maxBytes)
    throw new RangeError(`a still of ${bytes.length} bytes is larger than stills.maxMb`);
  return addToFolder(folder, await listStills(folder), { name, bytes }, limits);
}

/**
 * Deletes stills older than `before`, and stills of persons who are no longer members.
 * @param isTagged whether a present member has this tag
 */
export async function forgetStills(
  folder: string,
  tooOld: (stills: readonly StillFile[]) => ReadonlySet<string>,
  isTagged: (tag: string) => boolean,
): Promise<{ readonly age: number; readonly member: number }> {
  const removed = { age: 0, member: 0 };
  const stills = await listStills(folder);
  const old = tooOld(stills);
  for (const { name, tag } of stills) {
    const because = old.has(name) ? 'age' : tag !== null && !isTagged(tag) ? 'member' : null;
    if (because === null) continue;
    await rm(join(folder, name), { force: true });
    removed[because]++;
  }
  return removed;
}
