import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseActuatorConfig } from '../../actuator/config/load';
import { parseConfig } from '../../config/load/load';
import { dataDirFor, newActuatorText, newConfigText, type Places } from '../../config/load/new-config';
import { messageOf, systemCode, UsherError } from '../../errors';
import { giveToFolderOwner } from '../../files/owner';
import { installed, modelsDir, packageRoot } from '../../system/paths';

export interface NewConfigOptions {
  readonly actuator?: boolean;
}

/**
 * `usher config new FILE`: writes the commented sample with paths that fit its folder. @throws UsherError `usage` where
 * no file is named or the file exists
 */
export async function newConfig(given: string | undefined, { actuator }: NewConfigOptions): Promise<void> {
  const standard = installed();
  const file = given ?? (actuator === true ? standard?.actuator : standard?.config);
  if (file === undefined)
    throw new UsherError('usage', 'no file is named', {
      remedy: 'Name the file to write, for example: usher config new my-door.yaml',
    });
  const places: Places = {
    file: resolve(file),
    program: packageRoot(),
    models: modelsDir(),
    installedData: standard?.data ?? null,
  };
  const sample = async (name: string): Promise<string> => readFile(join(places.program, 'device-config', name), 'utf8');
  if (actuator === true) {
    const text = newActuatorText(await sample('actuator.yaml'), places);
    parseActuatorConfig(text, places.file);
    await writeNew(places.file, text);
    process.stdout.write(
      `${places.file} written\n` +
        `Next: set broker.url and relay, then usher actuator trust --config ${file} --box BOX.yaml (or what usher actuator key --box prints on the box)\n`,
    );
    return;
  }
  const text = newConfigText(await sample('gym-entrance.yaml'), places);
  parseConfig(text, places.file);
  await writeNew(places.file, text);
  process.stdout.write(
    `${places.file} written\n` +
      `  members and state: ${dataDirFor(places)} (the first enroll or run creates it)\n` +
      `  models: ${places.models}\n` +
      `Next: set cameras[0].source, then usher config check ${file}\n`,
  );
}

/**
 * Never overwrites a file. The service's group may read it, because a configuration may hold a password in an address;
 * others may not.
 */
async function writeNew(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { flag: 'wx', mode: 0o640 });
    giveToFolderOwner(file);
  } catch (error) {
    if (systemCode(error) === 'EEXIST')
      throw new UsherError('usage', `${file} already exists`, {
        remedy: 'Name a file that does not exist yet, or remove this one.',
      });
    throw new UsherError('file-unreadable', `${file}: ${messageOf(error)}`, {
      remedy: 'Name a file in an existing folder that you may write to.',
      cause: error,
    });
  }
}
