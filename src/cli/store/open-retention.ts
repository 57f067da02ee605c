import { retentionPolicy } from '../../daemon/retention/retention';
import { openStore } from '../../daemon/store/open-store';
import { Journal } from '../../store/journal/journal';
import { Retention } from '../../store/retention/retention';
import { type InstallationOptions, loadInstallation, locationOf } from '../../terminal/installation';

/**
 * Opens the retention of an installation and calls `work`. A running daemon applies the change by itself. @throws
 * UsherError
 */
export async function withRetention<T>(
  options: InstallationOptions,
  work: (retention: Retention, dataDir: string) => T,
): Promise<T> {
  const loaded = await loadInstallation(options);
  const journal = Journal.open(loaded.dataDir);
  let store;
  try {
    store = openStore(locationOf(loaded), { ledger: journal });
  } catch (error) {
    journal.close();
    throw error;
  }
  try {
    return work(new Retention(store, journal, retentionPolicy(loaded.config)), loaded.dataDir);
  } finally {
    store.close();
  }
}
