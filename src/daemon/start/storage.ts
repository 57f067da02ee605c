import { existsSync } from 'node:fs';
import { type DeviceKey, openDeviceKey } from '../../access/keys/device-key';
import { countTrialStart } from '../../fleet/update/effective-config';
import { holdDaemonLock } from '../../store/daemon-lock';
import { Journal } from '../../store/journal/journal';
import type { Store } from '../../store/store';
import { openStore } from '../store/open-store';
import type { Site } from './site';

export interface Storage {
  readonly journal: Journal;
  readonly store: Store;
  readonly key: DeviceKey;
}

/**
 * Phase 1: locks the data folder and opens the durable storage.
 * @param trial settings of the fleet may be on trial: this start counts as one under them
 * @throws UsherError `store-locked`, `store-unavailable`, `key-unusable`
 */
export function openStorage({ loaded, log, undo }: Site, trial: boolean): Storage {
  const { config, dataDir, file } = loaded;
  if (!existsSync(dataDir)) log.info('creating the data folder for members, templates and keys', { dataDir });
  const lock = holdDaemonLock(dataDir);
  undo.push('data folder lock', () => lock.release());
  if (trial) countTrialStart(dataDir);
  const journal = Journal.open(dataDir, { outboxBytes: config.audit.outboxMiB * 1024 * 1024 });
  undo.push('journal', () => journal.close());
  const store = openStore({ dataDir, configured: { file, security: config.security } }, { ledger: journal });
  undo.push('store', () => store.close());
  return { journal, store, key: openDeviceKey(dataDir) };
}
