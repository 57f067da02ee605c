import { decode } from '../../mqtt/topics/decode';
import { UpdateDesiredPayload } from '../../mqtt/topics/update-payloads';
import { trustedKey } from '../../access/keys/device-key';
import {
  type BoxFacts,
  compareVersions,
  type Desired,
  type HeardOn,
  type Offer,
  RELEASE_LIMITS,
  ReleaseDocument,
  type ReleaseVerifier,
  type RunningRelease,
  type VerifiedRelease,
  WHOLE_FLEET,
} from '../release';
import { refuse } from '../refusal';
import type { TrustFloors } from './floors';
import { documentTarget, type RepositorySource, targetPath } from './source';
import type { OfferKeys, TrustedRepository, TufClient } from './tuf-client';
import { sha256Hex } from '../../digest';

export const OFFER_DOMAIN = 'usher-offer-v1';
/** Offers under unknown keys make the box look for a new root at most this often. */
const LOOK_UP_EVERY_MS = 60_000;

export interface VerifierOptions {
  readonly box: BoxFacts;
  readonly tuf: TufClient;
  readonly floors: TrustFloors;
  readonly source: RepositorySource;
  /** Epoch ms, or null while the box's clock is not trusted. */
  readonly wall: () => number | null;
  readonly monotonicMs: () => number;
}

/** Verifies offers and releases from the root of trust in the configuration. */
export class FleetVerifier implements ReleaseVerifier {
  private lookedUpAt = -Infinity;

  constructor(private readonly options: VerifierOptions) {}

  async authenticate(bytes: Uint8Array, heardOn: HeardOn, signal?: AbortSignal): Promise<Desired> {
    const decoded = decode(UpdateDesiredPayload, bytes);
    if (!decoded.ok) return refuse('malformed', decoded.detail);
    const desired = decoded.value;
    this.checkAddressee(desired, heardOn);
    const keys = await this.checkSignatures(desired, signal);
    const { floors, wall } = this.options;
    if (floors.time(keys, wall()) > desired.notAfter)
      refuse('offer-expired', `void since ${new Date(desired.notAfter).toISOString()}`);
    this.checkOrder(desired, keys);
    return desired;
  }

  async verify(offer: Offer, running: RunningRelease | null, signal?: AbortSignal): Promise<VerifiedRelease> {
    const { tuf, floors, wall } = this.options;
    const repository = await tuf.refresh(signal);
    floors.raise(repository, repository.issuedAt, wall());
    const release = await this.documentOf(offer, repository, signal);
    checkDocument(release, offer, repository);
    if (floors.time(repository, wall()) > release.notAfter)
      refuse('release-expired', `not to be begun after ${new Date(release.notAfter).toISOString()}`);
    checkRequirements(release, this.options.box);
    if (running !== null) checkSuccession(release, running);
    return { offer, release };
  }

  /** Prevents that an offer for one box or group is used for another. */
  private checkAddressee({ scope }: Desired, heardOn: HeardOn): void {
    const { box } = this.options;
    if (scope.kind === 'device') {
      const fits = heardOn.kind === 'device' && scope.site === box.site && scope.device === box.device;
      if (!fits) refuse('wrong-device', `it is for ${scope.site}/${scope.device}`);
      return;
    }
    const mine = scope.group === WHOLE_FLEET || box.groups.includes(scope.group);
    if (!mine || heardOn.kind !== 'group' || heardOn.group !== scope.group)
      refuse('wrong-group', `it is for ${scope.group}`);
  }

  private async checkSignatures(desired: Desired, signal?: AbortSignal): Promise<OfferKeys> {
    if (desired.signatures.length === 0) refuse('unsigned', 'none');
    const known = this.options.tuf.offerKeys();
    const isKnown = (keys: OfferKeys): boolean => desired.signatures.some(({ keyid }) => keys.keys.has(keyid));
    const keys = isKnown(known) ? known : await this.lookUp(known, signal);
    if (!isKnown(keys)) refuse('unknown-key', desired.signatures.map(({ keyid }) => keyid.slice(0, 12)).join(', '));
    const { signatures, ...statement } = desired;
    const signers = new Set<string>();
    for (const { keyid, sig } of signatures) {
      const raw = keys.keys.get(keyid);
      if (raw === undefined) continue;
      const key = trustedKey(`ed25519:${Buffer.from(raw, 'hex').toString('base64')}`);
      if (!key.verify(OFFER_DOMAIN, statement, sig)) refuse('bad-signature', `of key ${keyid.slice(0, 12)}`);
      signers.add(keyid);
    }
    if (signers.size < keys.threshold) refuse('unsigned', `${signers.size} of ${keys.threshold}`);
    return keys;
  }

  /** The fleet may have new keys. A flood of unknown keys must not make the box fetch without end. */
  private async lookUp(known: OfferKeys, signal?: AbortSignal): Promise<OfferKeys> {
    const now = this.options.monotonicMs();
    if (now - this.lookedUpAt < LOOK_UP_EVERY_MS) return known;
    this.lookedUpAt = now;
    return this.options.tuf.freshOfferKeys(signal);
  }

  /** Prevents that an offer of last week, still validly signed, is replayed. */
  private checkOrder(desired: Desired, keys: OfferKeys): void {
    const { scope, seq } = desired;
    const addressee = scope.kind === 'device' ? 'device' : `group ${scope.group}`;
    const sha256 = sha256Hex(JSON.stringify(desired));
    const last = this.options.floors.seen(keys, addressee);
    if (last !== null && seq < last.seq) refuse('offer-replayed', `number ${seq}, seen was ${last.seq}`);
    if (last?.seq === seq && last.sha256 !== sha256) refuse('offer-replayed', `another one has the number ${seq}`);
    if (last?.seq !== seq) this.options.floors.note(keys, addressee, seq, sha256);
  }

  private async documentOf(
    offer: Offer,
    repository: TrustedRepository,
    signal?: AbortSignal,
  ): Promise<ReleaseDocument> {
    const target = documentTarget(offer.release);
    const info = repository.targets.get(target);
    if (info === undefined || repository.withdrawn.has(offer.release)) return refuse('revoked', offer.release);
    if (info.sha256 !== offer.document.sha256 || info.bytes !== offer.document.bytes)
      return refuse('target-swapped', `${target} has the digest ${info.sha256.slice(0, 12)} in the repository`);
    if (info.bytes > RELEASE_LIMITS.documentBytes) return refuse('oversize', `a document of ${info.bytes} bytes`);
    const path = targetPath(target, info.sha256);
    const bytes = await this.options.source.file(path, info.bytes, signal);
    if (bytes === null) return refuse('metadata-missing', path);
    const actual = sha256Hex(bytes);
    if (actual !== info.sha256) {
      const other = [...repository.targets].find(([, { sha256 }]) => sha256 === actual)?.[0];
      return other === undefined
        ? refuse('digest-mismatch', path)
        : refuse('target-swapped', `${target} was answered with ${other}`);
    }
    const document = decode(ReleaseDocument, bytes, RELEASE_LIMITS.documentBytes);
    return document.ok ? document.value : refuse('document-malformed', document.detail);
  }
}

function checkDocument(release: ReleaseDocument, offer: Offer, { targets }: TrustedRepository): void {
  if (release.id !== offer.release || release.channel !== offer.channel || release.version !== offer.version)
    refuse('document-differs', `${release.id} ${release.version} for ${release.channel}`);
  const { path, bytes, sha256 } = release.archive;
  if (bytes > RELEASE_LIMITS.archiveBytes) refuse('oversize', `${bytes} bytes, at most ${RELEASE_LIMITS.archiveBytes}`);
  const archive = targets.get(path);
  if (archive?.sha256 !== sha256 || archive.bytes !== bytes)
    refuse('target-swapped', `the repository has other bytes, or none, for ${path}`);
}

/** @throws ReleaseRefused `requires-usher`, `requires-arch`, `requires-memory` */
export function checkRequirements({ requires }: ReleaseDocument, box: BoxFacts): void {
  const { usher, arch, memoryMiB } = requires;
  if (usher !== null && compareVersions(box.usher, usher) < 0)
    refuse('requires-usher', `${usher}, this is ${box.usher}`);
  if (arch !== null && !arch.some((one) => one === box.arch))
    refuse('requires-arch', `${arch.join(' or ')}, this is ${box.arch}`);
  if (memoryMiB !== null && box.memoryMiB < memoryMiB)
    refuse('requires-memory', `${memoryMiB} MiB, this machine has ${box.memoryMiB}`);
}

/** @throws ReleaseRefused `serial-older`, `version-older`, `embedding-space` */
export function checkSuccession(release: ReleaseDocument, running: RunningRelease): void {
  if (release.serial < running.serial)
    refuse('serial-older', `release ${release.serial} of the channel, ${running.serial} runs`);
  if (release.rollback === null && compareVersions(release.version, running.version) < 0)
    refuse('version-older', `${release.version}, ${running.version} runs`);
  const { embedding } = release;
  if (embedding?.rule === 'same' && running.space !== null && embedding.space !== running.space)
    refuse('embedding-space', `${embedding.space}, the templates are of ${running.space}`);
}
