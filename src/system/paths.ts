import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder of usher's package.json, whether the program runs from `src` or `dist`. */
export function packageRoot(): string {
  for (let dir = __dirname; ; dir = dirname(dir)) {
    const file = join(dir, 'package.json');
    if (existsSync(file) && (JSON.parse(readFileSync(file, 'utf8')) as { name?: string }).name === 'usher-edge')
      return dir;
    if (dirname(dir) === dir) throw new Error('usher’s package.json is not in the program folder');
  }
}

export function packageVersion(): string {
  return (JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string }).version;
}

/** Where scripts/install-service put the files of an installed usher. */
export interface Installed {
  readonly config: string;
  readonly actuator: string;
  readonly data: string;
}

const INSTALLED: Installed = {
  config: '/etc/usher/config.yaml',
  actuator: '/etc/usher/actuator.yaml',
  data: '/var/lib/usher',
};

/**
 * Null in a checkout. An installed usher writes nothing to its program folder, because the next version replaces it. An
 * installed copy has a file that states where its data is. For a checkout that is run in place, the `usher` command
 * passes that it is installed.
 */
export function installed(): Installed | null {
  const marker = join(packageRoot(), '.installed-by-usher');
  if (!existsSync(marker)) return process.env['USHER_INSTALLED'] === 'yes' ? INSTALLED : null;
  const lines = readFileSync(marker, 'utf8').split('\n');
  const said = (key: keyof Installed): string | undefined =>
    lines.find((line) => line.startsWith(`${key}=`))?.slice(key.length + 1);
  return {
    config: said('config') ?? INSTALLED.config,
    actuator: said('actuator') ?? INSTALLED.actuator,
    data: said('data') ?? INSTALLED.data,
  };
}

/** The configuration to use if none is named. */
export function defaultConfig(): string {
  return installed()?.config ?? join(packageRoot(), 'device-config', 'gym-entrance.yaml');
}

/** For help texts, as a person would type it. */
export function defaultConfigText(): string {
  return installed()?.config ?? 'device-config/gym-entrance.yaml';
}

/** Where commands without a configuration write: recordings, checkpoints, caches. */
export function workDir(): string {
  return installed()?.data ?? join(packageRoot(), '.usher');
}

/** Where set-up puts the model bundles. In an installed copy this is a link to the folder with the data. */
export function modelsDir(): string {
  return join(packageRoot(), 'models');
}

/** The compiled entry point of a child process. Children always run from `dist`, also in tests. */
export function childEntry(name: 'vision' | 'vision/stills' | 'voice' | 'voice/wyoming'): string {
  return join(packageRoot(), 'dist', name, 'child.js');
}

/** Cache of decoded and synthesised sound for training and measuring trigger words. It may be deleted at any time. */
export function soundCacheDir(): string {
  return join(workDir(), 'sound');
}
