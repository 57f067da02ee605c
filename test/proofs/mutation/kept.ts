import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../../../src/system/paths';

/** What one run leaves for the next. */
export const KEPT = path.join(packageRoot(), 'node_modules/.cache/usher-mutation');

/** Null before the first run. */
export function readKept(folder: string, name: string): unknown {
  try {
    return JSON.parse(readFileSync(fileOf(folder, name), 'utf8'));
  } catch {
    return null;
  }
}

export function writeKept(folder: string, name: string, value: unknown): void {
  const file = fileOf(folder, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${file}.draft`, JSON.stringify(value));
  renameSync(`${file}.draft`, file);
}

function fileOf(folder: string, name: string): string {
  return path.join(folder, `${name}-3.json`);
}
