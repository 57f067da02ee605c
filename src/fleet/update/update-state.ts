import { z } from 'zod';
import { Channel, Offer, ReleaseId, UPDATE_STATES, Version } from '../../mqtt/topics/update-payloads';
import { ReleaseDocument } from '../release';

/**
 * How far a release is on one channel of this box; written down at every change, so that a box that loses its power goes on from there.
 * A state names what is done: `verified` is verified, and waits for its bytes.
 */
export type UpdateState = (typeof UPDATE_STATES)[number];

const At = z.number().int().min(0).max(8.64e15);
const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const Code = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/);

/** Number of bad releases to remember, by their signed digest; the oldest is forgotten first. */
export const QUARANTINE_MAX = 32;

export const ChannelState = z.strictObject({
  v: z.literal(1),
  channel: Channel,
  state: z.enum(UPDATE_STATES),
  candidate: z
    .strictObject({
      offer: Offer,
      /** The document that it came from: only when that one no longer has it, it is no longer wanted. */
      from: z.string().max(256),
      /** Known once the chain of trust has been verified. */
      release: ReleaseDocument.nullable(),
    })
    .nullable(),
  /** Failed attempts of the due step; 0 at first. */
  attempt: z.number().int().min(0).max(1_000_000),
  /** Starts of the daemon under a candidate that needs a start to be tried. */
  trialBoots: z.number().int().min(0).max(1000),
  /** When this state was entered. */
  since: At,
  /** When the step that is due must be done. */
  deadline: At.nullable(),
  /** Not before then. */
  retryAt: At.nullable(),
  /** Digest of the active release's document, if it is to be replaced by the previous one. */
  leaving: Sha256.nullable(),
  reason: Code.nullable(),
  detail: z.string().max(512).nullable(),
  agreement: z.number().min(0).max(1).nullable(),
  quarantine: z
    .array(z.strictObject({ document: Sha256, release: ReleaseId, version: Version, reason: Code, at: At }))
    .max(QUARANTINE_MAX),
});
export type ChannelState = z.infer<typeof ChannelState>;

export function idleState(channel: string, now: number): ChannelState {
  return {
    v: 1,
    channel,
    state: 'idle',
    candidate: null,
    attempt: 0,
    trialBoots: 0,
    since: now,
    deadline: null,
    retryAt: null,
    leaving: null,
    reason: null,
    detail: null,
    agreement: null,
    quarantine: [],
  };
}

/** A release in a slot of its own. */
export const Installed = z.strictObject({
  release: ReleaseId,
  serial: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
  version: Version,
  kind: z.enum(['bundle', 'config', 'thresholds']),
  /** Digest of the signed document. */
  document: Sha256,
  at: At.describe('When it was committed'),
});
export type Installed = z.infer<typeof Installed>;

/** What a channel starts with. Null: the installed version. One file, replaced atomically: it is the switch. */
export const Pointer = z.strictObject({
  v: z.literal(1),
  channel: Channel,
  active: Installed.nullable(),
  /** What was active before, if anything. */
  previous: Installed.nullable(),
});
export type Pointer = z.infer<typeof Pointer>;
