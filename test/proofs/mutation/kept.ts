import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../../../src/system/paths';

/** What one run leaves for the next. */
const FOLDER = path.join(packageRoot(), 'node_modules/.cache/usher-mutation');

/** Null before the first run. */
export function readKept<T>(name: string): T | null {
  try {
    return JSON.parse(readFileSync(fileOf(name), 'utf8')) as T;
  } catch {
    return null;
  }
}

export function writeKept(name: string, value: unknown): void {
  const file = fileOf(name);
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(`${file}.draft`, JSON.stringify(value));
  renameSync(`${file}.draft`, file);
}

function fileOf(name: string): string {
  return path.join(FOLDER, `${name}-2.json`);
}
