import { join } from 'node:path';
import type { FleetConfig } from '../../config/schema/fleet';
import type { Fetch } from '../../system/http-request';
import { monotonicMs } from '../../system/clock';
import type { BoxFacts, ReleaseVerifier, Transfer } from '../release';
import { HttpsSource } from '../transfer/https-source';
import { TRANSFER_LIMITS, type TransferLimits } from '../transfer/limits';
import { MqttSource, type RetainedReader } from '../transfer/mqtt-source';
import { Pace } from '../transfer/pace';
import { ArchiveTransfer } from '../transfer/transfer';
import { TrustFloors } from '../trust/floors';
import { TufClient } from '../trust/tuf-client';
import { FleetVerifier } from '../trust/verifier';

export interface ReceivingOptions {
  readonly config: Pick<FleetConfig, 'source' | 'maxKbitPerSecond'>;
  /** Content of the file that `fleet.root` names. */
  readonly root: Uint8Array;
  /** Folder of the fleet's state within the data folder. */
  readonly dir: string;
  readonly box: BoxFacts;
  /** The box's own connection: chunks arrive on it together with everything else. */
  readonly reader: RetainedReader;
  /** Whether a door is deciding at present. */
  readonly isBusy: () => boolean;
  /** Epoch ms, null while the clock is not trusted. */
  readonly wall: () => number | null;
  readonly fetch?: Fetch;
  readonly limits?: TransferLimits;
}

/** A box's receiving side, from its configuration. @throws UsherError `store-unavailable`; `data-invalid` on a bad root, at first use */
export function openReceiving(options: ReceivingOptions): {
  readonly verifier: ReleaseVerifier;
  readonly transfer: Transfer;
} {
  const { config, root, dir, box, reader, isBusy, wall, fetch, limits = TRANSFER_LIMITS } = options;
  const pace = new Pace({ bytesPerSecond: (config.maxKbitPerSecond * 1000) / 8, isBusy, monotonicMs, limits });
  const source =
    config.source.type === 'https'
      ? new HttpsSource({ url: config.source.url, pace, limits, ...(fetch === undefined ? {} : { fetch }) })
      : new MqttSource({ reader, pace, limits });
  const floors = new TrustFloors(join(dir, 'trust'));
  const tuf = new TufClient({
    dir: join(dir, 'trust'),
    pinnedRoot: root,
    source,
    referenceTime: (keys) => floors.time(keys, wall()),
  });
  return {
    verifier: new FleetVerifier({ box, tuf, floors, source, wall, monotonicMs }),
    transfer: new ArchiveTransfer({ folder: join(dir, 'transfer'), source, limits }),
  };
}
