import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { giveToFolderOwner, makeFolder } from './owner';

/**
 * Writes a file atomically: after a crash it has all the new bytes or is unchanged (temporary file, fsync, rename,
 * fsync of the folder). Readable only by its owner (0600), or by everyone with `public` (0644), for files that a web
 * server serves.
 */
export function writeDurably(file: string, bytes: Uint8Array, readers: 'owner' | 'public' = 'owner'): void {
  const folder = dirname(file);
  makeFolder(folder, readers === 'public' ? 0o755 : 0o700);
  const temporary = `${file}.tmp-${process.pid}`;
  try {
    rmSync(temporary, { force: true });
    // Exclusive, so that a key is never written through a link that an attacker put there.
    const fd = openSync(temporary, 'wx', readers === 'public' ? 0o644 : 0o600);
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    giveToFolderOwner(temporary);
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  syncFolder(folder);
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
