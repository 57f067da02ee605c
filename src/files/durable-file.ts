import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { giveToFolderOwner, makeFolder } from './owner';

/**
 * All of the bytes or the file as it was, whatever happens: temporary file, fsync, rename, fsync of the folder. For its owner alone
 * (0600), unless it is `public`, like what a web server hands out (0644).
 */
export function writeDurably(file: string, bytes: Uint8Array, readers: 'owner' | 'public' = 'owner'): void {
  const folder = dirname(file);
  makeFolder(folder, readers === 'public' ? 0o755 : 0o700);
  const temporary = `${file}.tmp-${process.pid}`;
  try {
    rmSync(temporary, { force: true });
    // Exclusive: whoever put a link there beforehand gets no key written through it.
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

export function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
