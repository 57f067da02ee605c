import { dirname, resolve } from 'node:path';
import { messageOf, UsherError } from '../../errors';
import { type ActuatorConfig, ActuatorSchema } from './schema';
import { readConfigFile } from '../../config/load/load';
import { freeze, parseWith } from '../../config/load/parse';
import { absoluteCredentials } from '../../config/load/paths';

export interface LoadedActuatorConfig {
  /** Deeply frozen; all paths are absolute. */
  readonly config: ActuatorConfig;
  /** Absolute path of the file it came from. */
  readonly file: string;
  /** Absolute; relative paths start at the file's own folder. */
  readonly stateDir: string;
}

const EXAMPLE = 'device-config/actuator.yaml';

/** @throws UsherError `file-unreadable`, or `config-invalid` that names every bad key */
export async function loadActuatorConfig(file: string): Promise<LoadedActuatorConfig> {
  const absolute = resolve(file);
  const dir = dirname(absolute);
  const written = parseActuatorConfig(await readConfigFile(absolute, EXAMPLE), absolute);
  const config = freeze({ ...written, broker: absoluteCredentials(written.broker, dir) });
  return { config, file: absolute, stateDir: resolve(dir, config.stateDir) };
}

/**
 * The public keys whose unlocks are obeyed.
 * @throws UsherError `config-invalid` with the position of the bad key, never its text: it may be a private key that
 * was pasted by mistake
 */
export function trustedKeysOf<Key>({ trustedKeys }: ActuatorConfig, file: string, parse: (text: string) => Key): Key[] {
  const fail = (key: string, what: string, remedy: string): UsherError =>
    new UsherError('config-invalid', `${file}: ${key}: ${what}`, { remedy });
  if (trustedKeys.length === 0) throw fail('trustedKeys', 'no key is trusted, so the actuator can obey no box', TRUST);
  return trustedKeys.map((text, at) => {
    try {
      return parse(text);
    } catch (error) {
      throw fail(`trustedKeys[${at}]`, messageOf(error), TRUST);
    }
  });
}

const TRUST =
  'Run usher actuator key --box ITS-CONFIG on the box, then run here the `usher actuator trust` command that it prints.';

/** @param name name of the text, for messages */
export function parseActuatorConfig(text: string, name: string): ActuatorConfig {
  return parseWith(ActuatorSchema, text, name, {
    faultsOf: () => [],
    explained: `${EXAMPLE} and, for editors, device-config/actuator.schema.json`,
  });
}
