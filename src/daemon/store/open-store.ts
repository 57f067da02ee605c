import { dirname, resolve } from 'node:path';
import { openDeviceKey } from '../../access/keys/device-key';
import { SecurityConfig } from '../../config/schema/security';
import { boxKeySource } from '../../store/keys/source';
import { Journal } from '../../store/journal/journal';
import type { Ledger } from '../../store/journal/ledger';
import { Store } from '../../store/store';
import { credentialsDirectory } from '../../system/environment';

/** The part of an installation that determines how its store is opened. */
export interface StoreLocation {
  readonly dataDir: string;
  /** Null if only a data folder is named: then the defaults apply. */
  readonly configured: { readonly file: string; readonly security: SecurityConfig } | null;
}

/**
 * Opens the members' store of an installation with the configured box key. A writing store signs its deletion receipts
 * with the device key and records every change in the journal: the one passed, or a connection of its own.
 * @throws UsherError as `Store.open` and `openDeviceKey` do
 */
export function openStore(
  { dataDir, configured }: StoreLocation,
  {
    readonly = false,
    now,
    ledger,
  }: { readonly readonly?: boolean; readonly now?: () => number; readonly ledger?: Ledger } = {},
): Store {
  const { source, file } = (configured?.security ?? SecurityConfig.parse({})).boxKey;
  const keyFile = file === undefined ? undefined : resolve(dirname(configured?.file ?? '.'), file);
  const common = {
    readonly,
    boxKey: boxKeySource({ source, file: keyFile }, { dataDir, credentialsDir: credentialsDirectory() }),
    ...(now === undefined ? {} : { now }),
  };
  if (readonly) return Store.open(dataDir, common);
  const signer = openDeviceKey(dataDir);
  const book = ledger ?? Journal.open(dataDir, now === undefined ? {} : { now });
  try {
    return Store.open(dataDir, { ...common, signer, ledger: book });
  } catch (error) {
    if (ledger === undefined) book.close();
    throw error;
  }
}
