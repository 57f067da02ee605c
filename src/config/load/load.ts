import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { messageOf, UsherError } from '../../errors';
import { rateFaults, withTimesOfRate } from '../references/camera-rate';
import { freeze, parseWith } from './parse';
import { withAbsolutePaths } from './paths';
import { referenceFaults } from '../references/references';
import { type Config, ConfigSchema } from '../schema/schema';

export interface LoadedConfig {
  /** Deeply frozen. */
  readonly config: Config;
  /** Absolute path of the file it came from. */
  readonly file: string;
  /** Absolute folders, resolved against the file's own. */
  readonly dataDir: string;
  readonly modelsDir: string;
}

/**
 * Reads and checks a configuration file.
 * @throws UsherError `file-unreadable`, or `config-invalid` naming every bad key: its path and line, what was found, what is allowed
 */
export async function loadConfig(file: string): Promise<LoadedConfig> {
  const absolute = resolve(file);
  const dir = dirname(absolute);
  const written = parseConfig(await readConfigFile(absolute, 'device-config/gym-entrance.yaml'), absolute);
  const config = freeze(withAbsolutePaths(written, dir));
  return { config, file: absolute, dataDir: resolve(dir, config.dataDir), modelsDir: resolve(dir, config.models.dir) };
}

/** @throws UsherError `file-unreadable` */
export async function readConfigFile(file: string, example: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new UsherError('file-unreadable', `configuration ${file}: ${messageOf(error)}`, {
      cause: error,
      remedy: `Name a configuration with --config FILE; ${example} is a commented start`,
    });
  }
}

/** @param name of the text, for messages */
export function parseConfig(text: string, name: string): Config {
  return parseWith(ConfigSchema, text, name, {
    complete: withTimesOfRate,
    faultsOf: (plain) => [...referenceFaults(plain), ...rateFaults(plain)],
    explained: 'device-config/gym-entrance.yaml and, for editors, device-config/schema.json',
  });
}
