import { z } from 'zod';
import { UsherError } from '../errors';

/**
 * The model card: the contract of a bundle, checked at every load. A bundle is a folder with `card.json`, the files
 * that it names, and golden vectors. Unknown keys, a missing field or another schema version are errors: a program
 * writes the card, so a key that is not understood may matter.
 */
export const CARD_SCHEMA_VERSION = 1;

const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'sha256 in lower-case hex');
/** One path segment: a card may never name a file outside its folder. */
const FileName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'a plain file name');
const Probability = z.number().min(0).max(1);

/** The divisor of pixel values. */
const Scale = z.number().refine((value) => value !== 0, 'not 0');

const Point2 = z.tuple([z.number(), z.number()]);

/** How an RGB picture becomes the model's input tensor: value = (channel − mean[c]) / scale[c]. */
export const ImageInput = z.strictObject({
  kind: z.literal('image'),
  name: z.string().min(1),
  layout: z.enum(['NCHW', 'NHWC']),
  colour: z.enum(['RGB', 'BGR']),
  /** Null: any multiple of `multiple`. */
  width: z.number().int().positive().nullable(),
  height: z.number().int().positive().nullable(),
  multiple: z.number().int().positive().default(1),
  mean: z.tuple([z.number(), z.number(), z.number()]),
  scale: z.tuple([Scale, Scale, Scale]),
});
export type ImageInput = z.infer<typeof ImageInput>;

/** A recurrent state: the output tensor is the input of the next call; zeros at first. */
const StatePair = z.strictObject({
  input: z.string().min(1),
  output: z.string().min(1),
  dims: z.array(z.number().int().positive()).min(1),
});
export type StatePair = z.infer<typeof StatePair>;

/** Streamed feature frames of the voice path: tensor [1, frames, bands], any multiple of `framesPerStep` a call. */
export const AudioFeaturesInput = z.strictObject({
  kind: z.literal('audio-features'),
  name: z.string().min(1),
  /** Version of the features. A model that was trained on another version is refused. */
  features: z.string().min(1),
  sampleRateHz: z.number().int().positive(),
  bands: z.number().int().positive(),
  framesPerStep: z.number().int().positive(),
  /** All state that the network keeps between calls. */
  states: z.array(StatePair).min(1),
});
export type AudioFeaturesInput = z.infer<typeof AudioFeaturesInput>;

const ThresholdRow = z.strictObject({
  /** Target false-match rate of one comparison. */
  fmr: z.number().gt(0).lt(1),
  /** Accept when the L2 distance of two embeddings is at most this. */
  distance: z.number().positive(),
  /** False-non-match rate measured at that distance. */
  fnmr: Probability.nullable(),
  /** Where the row was measured, for people. */
  measuredOn: z.string().min(1),
});
export type ThresholdRow = z.infer<typeof ThresholdRow>;

const YuNetOutput = z.strictObject({
  decoding: z.literal('yunet'),
  strides: z.array(z.number().int().positive()).min(1),
  /** Default score and IoU thresholds. */
  scoreThreshold: Probability,
  iouThreshold: Probability,
});

const TinyYoloOutput = z.strictObject({
  decoding: z.literal('tiny-yolo-v2'),
  output: z.string(),
  /** Anchors in grid cells, as (width, height). */
  anchors: z.array(Point2).min(1),
  cellPx: z.number().int().positive(),
  scoreThreshold: Probability,
  iouThreshold: Probability,
});

const EmbeddingOutput = z.strictObject({
  decoding: z.literal('embedding'),
  output: z.string(),
  dimensions: z.number().int().positive(),
  /** Vectors of two spaces are never compared. */
  space: z.string().regex(/^[a-z0-9][a-z0-9._-]{2,63}$/),
  /** L2-normalise the output, with `mirror` after adding the output of the mirrored picture. */
  normalise: z.boolean(),
  mirror: z.boolean(),
  thresholds: z.array(ThresholdRow).min(1),
});

const LandmarksOutput = z.strictObject({
  decoding: z.literal('face-api-landmarks-68'),
  output: z.string(),
});

const LivenessOutput = z.strictObject({
  decoding: z.literal('live-spoof-logits'),
  output: z.string(),
  liveIndex: z.number().int().min(0),
  /** Side of the crop relative to the side of the face box. With a narrower surrounding the model answers "live". */
  cropScale: z.number().min(1),
});

const SceneOutput = z.strictObject({
  decoding: z.literal('scene-scores'),
  output: z.string(),
  /**
   * `binary`: one score, the probability of the first of two labels. `multi-label`: one score for each label; several
   * labels may apply.
   */
  kind: z.enum(['binary', 'multi-label']),
  labels: z.array(z.string().regex(/^[a-z0-9][a-z0-9-]{0,30}$/)).min(2),
});

const Golden = z.strictObject({
  /** Raw little-endian float32 files in the bundle. */
  input: FileName,
  inputDims: z.array(z.number().int().positive()),
  /** Recurrent states that belong to this input. */
  states: z
    .array(z.strictObject({ name: z.string(), file: FileName, dims: z.array(z.number().int().positive()) }))
    .optional(),
  outputs: z
    .array(z.strictObject({ name: z.string(), file: FileName, dims: z.array(z.number().int().positive()) }))
    .min(1),
  /** Largest accepted absolute difference. */
  tolerance: z.number().positive(),
});
type Golden = z.infer<typeof Golden>;

/**
 * Further networks of a trigger word, with the same input and outputs as the card's own. Only the card's own network
 * runs all the time. The others run when its score rises; the final score is then that of the mean logit of all.
 */
const Companions = z.strictObject({
  /** Output of every network, [steps, 1]. */
  logits: z.string().min(1),
  /** Score of the first network that wakes the others. */
  wakeScore: Probability,
  /** On waking they first process this much of the sound before. */
  memoryMs: z.number().positive().max(60_000),
  /** They sleep again when its score has been lower for this long. */
  restMs: z.number().positive().max(60_000),
  networks: z
    .array(z.strictObject({ model: FileName, states: z.array(StatePair).min(1), golden: Golden }))
    .min(1)
    .max(7),
});
export type Companions = z.infer<typeof Companions>;

/** A measured setting of a trigger word: activate at or above `score`, with these results. */
const OperatingPoint = z.strictObject({
  falseAcceptsPerHour: z.number().min(0),
  score: Probability,
  /** Share of spoken words that are missed, for each condition: `clean`, `snr-10db`, … */
  misses: z.array(z.strictObject({ condition: z.string().min(1), miss: Probability })).min(1),
  measuredOn: z.string().min(1),
});
export type OperatingPoint = z.infer<typeof OperatingPoint>;

export const SENSITIVITIES = ['low', 'medium', 'high'] as const;
export type Sensitivity = (typeof SENSITIVITIES)[number];

const WakeWordOutput = z
  .strictObject({
    decoding: z.literal('wake-word'),
    /** Scores [steps, 1], 0 to 1. */
    output: z.string().min(1),
    /** As it is pronounced. */
    word: z.string().min(1),
    strideMs: z.number().positive(),
    /**
     * Trigger settings of the measurement: the score is averaged, and activates after this many steps above the
     * threshold.
     */
    trigger: z.strictObject({ meanMs: z.number().positive(), patience: z.number().int().positive() }),
    operatingPoints: z.array(OperatingPoint).min(1),
    /** The score of each preset is that of an operating point. */
    presets: z.strictObject({ low: Probability, medium: Probability, high: Probability }),
    companions: Companions.optional(),
  })
  .refine(
    ({ operatingPoints, presets }) =>
      Object.values(presets).every((score) => operatingPoints.some((point) => point.score === score)),
    'a preset names a score that was not measured',
  );

/** How the face is cropped for an encoder. */
const Alignment = z.discriminatedUnion('kind', [
  /** Similarity transform of five landmarks to a template in pixels of the input. */
  z.strictObject({ kind: z.literal('five-point'), template: z.tuple([Point2, Point2, Point2, Point2, Point2]) }),
  /** The alignment of face-api: a box from the landmarks' centroid, no rotation, padded to a square. */
  z.strictObject({ kind: z.literal('face-api-box') }),
]);

/**
 * An encoder that consists of another encoder and a linear map: its vectors can be computed from the other's. With the
 * map, stored templates of that space are mapped; vectors of the two spaces are never compared.
 */
const Head = z.strictObject({
  fromSpace: z.string().min(3),
  /** Raw little-endian float32, dimensions × dimensions, row by row. */
  file: FileName,
});

const Licence = z.strictObject({
  spdx: z.string().min(1),
  /** Author, public place and revision. */
  origin: z.string().min(1),
  trainingData: z.string().min(1),
});

export const CardSchema = z.strictObject({
  schema: z.literal(CARD_SCHEMA_VERSION),
  task: z.enum(['face-detection', 'face-landmarks', 'face-encoding', 'face-liveness', 'wake-word', 'scene']),
  name: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,63}$/),
  version: z.string().regex(/^\d+\.\d+\.\d+$/),
  summary: z.string().min(1),
  /** The set that it belongs to; null for one that the user brought or trained. */
  set: z.enum(['recommended', 'fallback']).nullable(),
  model: FileName,
  files: z.record(FileName, Sha256),
  licence: Licence,
  input: z.discriminatedUnion('kind', [ImageInput, AudioFeaturesInput]),
  output: z.discriminatedUnion('decoding', [
    YuNetOutput,
    TinyYoloOutput,
    EmbeddingOutput,
    LandmarksOutput,
    LivenessOutput,
    WakeWordOutput,
    SceneOutput,
  ]),
  alignment: Alignment.nullable(),
  head: Head.optional(),
  /** Measured or published figures, each with the data it was measured on. */
  figures: z.array(z.strictObject({ name: z.string(), value: z.number(), unit: z.string(), data: z.string() })),
  golden: Golden,
});
export type Card = z.infer<typeof CardSchema>;
export type CardOutput<D extends Card['output']['decoding']> = Extract<Card['output'], { decoding: D }>;

/** The input of an image network. @throws UsherError `model-invalid` for a card of another kind */
export function imageInputOf({ name, input }: Pick<Card, 'name' | 'input'>): ImageInput {
  if (input.kind === 'image') return input;
  throw new UsherError('model-invalid', `${name} takes ${input.kind}, but a network for pictures is needed here`);
}

/** Every network of a bundle with its golden vectors, the card's own first. */
export function networksOf({ model, golden, output }: Card): readonly { model: string; golden: Golden }[] {
  const companions = output.decoding === 'wake-word' ? output.companions : undefined;
  return [{ model, golden }, ...(companions?.networks ?? [])];
}

/** The files that are needed to open a bundle. */
export function neededFiles(card: Card): string[] {
  return networksOf(card).flatMap(({ model, golden: { input, states = [], outputs } }) => [
    model,
    input,
    ...[...states, ...outputs].map(({ file }) => file),
  ]);
}
