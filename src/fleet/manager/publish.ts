import { UsherError } from '../../errors';
import { CHUNK_MAX_BYTES } from '../../mqtt/topics/update-payloads';
import {
  type ArchiveInfo,
  compareVersions,
  type EmbeddingRule,
  type Offer,
  ReleaseDocument,
  RELEASE_LIMITS,
  type Requirements,
} from '../release';
import { decode } from '../../mqtt/topics/decode';
import { archiveTarget, documentTarget, targetPath } from '../trust/source';
import type { ReleaseContent } from './content';
import { sha256Hex } from '../../digest';
import type { FleetFolder } from './fleet-folder';
import type { TargetEntry } from './tuf-writer';

/** Small, so that a broken connection costs little; large, so that a document of many chunks stays short. */
export function defaultChunkBytes(archiveBytes: number): number {
  return archiveBytes <= 8 * 1024 * 1024 ? 4 * 1024 : 16 * 1024;
}

export interface NewRelease {
  readonly channel: string;
  /** Null uses the content's own. */
  readonly version: string | null;
  readonly summary: string;
  readonly requires: Requirements;
  /** For an encoder. */
  readonly embeddingRule: EmbeddingRule['rule'];
  readonly lifeDays: number;
  readonly chunkBytes?: number;
  readonly now: number;
}

/** A release of a channel in the repository. */
export interface KnownRelease {
  readonly id: string;
  readonly channel: string;
  readonly serial: number;
  readonly version: string;
  readonly document: TargetEntry;
}

export function releasesOf(fleet: FleetFolder, channel?: string): KnownRelease[] {
  const known: KnownRelease[] = [];
  for (const [target, document] of fleet.targets.targets) {
    const id = /^releases\/(.+)\.json$/.exec(target)?.[1];
    const { channel: of, serial, version } = document.custom ?? {};
    if (id === undefined || typeof of !== 'string' || typeof serial !== 'number' || typeof version !== 'string')
      continue;
    if (channel === undefined || of === channel) known.push({ id, channel: of, serial, version, document });
  }
  return known.sort((a, b) => b.serial - a.serial);
}

/**
 * Signs a release into the repository, without offering it.
 * @throws UsherError `usage` (a version that is not above the last), `key-unusable`, `store-unavailable`
 */
export function addRelease(fleet: FleetFolder, content: ReleaseContent, release: NewRelease): KnownRelease {
  const version = release.version ?? content.version;
  if (version === null)
    throw new UsherError('usage', 'what is published has no version of its own', {
      remedy: 'Give one: --as 1.2.3',
    });
  const last = releasesOf(fleet, release.channel)[0];
  if (last !== undefined && compareVersions(version, last.version) <= 0)
    throw new UsherError('usage', `${release.channel} has ${last.version} already; ${version} is not above it`, {
      remedy: 'Give a higher version, or bring an older one back with `usher fleet rollback`.',
    });
  const chunkBytes = release.chunkBytes ?? defaultChunkBytes(content.tar.length);
  if (!(chunkBytes >= RELEASE_LIMITS.minChunkBytes && chunkBytes <= CHUNK_MAX_BYTES))
    throw new UsherError('usage', `chunks of ${RELEASE_LIMITS.minChunkBytes} to ${CHUNK_MAX_BYTES} bytes`);
  const id = idOf(fleet, release.channel, version);
  const archive = archiveOf(archiveTarget(id), content.tar, chunkBytes);
  return put(fleet, content.tar, {
    v: 1,
    id,
    channel: release.channel,
    serial: nextSerial(fleet, release.channel),
    version,
    kind: content.kind,
    model: content.model,
    createdAt: release.now,
    notAfter: release.now + release.lifeDays * 86_400_000,
    summary: release.summary,
    archive,
    requires: release.requires,
    embedding: content.space === null ? null : { space: content.space, rule: release.embeddingRule },
    rollback: null,
  });
}

/**
 * Signs an older release of a channel again: a new release of the old archive, with the permission that a box requires
 * before it installs a lower version.
 * @param to version; null: the one before the newest
 * @throws UsherError `usage`, `key-unusable`, `store-unavailable`
 */
export function addRollback(
  fleet: FleetFolder,
  channel: string,
  { to, reason, lifeDays, now }: { to: string | null; reason: string; lifeDays: number; now: number },
): KnownRelease {
  const known = releasesOf(fleet, channel);
  const newest = known[0];
  const { withdrawn } = fleet.targets;
  const found = known.find(
    ({ id, version }) => !withdrawn.includes(id) && (to === null ? version !== newest?.version : version === to),
  );
  if (newest === undefined || found === undefined)
    throw new UsherError('usage', `${channel} has no release ${to ?? 'before the newest'} to go back to`, {
      remedy:
        known.length === 1 && to === null
          ? `It is the first one: usher fleet rollout abort ${channel} takes it back, and boxes go on with what they came with.`
          : `It has: ${known.map(({ version }) => version).join(', ') || 'none'}.`,
    });
  const before = documentOf(fleet, found);
  const id = idOf(fleet, channel, before.version);
  const release: ReleaseDocument = {
    ...before,
    id,
    serial: nextSerial(fleet, channel),
    createdAt: now,
    notAfter: now + lifeDays * 86_400_000,
    rollback: { reason },
  };
  return put(fleet, null, release);
}

/** Withdraws a release: no box starts it any more. @throws UsherError `usage`, `key-unusable`, `store-unavailable` */
export function withdraw(fleet: FleetFolder, id: string, now: number): KnownRelease {
  const release = releasesOf(fleet).find((known) => known.id === id);
  if (release === undefined)
    throw new UsherError('usage', `the fleet has no release ${id}`, {
      remedy: `It has: ${
        releasesOf(fleet)
          .map((known) => known.id)
          .join(', ') || 'none'
      }.`,
    });
  const { targets, withdrawn } = fleet.targets;
  fleet.commit(targets, [...new Set([...withdrawn, id])], now);
  return release;
}

export function offerOf(release: KnownRelease, rollout: Offer['rollout']): Offer {
  const { id, channel, version, document } = release;
  return { channel, release: id, version, document: { bytes: document.bytes, sha256: document.sha256 }, rollout };
}

/** @throws UsherError `data-invalid` */
export function documentOf(fleet: FleetFolder, { id, document }: KnownRelease): ReleaseDocument {
  const bytes = fleet.read(targetPath(documentTarget(id), document.sha256));
  const decoded = decode(ReleaseDocument, bytes, RELEASE_LIMITS.documentBytes);
  if (decoded.ok) return decoded.value;
  throw new UsherError('data-invalid', `the document of ${id} cannot be read: ${decoded.detail}`);
}

function put(fleet: FleetFolder, tar: Buffer | null, draft: ReleaseDocument): KnownRelease {
  const release = ReleaseDocument.parse(draft);
  const bytes = Buffer.from(`${JSON.stringify(release)}\n`);
  if (bytes.length > RELEASE_LIMITS.documentBytes)
    throw new UsherError('usage', 'chunks so small make the document too long: give a larger --chunk');
  const { archive, id, channel, serial, version } = release;
  const document: TargetEntry = { bytes: bytes.length, sha256: sha256Hex(bytes), custom: { channel, serial, version } };
  if (tar !== null) fleet.putTarget(archive.path, archive.sha256, tar);
  fleet.putTarget(documentTarget(id), document.sha256, bytes);
  const { targets, withdrawn } = fleet.targets;
  targets.set(archive.path, { bytes: archive.bytes, sha256: archive.sha256 });
  targets.set(documentTarget(id), document);
  fleet.commit(targets, withdrawn, release.createdAt);
  return { id, channel, serial, version, document };
}

function nextSerial(fleet: FleetFolder, channel: string): number {
  return (releasesOf(fleet, channel)[0]?.serial ?? 0) + 1;
}

/** The serial makes it unique: a version may occur again after a rollback. */
function idOf(fleet: FleetFolder, channel: string, version: string): string {
  return `${channel.replace('/', '-')}-${nextSerial(fleet, channel)}-${version}`;
}

export function archiveOf(target: string, tar: Uint8Array, chunkBytes: number): ArchiveInfo {
  const digests: Buffer[] = [];
  for (let at = 0; at < tar.length; at += chunkBytes)
    digests.push(Buffer.from(sha256Hex(tar.subarray(at, at + chunkBytes)), 'hex'));
  return {
    path: target,
    bytes: tar.length,
    sha256: sha256Hex(tar),
    chunkBytes,
    chunks: Buffer.concat(digests).toString('base64'),
  };
}
