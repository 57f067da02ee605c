import {
  Key,
  MetadataKind,
  Metadata,
  MetaFile,
  Root,
  Signature,
  Snapshot,
  TargetFile,
  Targets,
  Timestamp,
} from '@tufjs/models';
import { UsherError } from '../../errors';
import { ISSUED_AT, WITHDRAWN } from '../trust/tuf-client';
import type { FleetKey } from './keys';
import { sha256Hex } from '../../digest';

const SPEC_VERSION = '1.0.31';

/** Validity of metadata by role, days. */
export interface Expiries {
  readonly rootDays: number;
  readonly targetsDays: number;
  readonly timestampDays: number;
}

export interface RootRoles {
  readonly root: { readonly keys: readonly FleetKey[]; readonly threshold: number };
  readonly targets: readonly FleetKey[];
  readonly online: readonly FleetKey[];
}

export interface TargetEntry {
  readonly bytes: number;
  readonly sha256: string;
  /** Further data that the fleet stores with it. */
  readonly custom?: Readonly<Record<string, string | number>> | undefined;
}

/** Signed metadata as a file, and its description in the parent's metadata. */
export interface SignedFile {
  readonly version: number;
  readonly bytes: Buffer;
}

interface Common {
  readonly version: number;
  /** Epoch ms. */
  readonly now: number;
}

/** Signed by the keys of the new root and by those of the one before it. */
export function signedRoot(
  roles: RootRoles,
  days: number,
  signers: readonly FleetKey[],
  { version, now }: Common,
): SignedFile {
  const root = new Root({
    ...common(version, days, now),
    consistentSnapshot: true,
    unrecognizedFields: { [ISSUED_AT]: now },
  });
  const add = (keys: readonly FleetKey[], role: string): void => {
    for (const { keyid, tuf } of keys)
      root.addKey(new Key({ keyID: keyid, keyType: tuf.keytype, scheme: tuf.scheme, keyVal: { ...tuf.keyval } }), role);
  };
  add(roles.root.keys, 'root');
  add(roles.targets, 'targets');
  add(roles.online, 'snapshot');
  add(roles.online, 'timestamp');
  Object.assign(root.roles['root'] ?? {}, { threshold: roles.root.threshold });
  return signed(new Metadata(root), signers, version);
}

export function signedTargets(
  targets: ReadonlyMap<string, TargetEntry>,
  withdrawn: readonly string[],
  days: number,
  keys: readonly FleetKey[],
  { version, now }: Common,
): SignedFile {
  const files = Object.fromEntries(
    [...targets].map(([path, { bytes, sha256, custom }]) => [
      path,
      new TargetFile({
        path,
        length: bytes,
        hashes: { sha256 },
        ...(custom === undefined ? {} : { unrecognizedFields: { custom: { ...custom } } }),
      }),
    ]),
  );
  const body = new Targets({
    ...common(version, days, now),
    targets: files,
    unrecognizedFields: { [WITHDRAWN]: [...withdrawn] },
  });
  return signed(new Metadata(body), keys, version);
}

export function signedSnapshot(
  targets: SignedFile,
  days: number,
  keys: readonly FleetKey[],
  { version, now }: Common,
): SignedFile {
  const body = new Snapshot({ ...common(version, days, now), meta: { 'targets.json': metaOf(targets) } });
  return signed(new Metadata(body), keys, version);
}

export function signedTimestamp(
  snapshot: SignedFile,
  days: number,
  keys: readonly FleetKey[],
  { version, now }: Common,
): SignedFile {
  const body = new Timestamp({
    ...common(version, days, now),
    snapshotMeta: metaOf(snapshot),
    unrecognizedFields: { [ISSUED_AT]: now },
  });
  return signed(new Metadata(body), keys, version);
}

/** A role in an earlier root. */
export interface RoleInRoot {
  readonly keyids: readonly string[];
  readonly threshold: number;
}

export interface RootFacts {
  readonly version: number;
  readonly expires: number;
  readonly roles: Readonly<Record<'root' | 'targets' | 'snapshot' | 'timestamp', RoleInRoot>>;
}

/** @throws UsherError `data-invalid` */
export function readRoot(bytes: Buffer): RootFacts {
  const { signed: root } = parsed(() => Metadata.fromJSON(MetadataKind.Root, json(bytes)), 'root');
  const role = (name: string): RoleInRoot => {
    const { keyIDs = [], threshold = 1 } = root.roles[name] ?? {};
    return { keyids: keyIDs, threshold };
  };
  return {
    version: root.version,
    expires: Date.parse(root.expires),
    roles: {
      root: role('root'),
      targets: role('targets'),
      snapshot: role('snapshot'),
      timestamp: role('timestamp'),
    },
  };
}

export interface TargetsFacts {
  readonly version: number;
  readonly expires: number;
  readonly targets: Map<string, TargetEntry>;
  readonly withdrawn: readonly string[];
}

/** @throws UsherError `data-invalid` */
export function readTargets(bytes: Buffer): TargetsFacts {
  const { signed: body } = parsed(() => Metadata.fromJSON(MetadataKind.Targets, json(bytes)), 'targets');
  const withdrawn = body.unrecognizedFields[WITHDRAWN];
  return {
    version: body.version,
    expires: Date.parse(body.expires),
    targets: new Map(
      Object.entries(body.targets).map(([path, target]) => [
        path,
        {
          bytes: target.length,
          sha256: target.hashes['sha256'] ?? '',
          custom: target.custom as Record<string, string | number>,
        },
      ]),
    ),
    withdrawn: Array.isArray(withdrawn) ? withdrawn.map(String) : [],
  };
}

/** Version and version of the snapshot that it names. @throws UsherError `data-invalid` */
export function readTimestamp(bytes: Buffer): {
  readonly version: number;
  readonly snapshot: number;
  readonly expires: number;
} {
  const { signed: body } = parsed(() => Metadata.fromJSON(MetadataKind.Timestamp, json(bytes)), 'timestamp');
  return { version: body.version, snapshot: body.snapshotMeta.version, expires: Date.parse(body.expires) };
}

/** Version of the targets that it names. @throws UsherError `data-invalid` */
export function readSnapshot(bytes: Buffer): { readonly targets: number; readonly expires: number } {
  const { signed: body } = parsed(() => Metadata.fromJSON(MetadataKind.Snapshot, json(bytes)), 'snapshot');
  return { targets: body.meta['targets.json']?.version ?? 0, expires: Date.parse(body.expires) };
}

function json(bytes: Buffer): Parameters<typeof Metadata.fromJSON>[1] {
  return JSON.parse(bytes.toString('utf8')) as Parameters<typeof Metadata.fromJSON>[1];
}

function parsed<T>(work: () => T, role: string): T {
  try {
    return work();
  } catch (error) {
    throw new UsherError('data-invalid', `the ${role} metadata of this fleet cannot be read`, {
      remedy: 'Put back a backup of the fleet’s folder.',
      cause: error,
    });
  }
}

function common(version: number, days: number, now: number) {
  // Whole seconds: other implementations of TUF accept no fractions.
  const expires = new Date(now + days * 86_400_000).toISOString().replace(/\.\d+Z$/, 'Z');
  return { version, specVersion: SPEC_VERSION, expires };
}

function metaOf({ version, bytes }: SignedFile): MetaFile {
  const sha256 = sha256Hex(bytes);
  return new MetaFile({ version, length: bytes.length, hashes: { sha256 } });
}

function signed(
  metadata: Metadata<Root> | Metadata<Targets> | Metadata<Snapshot> | Metadata<Timestamp>,
  keys: readonly FleetKey[],
  version: number,
): SignedFile {
  for (const key of keys) metadata.sign((bytes) => new Signature({ keyID: key.keyid, sig: key.sign(bytes) }));
  return { version, bytes: Buffer.from(JSON.stringify(metadata.toJSON())) };
}
