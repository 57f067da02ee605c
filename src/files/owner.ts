import { chownSync, lstatSync, mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** What root makes in a folder of another user belongs to that user: the service could not read it otherwise. */
export function giveToFolderOwner(file: string): void {
  if (process.geteuid?.() !== 0) return;
  const { uid, gid } = lstatSync(dirname(resolve(file)));
  if (uid !== 0) chownSync(file, uid, gid);
}

/** Makes the folder and what is missing above it, each with the owner of the one that it lies in. */
export function makeFolder(folder: string, mode: number): void {
  const target = resolve(folder);
  const first = mkdirSync(target, { recursive: true, mode });
  if (first === undefined) return;
  const made: string[] = [];
  for (let dir = target; dir.length >= first.length; dir = dirname(dir)) made.push(dir);
  for (const dir of made.reverse()) giveToFolderOwner(dir);
}
