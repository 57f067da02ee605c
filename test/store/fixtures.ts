import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { UsherError } from '../../src/errors';
import type { NewTemplate } from '../../src/store/members/member';

export const BY_DESK = { by: 'desk', reason: 'removed' } as const;

export const vectorOf = (seed: number, length = 128): Float32Array =>
  Float32Array.from({ length }, (_, i) => Math.sin(seed * 1000 + i));

export const templateOf = (seed: number, space = 'a.space'): NewTemplate => ({
  space,
  vector: vectorOf(seed),
  quality: 0.75,
  source: 'picture',
});

/** The error that must come. */
export const failureOf = (act: () => unknown): UsherError => {
  try {
    act();
  } catch (error) {
    if (error instanceof UsherError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

/** All files below a folder, by path. */
export function filesBelow(folder: string): Map<string, Buffer> {
  return new Map(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .map((file) => [file, readFileSync(file)]),
  );
}

/** Any 16 neighbouring bytes of these (all, of shorter ones) in any file: enough to know a vector by, and few enough to find a torn one. */
export function tracesOf(secret: NodeJS.ArrayBufferView, files: ReadonlyMap<string, Buffer>): string[] {
  const bytes = Buffer.from(secret.buffer, secret.byteOffset, secret.byteLength);
  return [...files]
    .filter(([, content]) => {
      if (bytes.length < 16) return content.includes(bytes);
      for (let at = 0; at + 16 <= bytes.length; at += 4) if (content.includes(bytes.subarray(at, at + 16))) return true;
      return false;
    })
    .map(([file]) => path.basename(file));
}
