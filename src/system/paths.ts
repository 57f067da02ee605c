import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder that holds usher's package.json: the same whether this runs from `src` or from `dist`. */
export function packageRoot(): string {
  for (let dir = __dirname; ; dir = dirname(dir)) {
    const file = join(dir, 'package.json');
    if (existsSync(file) && (JSON.parse(readFileSync(file, 'utf8')) as { name?: string }).name === 'usher-edge')
      return dir;
    if (dirname(dir) === dir) throw new Error('usher is not installed in a folder with its package.json');
  }
}

export function packageVersion(): string {
  return (JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string }).version;
}

/** Where set-up puts the model bundles. */
export function modelsDir(): string {
  return join(packageRoot(), 'models');
}

/** A compiled entry point of a child process. Children always run from `dist`, also under test. */
export function childEntry(name: 'vision' | 'vision/stills' | 'voice' | 'voice/wyoming'): string {
  return join(packageRoot(), 'dist', name, 'child.js');
}

/** What was decoded and synthesised for training and measuring trigger words; may be deleted at any time. */
export function soundCacheDir(): string {
  return join(packageRoot(), '.usher', 'sound');
}
