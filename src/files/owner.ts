import { chownSync, lstatSync, mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Gives a file the owner of its folder. Otherwise the service could not read what root creates in the service's folder.
 */
export function giveToFolderOwner(file: string): void {
  if (process.geteuid?.() !== 0) return;
  const { uid, gid } = lstatSync(dirname(resolve(file)));
  if (uid !== 0) chownSync(file, uid, gid);
}

/** Creates the folder and its missing parents. Each gets the owner of the folder that contains it. */
export function makeFolder(folder: string, mode: number): void {
  const target = resolve(folder);
  const first = mkdirSync(target, { recursive: true, mode });
  if (first === undefined) return;
  const made: string[] = [];
  for (let dir = target; dir.length >= first.length; dir = dirname(dir)) made.push(dir);
  for (const dir of made.reverse()) giveToFolderOwner(dir);
}
