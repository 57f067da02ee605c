import { closeSync, fsyncSync, linkSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { giveToFolderOwner, makeFolder } from './owner';

/** For the owner of the folder alone, for everybody as what a web server hands out, or with the mode that the file had. */
export type Rights = 'owner' | 'public' | number;

/**
 * Writes a file atomically: after a crash it has all the new bytes or is unchanged (temporary file, fsync, rename,
 * fsync of the folder). Readable only by its owner (0600), or by everyone with `public` (0644), for files that a web
 * server serves.
 */
export function writeDurably(file: string, bytes: Uint8Array | string, rights: Rights = 'owner'): void {
  makeFolder(dirname(file), rights === 'owner' ? 0o700 : 0o755);
  placeDurably(file, bytes, rights, renameSync);
}

/**
 * As `writeDurably`, but in a folder that exists, and never over a file that is there already, also one that another process made
 * meanwhile.
 * @throws the system's error, `EEXIST` where there is such a file
 */
export function createDurably(file: string, bytes: Uint8Array | string, rights: Rights = 'owner'): void {
  // A link, unlike a rename, does not replace.
  placeDurably(file, bytes, rights, linkSync);
}

function placeDurably(
  file: string,
  bytes: Uint8Array | string,
  rights: Rights,
  place: (from: string, to: string) => void,
): void {
  const folder = dirname(file);
  const temporary = `${file}.tmp-${process.pid}`;
  try {
    rmSync(temporary, { force: true });
    writeSynced(temporary, typeof bytes === 'string' ? Buffer.from(bytes) : bytes, modeOf(rights));
    giveToFolderOwner(temporary);
    place(temporary, file);
  } finally {
    rmSync(temporary, { force: true });
  }
  syncFolder(folder);
}

function modeOf(rights: Rights): number {
  if (typeof rights === 'number') return rights;
  return rights === 'owner' ? 0o600 : 0o644;
}

/** Exclusive, so that a key is never written through a link that an attacker put there. */
function writeSynced(file: string, bytes: Uint8Array, mode: number): void {
  const fd = openSync(file, 'wx', mode);
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Makes renames and deletions in a folder durable. */
export function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
