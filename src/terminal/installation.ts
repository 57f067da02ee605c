import type { Command } from 'commander';
import { resolve } from 'node:path';
import { existsSync } from 'node:fs';
import { loadConfig, type LoadedConfig } from '../config/load/load';
import { UsherError } from '../errors';
import type { StoreLocation } from '../daemon/store/open-store';
import { defaultConfig, defaultConfigText } from '../system/paths';

/** Options of every command that works on one installation's members. */
export interface InstallationOptions {
  readonly config?: string;
  readonly data?: string;
}

export function withInstallationOptions(command: Command): Command {
  return command
    .option('-c, --config <file>', `configuration of the installation (default: ${defaultConfigText()})`)
    .option('-d, --data <dir>', "data folder instead of the configuration's");
}

/** The configuration that is meant, its data folder replaced by --data. @throws UsherError as `loadConfig` */
export async function loadInstallation({ config, data }: InstallationOptions): Promise<LoadedConfig> {
  const loaded = await loadConfig(config ?? defaultConfig());
  return data === undefined ? loaded : { ...loaded, dataDir: resolve(data) };
}

/**
 * Where the members are: with --data no configuration need be there. The folder must be there, unless the command may be the first
 * one: a path that is misspelt must not become a second, empty set of members with keys of its own.
 * @throws UsherError as `loadConfig`; `store-unavailable`
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
  throw new UsherError('store-unavailable', `there is no data folder ${location.dataDir}`, {
    remedy:
      location.configured === null
        ? 'Correct --data. The first enroll or run makes a new one.'
        : `Correct dataDir in ${location.configured.file}. The first enroll or run makes the folder.`,
  });
}

export function locationOf({ config, file, dataDir }: LoadedConfig): StoreLocation {
  return { dataDir, configured: { file, security: config.security } };
}
