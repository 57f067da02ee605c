import { copyFile, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseReleased } from '../../config/load/released';
import { readBundle } from '../../inference/bundle';
import { decode } from '../../mqtt/topics/decode';
import { syncFolder, writeDurably } from '../../files/durable-file';
import type { ReleaseDocument } from '../release';
import { refuse } from '../refusal';
import { ThresholdsFile, withThresholds } from '../thresholds-file';
import { TRANSFER_LIMITS } from '../transfer/limits';
import { CARD_FILE, CONFIG_FILE, THRESHOLDS_FILE } from '../transfer/unpack';

/**
 * Checks every byte of a release in its slot again: after a power cut the folder exists, but the last writes may be
 * lost. A threshold table becomes a complete bundle there, based on the running model, and is then tried, activated and
 * rolled back like any other.
 * @param running folder of the running bundle of the channel; null if unknown
 * @throws ReleaseRefused
 */
export async function checkStaged(release: ReleaseDocument, dir: string, running: string | null): Promise<void> {
  if (release.kind === 'config') {
    try {
      parseReleased(await readFile(join(dir, CONFIG_FILE), 'utf8'), CONFIG_FILE);
    } catch (error) {
      refuse('config-invalid', 'the settings in their slot', error);
    }
    return;
  }
  try {
    if (release.kind === 'thresholds')
      await compose(dir, running ?? refuse('thresholds-invalid', 'nothing runs there'));
    const { card } = await readBundle(dir);
    const { model } = release;
    if (model?.name !== card.name || model.version !== card.version)
      refuse('card-differs', `${card.name} ${card.version} where ${model?.name ?? 'no model'} was released`);
  } catch (error) {
    refuse(release.kind === 'thresholds' ? 'thresholds-invalid' : 'file-digest', 'the bundle in its slot', error);
  }
}

/** The card last: without it the folder is no bundle, and this runs again. */
async function compose(dir: string, running: string): Promise<void> {
  const table = decode(ThresholdsFile, await readFile(join(dir, THRESHOLDS_FILE)), TRANSFER_LIMITS.cardBytes);
  if (!table.ok) return refuse('thresholds-invalid', table.detail);
  const { card } = await readBundle(running);
  const changed = withThresholds(card, table.value);
  for (const name of Object.keys(card.files)) {
    await copyFile(join(running, name), join(dir, name));
    const file = await open(join(dir, name), 'r+');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  }
  syncFolder(dir);
  writeDurably(join(dir, CARD_FILE), Buffer.from(JSON.stringify(changed)));
}
