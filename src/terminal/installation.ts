import type { Command } from 'commander';
import { resolve } from 'node:path';
import { existsSync } from 'node:fs';
import { loadConfig, type LoadedConfig } from '../config/load/load';
import { UsherError } from '../errors';
import type { StoreLocation } from '../daemon/store/open-store';
import { defaultConfig, defaultConfigText } from '../system/paths';

/** Options of every command that works on the members of an installation. */
export interface InstallationOptions {
  readonly config?: string;
  readonly data?: string;
}

/** Adds `--config` and `--data` to a command. */
export function withInstallationOptions(command: Command): Command {
  return command
    .option('-c, --config <file>', `configuration of the installation (default: ${defaultConfigText()})`)
    .option('-d, --data <dir>', "data folder, instead of the configuration's");
}

/** Loads the configuration; `--data` replaces its data folder. @throws UsherError as `loadConfig` does */
export async function loadInstallation({ config, data }: InstallationOptions): Promise<LoadedConfig> {
  const loaded = await loadConfig(config ?? defaultConfig());
  return data === undefined ? loaded : { ...loaded, dataDir: resolve(data) };
}

/**
 * Where the members are. With `--data` no configuration is needed. The folder must exist, unless the command may create
 * it: a misspelt path must not become a second, empty set of members with its own keys.
 * @throws UsherError as `loadConfig` does; `store-unavailable`
 */
export async function storeLocation(
  options: InstallationOptions,
  { first = false }: { readonly first?: boolean } = {},
): Promise<StoreLocation> {
  const location =
    options.data !== undefined && options.config === undefined
      ? { dataDir: resolve(options.data), configured: null }
      : locationOf(await loadInstallation(options));
  if (first || existsSync(location.dataDir)) return location;
  throw new UsherError('store-unavailable', `the data folder ${location.dataDir} does not exist`, {
    remedy:
      location.configured === null
        ? 'Correct --data. The first enroll or run creates the folder.'
        : `Correct dataDir in ${location.configured.file}. The first enroll or run creates the folder.`,
  });
}

/** Where the members of a loaded configuration are. */
export function locationOf({ config, file, dataDir }: LoadedConfig): StoreLocation {
  return { dataDir, configured: { file, security: config.security } };
}
