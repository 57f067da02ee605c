import { z } from 'zod';
import { IDENTIFIER } from '../../identifier';

/**
 * What travels on each topic. `v` is the version of one payload; a field is only ever added, a change of meaning is a new
 * version. Times are epoch milliseconds. Nothing here names a person, and nothing carries a picture or a vector.
 */
const V1 = z.literal(1);
const At = z.number().int().min(0).max(8.64e15);
const Name = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/);
const Code = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/);
const Uuid = z.uuid();
/** Ordinal of a message within one boot, per kind. */
const Seq = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER);
const Text = z.string().max(1024);
const Count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
/** dB of full scale. */
const Dbfs = z.number().min(-200).max(0);

/**
 * Retained presence of the device. `birth` grows with every connection of the device, across restarts. Rule for a
 * consumer: keep the highest birth seen; a message with a lower one is stale, whatever it says. So the late last will of
 * an earlier connection cannot hide that the device is back.
 */
export const StatusPayload = z.strictObject({
  v: V1,
  state: z.enum(['online', 'offline']),
  bootId: Uuid,
  birth: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
  at: At.describe('When the message was written; a last will is written at connect time'),
});
export type StatusPayload = z.infer<typeof StatusPayload>;

export const HealthPayload = z.strictObject({
  v: V1,
  component: Name,
  state: z.enum(['starting', 'ok', 'degraded', 'failed']),
  at: At,
  lastProgressAt: At.nullable().describe('Last real progress: a frame, an inference, a commit'),
  progressAgeMs: z.number().int().min(0).nullable(),
  detail: Text.nullable(),
  remedy: Text.nullable(),
  sound: z
    .strictObject({
      hearing: z.boolean().describe('Sound comes, and it is not one value over and over'),
      rmsDbfs: Dbfs.nullable().describe('Loudness of the last second; null: digital silence'),
      peakDbfs: Dbfs.nullable(),
      gaps: Count.describe('Times that the microphone was opened again'),
      overruns: Count.describe('Losses of sound in between'),
    })
    .optional()
    .describe('Of a microphone'),
  picture: z
    .strictObject({
      intervalMs: Count.nullable().describe('Mean time between pictures that differ, ms'),
      trouble: z
        .enum(['frozen', 'black', 'covered', 'blurred', 'moved', 'turned'])
        .nullable()
        .describe('With the first three no person can be seen, and the doors of this camera say camera-unavailable'),
      since: At.nullable(),
    })
    .optional()
    .describe('Of a camera'),
});
export type HealthPayload = z.infer<typeof HealthPayload>;

export const DoorStatePayload = z.strictObject({
  v: V1,
  door: Name,
  state: Code.describe('State of the door automaton: what the box waits for'),
  open: z
    .boolean()
    .optional()
    .describe('Whether the door stands open, as its contact said; absent until it has spoken'),
  at: At,
});
export type DoorStatePayload = z.infer<typeof DoorStatePayload>;

export const SceneStatePayload = z.strictObject({ v: V1, camera: Name, scene: Code, at: At });
export type SceneStatePayload = z.infer<typeof SceneStatePayload>;

const Word = z.string().min(1).max(64);

const RunningModels = z
  .array(
    z.strictObject({
      task: Code,
      name: z.string().max(128),
      version: z.string().max(64),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
      providersAsked: z.array(z.string().max(32)).max(8),
      provider: z.string().max(32),
    }),
  )
  .max(16);

/** What really runs in one vision child, not what was configured. */
export const ModelStatePayload = z.strictObject({
  v: V1,
  camera: Name,
  space: z.string().max(128).describe('Embedding space'),
  models: RunningModels,
  at: At,
});
export type ModelStatePayload = z.infer<typeof ModelStatePayload>;

/** The trigger words that a microphone listens for, and what really runs behind it. */
export const WordsStatePayload = z.strictObject({
  v: V1,
  microphone: Name,
  words: z.array(Word).min(1).max(8).describe('As they are spoken'),
  models: RunningModels,
  at: At,
});
export type WordsStatePayload = z.infer<typeof WordsStatePayload>;

/** A trigger word was just detected. Expires at `notAfter`: a lamp must not react to a word of yesterday. */
export const ActivationPayload = z.strictObject({
  v: V1,
  microphone: Name,
  word: Word.describe('As it is spoken'),
  model: z.string().max(128),
  score: z.number().min(0).max(1),
  startAt: At.describe('When the word seems to have begun: an estimate from loudness'),
  endAt: At.describe('When it had ended, as the network heard it'),
  at: At.describe('When the sound that decided it was taken up'),
  notAfter: At,
  bootId: Uuid,
});
export type ActivationPayload = z.infer<typeof ActivationPayload>;

/**
 * Which event this is, over restarts too. Rule for a consumer: keep the highest `seq` seen of a `journal` and drop what is
 * not above it; then each event counts once, in order. A gap means that events were given up in a long outage; the journal
 * has a record of it. Another `journal` means that the box began a new one, and its numbers with it.
 */
const EventIdentity = { journal: Uuid, seq: Seq } as const;

export const DecisionPayload = z.strictObject({
  v: V1,
  door: Name,
  decision: Uuid,
  outcome: z.enum(['granted', 'denied']),
  reason: Code,
  member: z.string().min(1).max(64).nullable().describe('Identifier of the member, never the name'),
  mode: z.enum(['verify', 'identify', 'either', 'card']),
  distance: z.number().min(0).nullable().describe('L2 distance of the fused vector to the nearest template'),
  threshold: z.number().min(0).nullable(),
  votes: z.number().int().min(0).describe('Agreeing frames'),
  liveness: z
    .enum(['live', 'fake', 'undecided', 'absent'])
    .optional()
    .describe('The last verdict on the face; absent: nothing judged it. Left out where no face was asked for'),
  at: At,
  bootId: Uuid,
  ...EventIdentity,
});
export type DecisionPayload = z.infer<typeof DecisionPayload>;

/** For the people who guard the door. A duress alarm is silent: the accompanying decision does not mention it. */
export const AlarmPayload = z.strictObject({
  v: V1,
  door: Name,
  kind: z.enum(['duress', 'forced-door', 'held-open', 'lockout', 'policy-unknown']),
  member: z.string().min(1).max(64).nullable().describe('Identifier of the member, never the name'),
  reader: Name.nullable(),
  at: At,
  bootId: Uuid,
  ...EventIdentity,
});
export type AlarmPayload = z.infer<typeof AlarmPayload>;

/**
 * Somebody whom the box does not know came by. `visitor` means nothing outside this box and this day; it is the same as that of
 * earlier messages of the day where the faces were alike.
 */
export const VisitorPayload = z.strictObject({
  v: V1,
  camera: Name,
  visitor: z.string().regex(/^[0-9a-f]{12}$/),
  visits: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER).describe('Of those that are remembered'),
  at: At,
});
export type VisitorPayload = z.infer<typeof VisitorPayload>;

/**
 * An order to open, void after `notAfter`. `sig` is Ed25519 over `usher-unlock-v1`, a newline and the RFC 8785 text of all other
 * fields; `key` says whose. The actuator also refuses a nonce seen before and a lower `seq` of one boot.
 */
export const UnlockPayload = z.strictObject({
  v: V1,
  door: Name,
  decision: Uuid,
  issuedAt: At,
  notAfter: At,
  bootId: Uuid,
  seq: Seq,
  nonce: z.string().regex(/^[0-9a-f]{32}$/),
  durationMs: z.number().int().min(100).max(60_000),
  key: z.string().regex(/^[0-9a-f]{16}$/),
  // In lower-case hex there is one spelling of a signature; base64 has several, and a changed letter could still be it.
  sig: z.string().regex(/^[0-9a-f]{128}$/),
});
export type UnlockPayload = z.infer<typeof UnlockPayload>;

export const SwipePayload = z.strictObject({
  v: V1,
  id: z.string().regex(IDENTIFIER),
  at: At,
  counter: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
  mac: z
    .string()
    .regex(/^[0-9a-f]{32,128}$/)
    .optional(),
});
export type SwipePayload = z.infer<typeof SwipePayload>;

/** A door's contact: the door itself, not the lock. MAC and counter as of a swipe. */
export const ContactPayload = z.strictObject({
  v: V1,
  open: z.boolean(),
  at: At,
  counter: SwipePayload.shape.counter,
  mac: SwipePayload.shape.mac,
});
export type ContactPayload = z.infer<typeof ContactPayload>;

const Correlation = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/);

/** The frame of every command; each verb adds its own keys and checks them itself. */
export const CommandPayload = z.looseObject({ v: V1, id: Correlation });
export type CommandPayload = z.infer<typeof CommandPayload>;

export const CommandResultPayload = z.strictObject({
  v: V1,
  id: Correlation,
  verb: Name,
  ok: z.boolean(),
  error: z.strictObject({ code: Code, message: Text }).optional(),
  result: z.json().optional(),
});
export type CommandResultPayload = z.infer<typeof CommandResultPayload>;

/** `sig` is over `usher-audit-head-v1`, a newline and the RFC 8785 text of all other fields; absent where the box has no key. */
export const AuditHeadPayload = z.strictObject({
  v: V1,
  journal: Uuid,
  seq: Seq.describe('Number of the last record'),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  at: At.describe('When this head was published'),
  key: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .optional(),
  sig: z
    .string()
    .regex(/^[0-9a-f]{128}$/)
    .optional(),
});
export type AuditHeadPayload = z.infer<typeof AuditHeadPayload>;

/** Home Assistant's own format; built in discovery.ts. */
export const DiscoveryPayload = z.looseObject({
  dev: z.looseObject({ ids: z.array(z.string()).min(1), name: z.string() }),
  o: z.looseObject({ name: z.string() }),
  cmps: z
    .record(z.string(), z.looseObject({ p: z.string(), unique_id: z.string().optional() }))
    .describe('One that has nothing but its platform is to be removed'),
});
export type DiscoveryPayload = z.infer<typeof DiscoveryPayload>;
