import { z } from 'zod';

/**
 * What travels on the topics of fleet updates. Same rules as in `payloads.ts`: fields are only added, times are epoch
 * milliseconds, nothing names a person.
 */
const V1 = z.literal(1);
const At = z.number().int().min(0).max(8.64e15);
const Name = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/);
const Code = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/);
const Count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** What a release replaces: one running thing of a box, like `wake/computer`, `face/encoder`, `scene`, `config`, `thresholds`. */
export const Channel = z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}(\/[a-z0-9][a-z0-9-]{0,31})?$/);
export const ReleaseId = z.string().regex(/^[a-z0-9][a-z0-9.-]{0,126}$/);
export const Version = z.string().regex(/^\d{1,6}\.\d{1,6}\.\d{1,6}$/);

/** The group that every box belongs to. */
export const WHOLE_FLEET = 'all';

/**
 * The addressee of an offer. It is signed and must match the topic, so that an offer cannot be used for another box.
 */
export const OfferScope = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('device'), site: Name, device: Name }),
  z.strictObject({ kind: z.literal('group'), group: Name }),
]);
export type OfferScope = z.infer<typeof OfferScope>;

/** Stages in hundredths of a percent of the boxes, ascending to 10000; a box's place follows from a hash of its name and the release. */
export const Rollout = z
  .strictObject({
    stages: z.array(z.number().int().min(0).max(10_000)).min(1).max(16),
    stage: z.number().int().min(0).max(15).describe('Index of the stage that is open'),
    state: z
      .enum(['rolling', 'paused', 'aborted'])
      .describe('paused: boxes that have not begun do not begin. aborted: boxes go back to what they had before'),
    why: z.string().max(256).nullable().describe('Why it was paused or aborted, for people'),
  })
  .refine(({ stages }) => stages.every((stage, at) => at === 0 || stage > (stages[at - 1] ?? 0)), 'stages must ascend')
  .refine(({ stages, stage }) => stage < stages.length, 'no such stage');
export type Rollout = z.infer<typeof Rollout>;

/** One release that is wanted on one channel. The rest of it is in a document that TUF vouches for. */
export const Offer = z.strictObject({
  channel: Channel,
  release: ReleaseId,
  version: Version.describe('For people; the document decides'),
  document: z.strictObject({
    bytes: z
      .number()
      .int()
      .min(1)
      .max(512 * 1024),
    sha256: Sha256,
  }),
  rollout: Rollout,
});
export type Offer = z.infer<typeof Offer>;

/**
 * All that is wanted of a box, a group or the fleet: one document, one entry a channel. Signed as `usher-offer-v1`, a newline and the
 * RFC 8785 text of all other fields, with the keys that the fleet's root names for the role `timestamp`. `seq` only grows.
 */
export const UpdateDesiredPayload = z
  .strictObject({
    v: V1,
    scope: OfferScope,
    seq: Count.min(1),
    issuedAt: At,
    notAfter: At,
    offers: z.array(Offer).max(16),
    signatures: z
      .array(z.strictObject({ keyid: Sha256, sig: z.string().regex(/^[0-9a-f]{128}$/) }))
      .max(8)
      .describe('Key ids as TUF computes them'),
  })
  .refine(({ offers }) => new Set(offers.map((offer) => offer.channel)).size === offers.length, 'one offer a channel');
export type UpdateDesiredPayload = z.infer<typeof UpdateDesiredPayload>;

/** Where a box is on the way from an offer to a running release. */
export const UPDATE_STATES = [
  'idle',
  'offered',
  'verified',
  'transferred',
  'staged',
  'tested',
  'switched',
  'probation',
  'committed',
  'rolled-back',
  'refused',
] as const;

/** What a box says of its updates. Retained; the newest `at` counts. */
export const UpdateReportedPayload = z.strictObject({
  v: V1,
  at: At,
  usher: Version.describe('Version of usher'),
  arch: Code,
  groups: z.array(Name).max(16),
  channels: z
    .array(
      z.strictObject({
        channel: Channel,
        active: z.strictObject({ release: ReleaseId.nullable(), version: Version }).nullable(),
        previous: z.strictObject({ release: ReleaseId.nullable(), version: Version }).nullable(),
        state: z.enum(UPDATE_STATES),
        candidate: z.strictObject({ release: ReleaseId, version: Version }).nullable(),
        bytes: z.strictObject({ have: Count, total: Count }).nullable(),
        attempt: z.number().int().min(0).max(1_000_000),
        since: At,
        reason: Code.nullable().describe('Why it was refused, rolled back or waits'),
        detail: z.string().max(512).nullable(),
        agreement: z
          .number()
          .min(0)
          .max(1)
          .nullable()
          .describe('Share of decisions that are equal to those of the running model'),
      }),
    )
    .max(16),
});
export type UpdateReportedPayload = z.infer<typeof UpdateReportedPayload>;

/** Largest piece of a file that travels in one message. */
export const CHUNK_MAX_BYTES = 32 * 1024;
/** `UCH1`, part, number of parts, length of the file: four big-endian words before the bytes of a part. */
export const CHUNK_HEADER_BYTES = 16;

/**
 * One chunk of a file of the repository, raw bytes, retained. `{file}` is the first 40 hex digits of the SHA-256 of its
 * path in the repository. No chunks at all means that there is no such file.
 */
export const UpdateDataPayload = z
  .instanceof(Uint8Array)
  .refine((bytes) => bytes.length >= CHUNK_HEADER_BYTES && bytes.length <= CHUNK_HEADER_BYTES + CHUNK_MAX_BYTES);
export type UpdateDataPayload = z.infer<typeof UpdateDataPayload>;
