import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MetaFile, Root } from '@tufjs/models';
import { TrustedMetadataStore } from 'tuf-js/dist/store';
import { messageOf, systemCode, UsherError } from '../../errors';
import { writeDurably } from '../../files/durable-file';
import { refuse } from '../refusal';
import { accept, attempt, type Role, sane } from './metadata-check';
import { metadataPath, type RepositorySource } from './source';

/** Largest files that are read before a signature on them is verified. */
export const TUF_LIMITS = {
  rootBytes: 64 * 1024,
  timestampBytes: 8 * 1024,
  snapshotBytes: 64 * 1024,
  targetsBytes: 1024 * 1024,
  /** New roots in one refresh; the next refresh continues. */
  rootRotations: 64,
} as const;

/** Fields of usher in the metadata, signed with the rest. */
export const ISSUED_AT = 'x-usher-issued-at';
export const WITHDRAWN = 'x-usher-withdrawn';

export interface TargetInfo {
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * Who may sign offers: the keys of the role `timestamp`, which the person who keeps the repository fresh has at hand.
 */
export interface OfferKeys {
  /** Key id to raw public key in hex; Ed25519 keys alone. */
  readonly keys: ReadonlyMap<string, string>;
  readonly threshold: number;
  /** When the root that names them was signed, epoch ms; 0 where it does not say. */
  readonly rootIssuedAt: number;
}

export interface TrustedRepository extends OfferKeys {
  /** When the newest timestamp was signed, epoch ms; 0 where it does not say. */
  readonly issuedAt: number;
  readonly targets: ReadonlyMap<string, TargetInfo>;
  /** Releases that the fleet withdrew. */
  readonly withdrawn: ReadonlySet<string>;
}

export interface TufClientOptions {
  /** Where trusted metadata is kept. */
  readonly dir: string;
  /** The root from the box's configuration. */
  readonly pinnedRoot: Uint8Array;
  readonly source: RepositorySource;
  /** The time against which metadata expires, epoch ms, for a root that names these keys. */
  readonly referenceTime: (keys: OfferKeys) => number;
}

type Store = TrustedMetadataStore;

/**
 * The client workflow of TUF 1.0.31 (section 5.3 to 5.6) over the checks of tuf-js, whose own `Updater` is not used: it writes
 * metadata in place and without fsync, so that a power cut leaves half a file; it fetches through temporary files; it takes the
 * machine's clock as it is; and it wraps the reason of a refusal into text. Here each file is kept durably the moment it is
 * trusted, so an older one is refused afterwards whatever happens next. One client a box; refreshes do not overlap.
 */
export class TufClient {
  private queue: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: TufClientOptions) {}

  /**
   * Who may sign offers by the trusted root; fetches nothing. @throws UsherError `data-invalid` for a bad pinned root
   */
  offerKeys(): OfferKeys {
    return offerKeysOf(this.open().root.signed);
  }

  /** Like `offerKeys`, after a search for newer roots. @throws ReleaseRefused, UsherError as `RepositorySource.file` */
  freshOfferKeys(signal?: AbortSignal): Promise<OfferKeys> {
    return this.alone(async () => {
      const store = this.open();
      await this.updateRoot(store, signal);
      return offerKeysOf(store.root.signed);
    });
  }

  /** All of the metadata, brought up to date and checked. @throws ReleaseRefused, UsherError as `RepositorySource.file` */
  refresh(signal?: AbortSignal): Promise<TrustedRepository> {
    return this.alone(async () => {
      const store = this.open();
      await this.updateRoot(store, signal);
      await this.updateTimestamp(store, signal);
      await this.updateSnapshot(store, signal);
      await this.updateTargets(store, signal);
      return repositoryOf(store);
    });
  }

  private alone<T>(work: () => Promise<T>): Promise<T> {
    const next = this.queue.then(work, work);
    this.queue = next.catch(() => undefined);
    return next;
  }

  /** The newest available root: the pinned one may be newer than the stored one after a change of the configuration. */
  private open(): Store {
    let store: Store;
    try {
      store = new TrustedMetadataStore(Buffer.from(this.options.pinnedRoot));
    } catch (error) {
      throw new UsherError('data-invalid', `the fleet's root of trust is not one: ${messageOf(error)}`, {
        remedy: 'Put root.json of `usher fleet init` where fleet.root of the configuration points to.',
        cause: error,
      });
    }
    const kept = this.read('root');
    if (kept !== null) {
      try {
        const later = new TrustedMetadataStore(kept);
        if (later.root.signed.version > store.root.signed.version) store = later;
      } catch {
        // A damaged file: the chain is verified again from the pinned root.
      }
    }
    // Private in tuf-js, which would take the machine's clock; a box without one has a better idea of the time.
    Object.assign(store, { referenceTime: new Date(this.options.referenceTime(offerKeysOf(store.root.signed))) });
    return store;
  }

  /** 5.3: one root after the other, each signed by the one before and by itself. */
  private async updateRoot(store: Store, signal?: AbortSignal): Promise<void> {
    for (let count = 0; count < TUF_LIMITS.rootRotations; count++) {
      const version = store.root.signed.version + 1;
      const bytes = await this.options.source.file(metadataPath('root', version), TUF_LIMITS.rootBytes, signal);
      if (bytes === null) return;
      const root = sane(bytes, 'root');
      accept('root', () => void store.updateRoot(root));
      this.keep('root', root);
    }
  }

  /** 5.4: the stored one first, so that an older one is refused. */
  private async updateTimestamp(store: Store, signal?: AbortSignal): Promise<void> {
    const kept = this.read('timestamp');
    if (kept !== null) attempt(() => void store.updateTimestamp(kept));
    const bytes = await this.fetch(metadataPath('timestamp', null), TUF_LIMITS.timestampBytes, signal);
    const timestamp = sane(bytes, 'timestamp');
    const isNew = accept('timestamp', () => void store.updateTimestamp(timestamp));
    if (isNew) this.keep('timestamp', timestamp);
  }

  /** 5.5 */
  private async updateSnapshot(store: Store, signal?: AbortSignal): Promise<void> {
    const kept = this.read('snapshot');
    if (kept !== null && attempt(() => void store.updateSnapshot(kept, true))) return;
    const meta = store.timestamp?.signed.snapshotMeta;
    const bytes = await this.fetchRole(store, 'snapshot', meta, TUF_LIMITS.snapshotBytes, signal);
    accept('snapshot', () => void store.updateSnapshot(bytes));
    this.keep('snapshot', bytes);
  }

  /** 5.6; the top-level role alone: a fleet's releases are not delegated. */
  private async updateTargets(store: Store, signal?: AbortSignal): Promise<void> {
    const kept = this.read('targets');
    if (kept !== null && attempt(() => store.updateDelegatedTargets(kept, 'targets', 'root'))) return;
    const meta = store.snapshot?.signed.meta['targets.json'];
    const bytes = await this.fetchRole(store, 'targets', meta, TUF_LIMITS.targetsBytes, signal);
    accept('targets', () => store.updateDelegatedTargets(bytes, 'targets', 'root'));
    this.keep('targets', bytes);
  }

  private async fetchRole(
    store: Store,
    role: 'snapshot' | 'targets',
    meta: MetaFile | undefined,
    maxBytes: number,
    signal?: AbortSignal,
  ): Promise<Buffer> {
    if (meta === undefined) return refuse('metadata-mixed', `nothing names a ${role}.json`);
    if (meta.length !== undefined && meta.length > maxBytes) refuse('oversize', `${role}.json of ${meta.length} bytes`);
    const version = store.root.signed.consistentSnapshot ? meta.version : null;
    const bytes = await this.fetch(metadataPath(role, version), meta.length ?? maxBytes, signal);
    // The digests first: what follows parses.
    try {
      meta.verify(bytes);
    } catch (error) {
      refuse('metadata-mixed', `${role}.json is not the one that was announced`, error);
    }
    return sane(bytes, role);
  }

  private async fetch(path: string, maxBytes: number, signal?: AbortSignal): Promise<Buffer> {
    const bytes = await this.options.source.file(path, maxBytes, signal);
    return bytes === null ? refuse('metadata-missing', path) : Buffer.from(bytes);
  }

  private read(role: Role): Buffer | null {
    try {
      return readFileSync(join(this.options.dir, `${role}.json`));
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return null;
      throw unkept(this.options.dir, error);
    }
  }

  private keep(role: Role, bytes: Buffer): void {
    try {
      writeDurably(join(this.options.dir, `${role}.json`), bytes);
    } catch (error) {
      throw unkept(this.options.dir, error);
    }
  }
}

function offerKeysOf(root: Root): OfferKeys {
  const role = root.roles['timestamp'];
  const keys = new Map<string, string>();
  for (const id of role?.keyIDs ?? []) {
    const key = root.keys[id];
    const raw = key?.keyVal['public'] ?? '';
    if (key?.keyType === 'ed25519' && key.scheme === 'ed25519' && /^[0-9a-f]{64}$/.test(raw)) keys.set(id, raw);
  }
  return { keys, threshold: role?.threshold ?? Infinity, rootIssuedAt: timeIn(root.unrecognizedFields) };
}

function repositoryOf(store: Store): TrustedRepository {
  const signed = store.targets?.signed;
  const targets = new Map<string, TargetInfo>();
  for (const [path, { length, hashes }] of Object.entries(signed?.targets ?? {}))
    if (hashes['sha256'] !== undefined) targets.set(path, { bytes: length, sha256: hashes['sha256'] });
  const withdrawn = signed?.unrecognizedFields[WITHDRAWN];
  return {
    ...offerKeysOf(store.root.signed),
    issuedAt: timeIn(store.timestamp?.signed.unrecognizedFields ?? {}),
    targets,
    withdrawn: new Set(Array.isArray(withdrawn) ? withdrawn.filter((id) => typeof id === 'string') : []),
  };
}

function timeIn(fields: Readonly<Record<string, unknown>>): number {
  const at = fields[ISSUED_AT];
  return typeof at === 'number' && Number.isSafeInteger(at) && at > 0 && at <= 8.64e15 ? at : 0;
}

function unkept(dir: string, cause: unknown): UsherError {
  return new UsherError(
    'store-unavailable',
    `what the fleet is trusted by cannot be kept in ${dir}: ${messageOf(cause)}`,
    {
      remedy: 'Check free disk space, and that the user of usher owns the data folder.',
      cause,
    },
  );
}
