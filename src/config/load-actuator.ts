import { dirname, resolve } from 'node:path';
import { type ActuatorConfig, ActuatorSchema } from './actuator';
import { readConfigFile } from './load';
import { parseWith } from './parse';

export interface LoadedActuatorConfig {
  /** Deeply frozen; paths as written. */
  readonly config: ActuatorConfig;
  /** Absolute path of the file it came from. */
  readonly file: string;
  /** Absolute, resolved against the file's own folder. */
  readonly stateDir: string;
}

const EXAMPLE = 'device-config/actuator.yaml';

/** @throws UsherError `file-unreadable`, or `config-invalid` naming every bad key */
export async function loadActuatorConfig(file: string): Promise<LoadedActuatorConfig> {
  const absolute = resolve(file);
  const config = parseActuatorConfig(await readConfigFile(absolute, EXAMPLE), absolute);
  return { config, file: absolute, stateDir: resolve(dirname(absolute), config.stateDir) };
}

/** @param name of the text, for messages */
export function parseActuatorConfig(text: string, name: string): ActuatorConfig {
  return parseWith(ActuatorSchema, text, name, {
    faultsOf: () => [],
    explained: `${EXAMPLE} and, for editors, device-config/actuator.schema.json`,
  });
}
