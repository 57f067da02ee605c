import { createHash } from 'node:crypto';
import { z } from 'zod';
import {
  Channel,
  CHUNK_MAX_BYTES,
  type Offer,
  type OfferScope,
  ReleaseId,
  type Rollout,
  type UpdateDesiredPayload,
  Version,
  WHOLE_FLEET,
} from '../mqtt/topics/update-payloads';

export { Channel, Offer, OfferScope, ReleaseId, Rollout, Version, WHOLE_FLEET };
/** An authentic document of what is wanted; see `UpdateDesiredPayload`. */
export type Desired = UpdateDesiredPayload;

/** Limits of a release. A box is small, and even a signed release may be wrong. */
export const RELEASE_LIMITS = {
  archiveBytes: 96 * 1024 * 1024,
  documentBytes: 512 * 1024,
  /** Files in an archive, and the longest of their names. */
  files: 64,
  nameLength: 128,
  /** Smallest chunk: a smaller one makes the document long. */
  minChunkBytes: 1024,
} as const;

export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const At = z.number().int().min(0).max(8.64e15);
const Text = z.string().max(512);

/** SHA-256 of each chunk, one after the other, in base64: a bad chunk is detected when it arrives, whatever its source. */
const ChunkDigests = z.string().regex(/^[A-Za-z0-9+/]*={0,2}$/);

const Archive = z
  .strictObject({
    /** Path of the target in the repository. */
    path: z.string().regex(/^archives\/[a-z0-9][a-z0-9.-]{0,126}\.tar$/),
    bytes: z
      .number()
      .int()
      .min(512)
      .max(2 ** 40),
    sha256: Sha256,
    chunkBytes: z.number().int().min(RELEASE_LIMITS.minChunkBytes).max(CHUNK_MAX_BYTES),
    chunks: ChunkDigests,
  })
  .refine(
    ({ bytes, chunkBytes, chunks }) => Buffer.from(chunks, 'base64').length === Math.ceil(bytes / chunkBytes) * 32,
    'one digest a chunk',
  );
export type ArchiveInfo = z.infer<typeof Archive>;

/** What a box must be for a release to be of use to it; null: it does not matter. */
const Requirements = z.strictObject({
  /** Lowest version of usher. */
  usher: Version.nullable(),
  arch: z
    .array(z.enum(['x64', 'arm64']))
    .max(2)
    .nullable(),
  memoryMiB: z.number().int().min(1).max(1_000_000).nullable().describe('Memory of the machine'),
});
export type Requirements = z.infer<typeof Requirements>;

/**
 * What happens to stored templates when an encoder is activated. `same`: the vectors are of the present space, nothing to do.
 * `re-encode`: kept enrolment crops are encoded again before the switch. `re-enrol`: members must be enrolled again.
 */
const EmbeddingRule = z.strictObject({
  space: z.string().regex(/^[a-z0-9][a-z0-9._-]{2,63}$/),
  rule: z.enum(['same', 're-encode', 're-enrol']),
});
export type EmbeddingRule = z.infer<typeof EmbeddingRule>;

/**
 * A release: a target of the repository (`releases/<id>.json`), so TUF vouches for its bytes, and through its digests for the
 * archive's.
 */
export const ReleaseDocument = z
  .strictObject({
    v: z.literal(1),
    id: ReleaseId,
    channel: Channel,
    /** Grows with every release of a channel; a box never goes to a lower one. */
    serial: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
    version: Version,
    /** bundle: a folder with a card. config: `config.yaml`, settings that are laid over the operator's (`ReleasedConfig`). thresholds: `thresholds.json`, a table for the card that is installed. */
    kind: z.enum(['bundle', 'config', 'thresholds']),
    /** Name and version in the card, for a bundle; what the table is for, for thresholds. */
    model: z.strictObject({ name: z.string().max(64), version: Version, sha256: Sha256 }).nullable(),
    createdAt: At,
    /** Not to be begun after this. */
    notAfter: At,
    summary: Text,
    archive: Archive,
    requires: Requirements,
    embedding: EmbeddingRule.nullable(),
    /** Set where the fleet wants an older version back. Without it a lower version than the running one is refused. */
    rollback: z.strictObject({ reason: Text }).nullable(),
  })
  .refine(({ kind, model }) => (kind === 'config') === (model === null), 'a model, save for kind config');
export type ReleaseDocument = z.infer<typeof ReleaseDocument>;

/** A release for which the whole chain of trust was walked just now. */
export interface VerifiedRelease {
  readonly offer: Offer;
  readonly release: ReleaseDocument;
}

/** On which topic a document was heard: that of this box, or that of one of its groups. */
export type HeardOn = OfferScope;

/** What this box is, for the requirements of a release. */
export interface BoxFacts {
  readonly site: string;
  readonly device: string;
  readonly groups: readonly string[];
  readonly usher: string;
  readonly arch: string;
  readonly memoryMiB: number;
}

/** What runs on a channel now. */
export interface RunningRelease {
  /** 0 where it was not installed by a release. */
  readonly serial: number;
  readonly version: string;
  /** Embedding space of the templates that are in use; null on channels without any. */
  readonly space: string | null;
}

export interface ReleaseVerifier {
  /**
   * From bytes off the network to an authentic document: form, addressee, signatures, age, order. It is remembered as the newest of
   * its scope; after a power cut too, an older one is refused.
   * @throws ReleaseRefused; UsherError `download-failed`, `broker-failed` when the fleet's keys had to be looked up and could not be
   */
  authenticate(bytes: Uint8Array, heardOn: HeardOn, signal?: AbortSignal): Promise<Desired>;
  /**
   * Refreshes the metadata and walks the chain from the root to the release's document. `running` null: nothing runs there yet.
   * @throws ReleaseRefused; UsherError `download-failed`, `broker-failed` (try again), `store-unavailable`
   */
  verify(offer: Offer, running: RunningRelease | null, signal?: AbortSignal): Promise<VerifiedRelease>;
}

export interface TransferProgress {
  /** Bytes that are there and have the right digests, of `total`. */
  readonly have: number;
  readonly total: number;
  /** Bytes that came over the network in this process, wrong and repeated ones included. */
  readonly received: number;
}

export interface Transfer {
  /**
   * Brings the release's archive here, checks and unpacks it. `dir` appears at the end, whole and flushed, or not at all; what was
   * fetched of an archive outlives the process and is continued, after its digests were looked at again.
   * @param dir must not exist; its parent folder must
   * @throws ReleaseRefused (its bytes are at fault: quarantine); UsherError `download-failed`, `broker-failed` (try again),
   *   `store-unavailable` (the disk), `cancelled`
   */
  fetch(
    verified: VerifiedRelease,
    dir: string,
    onProgress?: (progress: TransferProgress) => void,
    signal?: AbortSignal,
  ): Promise<void>;
  /** Drops what is kept of an archive. */
  forget(sha256: string): Promise<void>;
}

/**
 * A box's place in a rollout, 0 to 9999: the first boxes are others for each release. Uniform, and the same wherever it is computed.
 */
export function rolloutPlace(release: string, site: string, device: string): number {
  const digest = createHash('sha256').update(`usher-rollout-v1\n${release}\n${site}/${device}`).digest();
  // 2^32 is so far above 10000 that what the remainder prefers is below one in 400,000.
  return digest.readUInt32BE(0) % 10_000;
}

/** Whether the stage that is open has reached this box. */
export function isInRollout(offer: Offer, site: string, device: string): boolean {
  const open = offer.rollout.stages[offer.rollout.stage] ?? 0;
  return rolloutPlace(offer.release, site, device) < open;
}

/** -1, 0 or 1, by numbers. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number)) as [number[], number[]];
  for (const [index, part] of left.entries()) {
    const other = right[index] ?? 0;
    if (part !== other) return part < other ? -1 : 1;
  }
  return 0;
}
