import { z } from 'zod';

/** What the box listens with, and to which words. */

const MicrophoneId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'lower-case letters, digits, - and _, at most 63')
  .describe('An identifier: lower-case letters, digits, - and _; no camera may have the same');

/** ALSA's names for devices. Nothing that a shell or an option parser would take for something else. */
const AlsaDevice = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_-]{0,31}(:[A-Za-z0-9_=,.-]{1,64})?$/, 'an ALSA device like default or plughw:1,0')
  .describe('arecord -L lists them; plughw:… converts to 16 kHz mono, hw:… does not');

const Channel = z
  .enum(['auto', 'mix', 'left', 'right'])
  .default('auto')
  .describe(
    'What is heard of a stereo signal. auto: the mean of both channels, or the louder one where they cancel each other (antiphase) or one is dead',
  );

const Arecord = z.strictObject({ type: z.literal('arecord'), device: AlsaDevice.optional(), channel: Channel });
const Sox = z.strictObject({ type: z.literal('sox'), device: AlsaDevice.optional(), channel: Channel });
const Rec = z.strictObject({
  type: z.literal('rec').describe('The default device; sox takes another'),
  channel: Channel,
});
const SoundFile = z.strictObject({
  type: z.literal('file'),
  path: z.string().min(1).max(4096).describe('A WAV, FLAC, Ogg (Opus, Vorbis) or MP3 file, or a folder of them'),
  loop: z.boolean().default(false).describe('Repeat it for ever'),
  realtime: z.boolean().default(true).describe('Play it at its own speed'),
  channel: Channel,
});
const Stdin = z.strictObject({
  type: z.literal('stdin').describe('Raw 16-bit little-endian samples, 16 kHz mono, on standard input'),
});

/** Which of its measured operating points a word is run at; the model's card tells misses and false accepts of each. */
export const Sensitivity = z.enum(['low', 'medium', 'high']);
export type Sensitivity = z.infer<typeof Sensitivity>;

const ModelName = z.string().regex(/^[a-z0-9][a-z0-9.-]{1,63}$/, 'the name of a model bundle');

const Word = z.strictObject({
  model: ModelName.describe('A wake-word bundle in models.dir'),
  sensitivity: Sensitivity.default('medium').describe('low: fewest false activations; high: fewest misses'),
  check: ModelName.nullable()
    .default(null)
    .describe('Another bundle of the same word that must agree about the last 1.5 s before it counts; null: none'),
  refractoryMs: z
    .number()
    .int()
    .min(200)
    .max(60_000)
    .default(2000)
    .describe('Not heard again within so long after an activation'),
});
export type WordConfig = z.infer<typeof Word>;

const Capture = z.strictObject({
  maxFiles: z.number().int().min(1).max(10_000).default(200).describe('The oldest go first'),
  maxMb: z.number().min(0.1).max(10_000).default(50).describe('A capture of 3 s has 0.1 MB'),
});

export const MicrophoneConfig = z.strictObject({
  id: MicrophoneId,
  source: z.discriminatedUnion('type', [Arecord, Sox, Rec, SoundFile, Stdin]),
  words: z.array(Word).min(1).max(8).describe('They share the features: a further word costs its network alone'),
  stallMs: z
    .number()
    .int()
    .min(500)
    .max(600_000)
    .default(3000)
    .describe('No sound for so long: the microphone counts as stalled'),
  startMs: z.number().int().min(500).max(600_000).default(10_000).describe('Time for the first sound after a start'),
  stuckMs: z
    .number()
    .int()
    .min(5000)
    .max(3_600_000)
    .nullable()
    .default(30_000)
    .describe(
      'Nothing but one value (zeros, a direct current) for so long: the microphone is opened anew. null: never, for one whose noise gate does that',
    ),
  capture: Capture.nullable()
    .default(null)
    .describe(
      'Keep 3 s of sound around every activation and near miss, on this machine alone, to train with (usher record captures lists and deletes them). Tell the people in the room. null: nothing is kept',
    ),
  activationLifeMs: z
    .number()
    .int()
    .min(200)
    .max(10_000)
    .default(2000)
    .describe('An activation that is older than this is void'),
});
export type MicrophoneConfig = z.infer<typeof MicrophoneConfig>;
export type MicrophoneSourceConfig = MicrophoneConfig['source'];

export const WyomingConfig = z.strictObject({
  host: z
    .union([z.ipv4(), z.ipv6()])
    .default('127.0.0.1')
    .describe('Address to listen on. The protocol knows no password: whoever reaches the port may have sound examined'),
  port: z.number().int().min(0).max(65_535).default(10_400).describe('0 takes a free one'),
  words: z.array(Word).min(1).max(8).describe('Words that a client may ask for'),
  clients: z.number().int().min(1).max(32).default(4).describe('Connections at once; further ones are closed'),
});
export type WyomingConfig = z.infer<typeof WyomingConfig>;
