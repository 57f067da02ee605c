import { dirname, resolve } from 'node:path';
import { openDeviceKey } from '../access/device-key';
import { SecurityConfig } from '../config/security';
import { boxKeySource } from '../store/keys/source';
import { Store } from '../store/store';
import { credentialsDirectory } from '../system/environment';

/** What of an installation decides how its store is opened. */
export interface StoreLocation {
  readonly dataDir: string;
  /** Null where only a data folder is named: then the defaults hold. */
  readonly configured: { readonly file: string; readonly security: SecurityConfig } | null;
}

/**
 * The members' store of an installation, under the box key that its configuration names. A writing one signs its deletion
 * receipts with the device key.
 * @throws UsherError as `Store.open` and `openDeviceKey`
 */
export function openStore(
  { dataDir, configured }: StoreLocation,
  { readonly = false, now }: { readonly readonly?: boolean; readonly now?: () => number } = {},
): Store {
  const { source, file } = (configured?.security ?? SecurityConfig.parse({})).boxKey;
  const keyFile = file === undefined ? undefined : resolve(dirname(configured?.file ?? '.'), file);
  return Store.open(dataDir, {
    readonly,
    boxKey: boxKeySource({ source, file: keyFile }, { dataDir, credentialsDir: credentialsDirectory() }),
    ...(readonly ? {} : { signer: openDeviceKey(dataDir) }),
    ...(now === undefined ? {} : { now }),
  });
}
