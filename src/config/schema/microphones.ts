import { z } from 'zod';

/** What the box listens with, and to which words. */

const MicrophoneId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'lower-case letters, digits, - and _, at most 63')
  .describe('Name of the microphone, part of its topics; no camera may have the same name');

/** ALSA's names for devices. Nothing that a shell or an option parser would take for something else. */
const AlsaDevice = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_-]{0,31}(:[A-Za-z0-9_=,.-]{1,64})?$/, 'an ALSA device like default or plughw:1,0')
  .describe(
    'ALSA device; `arecord -L` lists them. plughw:… converts to 16 kHz mono, hw:… does not. Without it: the default device',
  );

const Channel = z
  .enum(['auto', 'mix', 'left', 'right'])
  .default('auto')
  .describe(
    'Which part of a stereo signal is used. auto: the mean of both channels, or the louder channel where they cancel each other or one is silent',
  );

const Arecord = z.strictObject({
  type: z.literal('arecord').describe('An ALSA device, recorded by arecord'),
  device: AlsaDevice.optional(),
  channel: Channel,
});
const Sox = z.strictObject({
  type: z.literal('sox').describe('An ALSA device, recorded by sox'),
  device: AlsaDevice.optional(),
  channel: Channel,
});
const Rec = z.strictObject({
  type: z.literal('rec').describe('The default device, recorded by rec; use sox for another device'),
  channel: Channel,
});
const SoundFile = z.strictObject({
  type: z.literal('file').describe('Recordings, for tests and demonstrations'),
  path: z
    .string()
    .min(1)
    .max(4096)
    .describe('A WAV, FLAC, Ogg (Opus, Vorbis) or MP3 file, or a folder of them; relative to this file'),
  loop: z.boolean().default(false).describe('Repeat it for ever'),
  realtime: z.boolean().default(true).describe('Play it at its own speed, not as fast as possible'),
  channel: Channel,
});
const Stdin = z.strictObject({
  type: z.literal('stdin').describe('Raw 16-bit little-endian samples, 16 kHz mono, from standard input'),
});

/** Which of its measured operating points a word is run at; the model's card tells misses and false accepts of each. */
export const Sensitivity = z.enum(['low', 'medium', 'high']);
export type Sensitivity = z.infer<typeof Sensitivity>;

const ModelName = z.string().regex(/^[a-z0-9][a-z0-9.-]{1,63}$/, 'the name of a model bundle');

const Word = z.strictObject({
  model: ModelName.describe('Name of a wake-word bundle in models.dir').meta({ examples: ['wake-computer'] }),
  sensitivity: Sensitivity.default('medium').describe(
    'Which measured operating point of the model is used. low: fewest false activations. high: fewest misses. The model’s card has the figures',
  ),
  check: ModelName.nullable()
    .default(null)
    .describe(
      'Name of another bundle of the same word that must agree about the last 1.5 s before an activation counts; null: none',
    ),
  refractoryMs: z
    .number()
    .int()
    .min(200)
    .max(60_000)
    .default(2000)
    .describe('Pause after an activation in which the word does not count again'),
});
export type WordConfig = z.infer<typeof Word>;

const Capture = z.strictObject({
  maxFiles: z
    .number()
    .int()
    .min(1)
    .max(10_000)
    .default(200)
    .describe('How many captures are kept; the oldest are deleted first')
    .meta({ unit: 'files' }),
  maxMb: z
    .number()
    .min(0.1)
    .max(10_000)
    .default(50)
    .describe('Space for captures; the oldest are deleted first. A capture of 3 s takes 0.1 MB'),
});

export const MicrophoneConfig = z.strictObject({
  id: MicrophoneId,
  source: z.discriminatedUnion('type', [Arecord, Sox, Rec, SoundFile, Stdin]).describe('Where the sound comes from'),
  words: z
    .array(Word)
    .min(1)
    .max(8)
    .describe('The words to listen for. They share the features, so a further word costs only its network'),
  stallMs: z
    .number()
    .int()
    .min(500)
    .max(600_000)
    .default(3000)
    .describe('After this time without sound the microphone is opened again'),
  startMs: z.number().int().min(500).max(600_000).default(10_000).describe('Time for the first sound after a start'),
  stuckMs: z
    .number()
    .int()
    .min(5000)
    .max(3_600_000)
    .nullable()
    .default(30_000)
    .describe(
      'After this time with only one value (zeros, a direct current) the microphone is opened again. null: never, for a microphone whose noise gate does that',
    ),
  capture: Capture.nullable()
    .default(null)
    .describe(
      'Keep 3 s of sound around every activation and near miss, on this machine alone, for training. `usher record captures` lists and deletes them. The people in the room must be informed. null: nothing is kept',
    ),
  activationLifeMs: z
    .number()
    .int()
    .min(200)
    .max(10_000)
    .default(2000)
    .describe('An activation older than this is void'),
});
export type MicrophoneConfig = z.infer<typeof MicrophoneConfig>;
export type MicrophoneSourceConfig = MicrophoneConfig['source'];

export const WyomingConfig = z.strictObject({
  host: z
    .union([z.ipv4(), z.ipv6()])
    .default('127.0.0.1')
    .describe('Address to listen on. The protocol has no password: everyone who reaches the port can use it'),
  port: z
    .number()
    .int()
    .min(0)
    .max(65_535)
    .default(10_400)
    .describe('TCP port to listen on; 0 takes a free one')
    .meta({ unit: 'none' }),
  words: z.array(Word).min(1).max(8).describe('Words that a client may ask for'),
  clients: z
    .number()
    .int()
    .min(1)
    .max(32)
    .default(4)
    .describe('Connections at the same time; further ones are closed')
    .meta({ unit: 'connections' }),
});
export type WyomingConfig = z.infer<typeof WyomingConfig>;
