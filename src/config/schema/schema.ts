import { z } from 'zod';
import { ContactConfig, ReaderConfig } from './readers';
import { AuditConfig } from './audit';
import { MicrophoneConfig, WyomingConfig } from './microphones';
import { FleetConfig } from './fleet';
import { LivenessConfig } from './liveness';
import { PolicyConfig } from './policy';
import { DoorScenes, SceneConfig } from './scene';
import { SecurityConfig } from './security';
import { StillsConfig } from './stills';
import { VisitorsConfig } from './visitors';

/**
 * The configuration, every key with its unit and default. `device-config/schema.json` is generated from here, so the
 * descriptions are what an editor shows.
 */
const Id = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'lower-case letters, digits, - and _, at most 63')
  .describe('An identifier: lower-case letters, digits, - and _');

const Path = z.string().min(1).max(4096);
const Seconds = (defaultSeconds: number, min: number, max: number) =>
  z.number().min(min).max(max).default(defaultSeconds);

const FfmpegSource = z.strictObject({
  type: z.literal('ffmpeg'),
  input: z
    .string()
    .min(1)
    .max(2048)
    .regex(/^[^\u0000-\u001f\u007f]+$/, 'one line')
    .describe('What ffmpeg opens: /dev/video0, rtsp://…, http(s)://… or a file'),
  username: z
    .string()
    .min(1)
    .max(256)
    .regex(/^[^:\u0000-\u001f]+$/, 'a user name without a colon')
    .optional()
    .describe('User at the camera; with passwordFile, in place of user and password in the address'),
  passwordFile: Path.optional().describe(
    'File that holds the camera’s password as its only line, mode 0600; relative to this file',
  ),
  format: z
    .enum(['auto', 'v4l2'])
    .default('auto')
    .describe('v4l2 for a camera device (chosen by itself for /dev/video*)'),
  inputFormat: z.enum(['mjpeg', 'yuyv422', 'h264']).optional().describe('Pixel format asked of a V4L2 camera'),
  loop: z.boolean().default(false).describe('Repeat a file for ever'),
  realtime: z.boolean().default(true).describe('Read a file at its own speed'),
  rtspTransport: z.enum(['tcp', 'udp']).default('tcp'),
  aspectRatio: z
    .string()
    .regex(/^[1-9]\d{0,3}:[1-9]\d{0,3}$/, 'width and height of the picture, like 16:9')
    .optional()
    .describe(
      'Shape of the whole picture as people see it, like 16:9, for a recorder that squeezes it (704×576, 640×480) and does not say so in its stream. Left out: what the stream says',
    ),
  times: z
    .enum(['stream', 'arrival'])
    .default('stream')
    .describe(
      'What frames are dated by: the times in the stream (where it has any), or their arrival. arrival is for a camera whose own clock runs fast, slow or in leaps; it protects less against pictures that come late',
    ),
});

const GStreamerSource = z.strictObject({
  type: z.literal('gstreamer'),
  sensorId: z.number().int().min(0).max(15).default(0).describe('CSI camera on a Jetson (nvarguscamerasrc sensor-id)'),
});

const StillsSource = z.strictObject({
  type: z.literal('webcam-stills'),
  device: z
    .string()
    .regex(/^\/dev\/video\d{1,3}$/, 'a device like /dev/video0')
    .default('/dev/video0'),
  intervalMs: z.number().int().min(500).max(3_600_000).default(1000).describe('Time between stills'),
});

const FolderSource = z.strictObject({
  type: z.literal('folder'),
  path: Path.describe('A folder of pictures, replayed in name order'),
  loop: z.boolean().default(false),
});

export const CameraConfig = z.strictObject({
  id: Id,
  source: z.discriminatedUnion('type', [FfmpegSource, GStreamerSource, StillsSource, FolderSource]),
  width: z.number().int().min(64).max(3840).default(1280).describe('Frame width asked of the source, pixels'),
  height: z.number().int().min(64).max(2160).default(720).describe('Frame height asked of the source, pixels'),
  fps: z.number().min(0.1).max(60).default(15).describe('Frames per second asked of the source'),
  rotate: z
    .literal([0, 90, 180, 270])
    .default(0)
    .describe(
      'Degrees by which the picture is turned clockwise, for a camera that is mounted sideways (90, 270: width and height change places) or upside down (180). A region is meant in the turned picture',
    ),
  flip: z
    .enum(['none', 'horizontal', 'vertical'])
    .default('none')
    .describe('Mirror the turned picture: horizontal exchanges left and right, vertical top and bottom'),
  region: z
    .strictObject({
      x: z.number().min(0).max(1),
      y: z.number().min(0).max(1),
      width: z.number().gt(0).max(1),
      height: z.number().gt(0).max(1),
    })
    .default({ x: 0, y: 0, width: 1, height: 1 })
    .describe('Where a face must be (its centre), as fractions of the frame'),
  minFacePx: z
    .number()
    .int()
    .min(24)
    .max(1000)
    .default(80)
    .describe('Smallest useful face width in frame pixels; also sets the detection size'),
  stallMs: z
    .number()
    .int()
    .min(200)
    .max(600_000)
    .default(3000)
    .describe(
      'No frame for so long, ms: the camera counts as stalled. Left out: 3000, or more where the camera is slow',
    ),
  startMs: z.number().int().min(500).max(600_000).default(10_000).describe('Time for the first frame after a start'),
  latencyMs: z
    .number()
    .int()
    .min(0)
    .max(10_000)
    .default(0)
    .describe(
      'Constant delay from the scene to this box, in milliseconds, which no stream shows; "usher doctor --latency" measures it. Pictures are taken to be so much older than their arrival',
    ),
  stuckMs: z
    .number()
    .int()
    .min(2000)
    .max(3_600_000)
    .nullable()
    .default(30_000)
    .describe(
      'The very same picture for so long, ms: the camera counts as frozen and is opened again, at growing intervals. A frame that repeats the one before never counts for a decision. null: never frozen, for a source that really stands still',
    ),
  quality: z
    .strictObject({
      minSharpness: z.number().min(0).default(0.02).describe('Lower bound of the normalised Laplacian variance'),
      minBrightness: z.number().min(0).max(255).default(35),
      maxBrightness: z.number().min(0).max(255).default(225),
      minContrast: z.number().min(0).max(128).default(12),
      maxYaw: z.number().min(0).max(1).default(0.55).describe('0 frontal, 1 profile'),
      maxPitch: z.number().min(0).max(1).default(0.45),
      maxRollDeg: z.number().min(0).max(180).default(45),
    })
    .prefault({})
    .describe('Gates on a face before it is encoded'),
  scene: SceneConfig,
});
export type CameraConfig = z.infer<typeof CameraConfig>;
export type CameraSourceConfig = CameraConfig['source'];
export type QualityGates = CameraConfig['quality'];

export const DoorConfig = z.strictObject({
  id: Id,
  camera: Id.describe('The camera that watches this door'),
  readers: z.array(Id).max(8).default([]).describe('Card readers at this door'),
  mode: z
    .enum(['verify', 'identify', 'either'])
    .default('verify')
    .describe('verify: a swipe names the member, the face must match it. identify: the face alone. either: both'),
  targetFmr: z
    .number()
    .gt(0)
    .max(0.01)
    .default(1e-4)
    .describe('False-match rate wanted of one comparison (verify), or of one search over all members (identify)'),
  votes: z.number().int().min(1).max(30).default(3).describe('Frames of one person that must agree'),
  voteWindowMs: z
    .number()
    .int()
    .min(200)
    .max(30_000)
    .default(2000)
    .describe('… within this time, ms. Left out: 2000, or more where the camera is slow'),
  margin: z
    .number()
    .min(0)
    .max(1)
    .default(0.06)
    .describe('identify: how much nearer the best member must be than the second-best (L2 distance)'),
  deadlineMs: z
    .number()
    .int()
    .min(500)
    .max(60_000)
    .default(5000)
    .describe('Time for a face to match after a swipe, ms. Left out: 5000, or more where the camera is slow'),
  approachMs: z
    .number()
    .int()
    .min(500)
    .max(60_000)
    .default(5000)
    .describe(
      'identify: a face in view for so long without a match is refused, ms. Left out: 5000, or more where the camera is slow',
    ),
  cooldownMs: z
    .number()
    .int()
    .min(0)
    .max(600_000)
    .default(3000)
    .describe('Pause after a grant before the next decision'),
  unlockMs: z.number().int().min(200).max(30_000).default(3000).describe('How long the lock is asked to stay open'),
  absentMs: z
    .number()
    .int()
    .min(100)
    .max(10_000)
    .default(800)
    .describe('No face for so long, ms: the person has left. Left out: 800, or more where the camera is slow'),
  liveness: LivenessConfig,
  scenes: DoorScenes,
  adaptTemplates: z
    .boolean()
    .default(false)
    .describe(
      'Keep the face of a grant as a template: of very good quality, close to an enrolled picture and to no other member, at most one a day and three in all for each member',
    ),
});
export type DoorConfig = z.infer<typeof DoorConfig>;

const EmbeddedBroker = z.strictObject({
  type: z.literal('embedded'),
  port: z.number().int().min(0).max(65535).default(1883).describe('On the loopback interface only; 0 takes a free one'),
});

export const ExternalBroker = z.strictObject({
  type: z.literal('external'),
  url: z
    .string()
    .regex(/^(mqtt|mqtts|ws|wss):\/\/[^\s]+$/, 'mqtt://, mqtts://, ws:// or wss://')
    .describe('Address of the broker'),
  username: z.string().max(256).optional(),
  passwordFile: Path.optional().describe('File that holds the password as its only line; relative to this file'),
  caFile: Path.optional().describe('PEM file of the authority that signed the broker’s certificate'),
  certFile: Path.optional().describe('PEM client certificate'),
  keyFile: Path.optional().describe('PEM key of the client certificate'),
  protocolVersion: z
    .union([z.literal(4), z.literal(5)])
    .default(4)
    .describe('4 is MQTT 3.1.1'),
});
export type BrokerConfig = z.infer<typeof EmbeddedBroker> | z.infer<typeof ExternalBroker>;

export const ConfigSchema = z.strictObject({
  $schema: z.string().optional().describe('For editors only'),
  device: z.strictObject({
    site: Id.refine((site) => site !== 'fleet', 'a site is not called fleet: topics of groups begin so').describe(
      'The site, first part of every topic',
    ),
    id: Id.describe('This box within the site'),
  }),
  dataDir: Path.default('.usher').describe('Where members, templates and state are kept; relative to this file'),
  models: z
    .strictObject({
      dir: Path.default('../models').describe('Folder of model bundles; relative to this file'),
      set: z
        .enum(['auto', 'recommended', 'fallback'])
        .default('auto')
        .describe('auto: recommended where it is installed, else fallback, said aloud'),
      detector: z.string().max(64).optional().describe('A bundle by name instead of the set’s'),
      encoder: z.string().max(64).optional().describe('A bundle by name instead of the set’s'),
      liveness: z.string().max(64).default('minifas').describe('The bundle that tells persons from pictures'),
      scene: z.string().max(64).default('scene').describe('The bundle that tells day from night'),
    })
    .prefault({}),
  inference: z
    .strictObject({
      providers: z
        .array(z.enum(['tensorrt', 'cuda', 'webgpu', 'cpu']))
        .min(1)
        .default(['cpu'])
        .describe('Execution providers in order of preference'),
      threads: z.number().int().min(1).max(16).default(1).describe('Threads inside one operator'),
      mirror: z
        .boolean()
        .default(false)
        .describe(
          'Encode the mirrored live face too: twice the work, hardly surer (enrolment always does what the card says)',
        ),
    })
    .prefault({}),
  mqtt: z
    .strictObject({
      broker: z.discriminatedUnion('type', [EmbeddedBroker, ExternalBroker]).default({ type: 'embedded', port: 1883 }),
      discovery: z.boolean().default(true).describe('Announce the box to Home Assistant'),
      discoveryPrefix: z
        .string()
        .regex(/^[A-Za-z0-9_-]{1,64}$/)
        .default('homeassistant'),
      unlockLifeMs: z.number().int().min(200).max(10_000).default(2000).describe('An unlock older than this is void'),
    })
    .prefault({}),
  cameras: z.array(CameraConfig).max(16).default([]),
  doors: z.array(DoorConfig).max(16).default([]),
  microphones: z
    .array(MicrophoneConfig)
    .max(8)
    .default([])
    .describe('A box may have cameras and doors, microphones, or both'),
  wyoming: WyomingConfig.nullable()
    .default(null)
    .describe('Serve trigger words to voice assistants by the Wyoming protocol; null: off'),
  readers: z.array(ReaderConfig).max(64).default([]).describe('How the readers of the doors are attached and secured'),
  contacts: z.array(ContactConfig).max(16).default([]).describe('What tells whether a door is open'),
  policy: PolicyConfig.prefault({}),
  security: SecurityConfig.prefault({}),
  audit: AuditConfig.prefault({}),
  fleet: FleetConfig.prefault({}),
  visitors: VisitorsConfig.prefault({}),
  stills: StillsConfig.nullable()
    .default(null)
    .describe(
      'Keep a stylised picture of decisions, faces painted over, in dataDir/stills. People at the door must be told. null: nothing is kept',
    ),
  log: z
    .strictObject({
      level: z.enum(['error', 'warn', 'info', 'debug']).default('info'),
      format: z.enum(['text', 'json']).default('text'),
    })
    .prefault({}),
  health: z.strictObject({ everySeconds: Seconds(10, 1, 3600).describe('How often health is published') }).prefault({}),
});

export type Config = z.infer<typeof ConfigSchema>;
