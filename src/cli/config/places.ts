import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { basename, dirname, relative, join } from 'node:path';
import type { LoadedConfig } from '../../config/load/load';
import { noSuch } from '../../nearest-word';
import { UsherError } from '../../errors';
import { listBundles, CARD_FILE } from '../../inference/bundle';
import { installed, modelsDir as ownModels, packageRoot } from '../../system/paths';
import { wordBundles } from '../../daemon/microphones/voices';
import { installedWords } from '../../fleet/update/installed';

/** A key that names a folder or bundle that does not exist. `bad`: the daemon cannot run. */
export interface PlaceFault {
  readonly key: string;
  readonly message: string;
  readonly remedy: string;
  readonly bad: boolean;
}

/** Checks what a valid configuration refers to on this machine: the models folder, its bundles, the data folder. */
export async function placeFaults(loaded: LoadedConfig): Promise<PlaceFault[]> {
  const models = await modelsFaults(loaded);
  return [
    ...models,
    ...(models.some(({ key }) => key === 'models.dir') ? [] : await bundleFaults(loaded)),
    ...dataFaults(loaded),
  ];
}

/**
 * The report for a configuration that has no bad key.
 * @param here false if the configuration is for another machine; then no folder is checked
 * @throws UsherError `config-invalid` where a needed folder or bundle does not exist
 */
export async function checkedConfig(loaded: LoadedConfig, here = true): Promise<string> {
  const faults = here ? await placeFaults(loaded) : [];
  const bad = faults.filter((fault) => fault.bad);
  if (here && bad.length === 0) await checkWords(loaded);
  const lines = bad.map(({ key, message }) => `\n  ${key}: ${message}`).join('');
  if (bad.length > 0)
    throw new UsherError('config-invalid', `${loaded.file} names files or folders that do not exist${lines}`, {
      remedy: bad.map(({ remedy }) => remedy).join(' '),
    });
  const warnings = faults.map(({ key, message, remedy }) => `warning: ${key}: ${message}\n  → ${remedy}\n`);
  const data = existsSync(loaded.dataDir) ? loaded.dataDir : `${loaded.dataDir}, which the first enroll or run creates`;
  return `${loaded.file} is valid\n${here ? `members and state: ${data}\n` : ''}${warnings.join('')}`;
}

async function modelsFaults({ config, modelsDir }: LoadedConfig): Promise<PlaceFault[]> {
  if (!needsModels(config)) return [];
  const bundles = isFolder(modelsDir) ? await listBundles(modelsDir) : null;
  if (bundles !== null && bundles.length > 0) return [];
  const what = bundles === null ? 'the folder does not exist' : 'it holds no model bundles';
  const own = ownModels();
  const remedy =
    modelsDir === own
      ? 'Fetch or build the models: usher models ensure'
      : `usher's own models are in ${own}: set models.dir to it (relative paths start at the configuration's folder).`;
  return [{ key: 'models.dir', message: `${config.models.dir} means ${modelsDir}: ${what}`, remedy, bad: true }];
}

function needsModels({ cameras, microphones, wyoming }: LoadedConfig['config']): boolean {
  return cameras.length > 0 || microphones.length > 0 || wyoming !== null;
}

async function bundleFaults({ config, modelsDir }: LoadedConfig): Promise<PlaceFault[]> {
  const { detector, encoder } = config.models;
  const named: (readonly [key: string, name: string | undefined])[] = [
    ['models.detector', detector],
    ['models.encoder', encoder],
  ];
  const present = (await listBundles(modelsDir)).map((folder) => basename(folder));
  return named.flatMap(([key, name]) =>
    name === undefined || present.includes(name)
      ? []
      : [
          {
            key,
            message: `found "${name}"; ${noSuch('bundle', name, present)}`,
            remedy: `Correct the name, or fetch or train the bundle; bundles are in ${modelsDir}.`,
            bad: true,
          },
        ],
  );
}

function dataFaults({ config, dataDir }: LoadedConfig): PlaceFault[] {
  const fault = (message: string, remedy: string): PlaceFault => ({
    key: 'dataDir',
    message: `${config.dataDir} means ${dataDir}: ${message}`,
    remedy,
    bad: false,
  });
  const faults: PlaceFault[] = [];
  const inProgram = !relative(packageRoot(), dataDir).startsWith('..');
  if (installed() !== null && inProgram)
    faults.push(
      fault(
        'it is inside the program folder of the installed usher',
        `Set it to ${installed()?.data ?? '/var/lib/usher'}.`,
      ),
    );
  const standing = existing(dataDir);
  if (!isFolder(standing)) faults.push(fault(`${standing} is not a folder`, 'Correct dataDir.'));
  else if (!isWritable(standing))
    faults.push(
      fault(`this account may not write to ${standing}`, 'Correct dataDir, or run usher as the service’s account.'),
    );
  return faults;
}

/** The folder itself, or its nearest parent that exists. */
function existing(folder: string): string {
  let at = folder;
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  return at;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Checks that an installed bundle detects each configured word. Only `config check` calls this: at run time a
 * microphone without a model must not stop a door, so the daemon retries.
 * @throws UsherError `config-invalid`
 */
async function checkWords({ config, modelsDir, dataDir, file }: LoadedConfig): Promise<void> {
  const words = wordBundles(config);
  const brought = await installedWords(dataDir, words);
  const missing = words.filter(
    (name) => !Object.hasOwn(brought, name) && !existsSync(join(modelsDir, name, CARD_FILE)),
  );
  if (missing.length === 0) return;
  const known = (await listBundles(modelsDir)).map((dir) => basename(dir)).filter((name) => name.startsWith('wake-'));
  throw new UsherError(
    'config-invalid',
    `${file}: ${missing.map((name) => `word model "${name}": ${noSuch('model', name, known)}`).join('; ')} in ${modelsDir}`,
    { remedy: 'Correct `model` under `words`, or train it: usher train wake-word' },
  );
}
