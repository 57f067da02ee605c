import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { LoadedConfig } from '../../config/load/load';
import { noSuch } from '../../nearest-word';
import { wordBundles } from '../../daemon/microphones/voices';
import { UsherError } from '../../errors';
import { installedWords } from '../../fleet/update/installed';
import { CARD_FILE, listBundles } from '../../inference/bundle';

/**
 * Checks that an installed bundle detects each configured word. Only `config check` calls this: at run time a
 * microphone without a model must not stop a door, so the daemon retries.
 * @throws UsherError `config-invalid`
 */
export async function checkWords({ config, modelsDir, dataDir, file }: LoadedConfig): Promise<void> {
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
