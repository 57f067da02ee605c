import { z } from 'zod';
import { Id, Path } from './primitives';
import { SceneConfig } from './scene';

const FfmpegSource = z.strictObject({
  type: z.literal('ffmpeg').describe('A camera device, a network camera or a file, read by ffmpeg'),
  input: z
    .string()
    .min(1)
    .max(2048)
    .regex(/^[^\u0000-\u001f\u007f]+$/, 'one line')
    .describe('What ffmpeg opens: /dev/video0, rtsp://…, http(s)://… or a file')
    .meta({ examples: ['rtsp://192.0.2.10/stream1'] }),
  username: z
    .string()
    .min(1)
    .max(256)
    .regex(/^[^:\u0000-\u001f]+$/, 'a user name without a colon')
    .optional()
    .describe('User at the camera. Use it with passwordFile, instead of user and password in the address'),
  passwordFile: Path.optional().describe(
    'File that holds the camera’s password as its only line, mode 0600; relative to this file',
  ),
  format: z
    .enum(['auto', 'v4l2'])
    .default('auto')
    .describe('v4l2 for a camera device. auto: v4l2 for /dev/video*, else what ffmpeg finds'),
  inputFormat: z.enum(['mjpeg', 'yuyv422', 'h264']).optional().describe('Pixel format to ask of a V4L2 camera'),
  loop: z.boolean().default(false).describe('Repeat a file for ever'),
  realtime: z.boolean().default(true).describe('Read a file at its own speed, not as fast as possible'),
  rtspTransport: z
    .enum(['tcp', 'udp'])
    .default('tcp')
    .describe('Transport of an RTSP camera. tcp loses no packets; udp has less delay on a good network'),
  aspectRatio: z
    .string()
    .regex(/^[1-9]\d{0,3}:[1-9]\d{0,3}$/, 'width and height of the picture, like 16:9')
    .optional()
    .describe(
      'Shape of the whole picture as people see it, for a recorder that squeezes it (704×576, 640×480) and does not say so in its stream. Without it: what the stream says',
    )
    .meta({ examples: ['16:9'] }),
  times: z
    .enum(['stream', 'arrival'])
    .default('stream')
    .describe(
      'Where the time of a frame comes from. stream: the times in the stream, where it has any. arrival: when the frame reached the box, for a camera whose clock runs fast, slow or in jumps; it protects less against frames that come late',
    ),
});

const GStreamerSource = z.strictObject({
  type: z.literal('gstreamer').describe('A CSI camera on a Jetson, read by GStreamer'),
  sensorId: z
    .number()
    .int()
    .min(0)
    .max(15)
    .default(0)
    .describe('Number of the CSI camera (sensor-id of nvarguscamerasrc)')
    .meta({ unit: 'none' }),
});

const StillsSource = z.strictObject({
  type: z.literal('webcam-stills').describe('A webcam that is opened for each picture; too slow for a busy door'),
  device: z
    .string()
    .regex(/^\/dev\/video\d{1,3}$/, 'a device like /dev/video0')
    .default('/dev/video0')
    .describe('The camera device'),
  intervalMs: z.number().int().min(500).max(3_600_000).default(1000).describe('Time between two pictures'),
});

const FolderSource = z.strictObject({
  type: z.literal('folder').describe('Pictures from a folder, for tests and demonstrations'),
  path: Path.describe('A folder of pictures, replayed in the order of their names; relative to this file'),
  loop: z.boolean().default(false).describe('Begin again after the last picture'),
});

const Region = z
  .strictObject({
    x: z.number().min(0).max(1).describe('Left edge').meta({ unit: 'fraction of the width' }),
    y: z.number().min(0).max(1).describe('Top edge').meta({ unit: 'fraction of the height' }),
    width: z.number().gt(0).max(1).describe('Width of the region').meta({ unit: 'fraction of the width' }),
    height: z.number().gt(0).max(1).describe('Height of the region').meta({ unit: 'fraction of the height' }),
  })
  .default({ x: 0, y: 0, width: 1, height: 1 })
  .describe('Where the centre of a face must be, in the turned picture. Faces outside are ignored');

const QualityConfig = z
  .strictObject({
    minSharpness: z
      .number()
      .min(0)
      .default(0.02)
      .describe('Blurred faces are refused: least variance of the Laplacian over the variance of the face')
      .meta({ unit: 'ratio' }),
    minBrightness: z
      .number()
      .min(0)
      .max(255)
      .default(35)
      .describe('Darker faces are refused: least mean brightness of the middle of the face')
      .meta({ unit: 'grey levels, 0 to 255' }),
    maxBrightness: z
      .number()
      .min(0)
      .max(255)
      .default(225)
      .describe('Brighter faces are refused: greatest mean brightness of the middle of the face')
      .meta({ unit: 'grey levels, 0 to 255' }),
    minContrast: z
      .number()
      .min(0)
      .max(128)
      .default(12)
      .describe('Flat faces are refused: least standard deviation of the brightness')
      .meta({ unit: 'grey levels' }),
    maxYaw: z
      .number()
      .min(0)
      .max(1)
      .default(0.55)
      .describe('How far the head may be turned to the side: 0 is frontal, 1 is in profile')
      .meta({ unit: 'share of a full turn to profile' }),
    maxPitch: z
      .number()
      .min(0)
      .max(1)
      .default(0.45)
      .describe('How far the head may be raised or lowered: 0 is level, 1 puts the nose at the height of eyes or mouth')
      .meta({ unit: 'share of half the distance from eyes to mouth' }),
    maxRollDeg: z.number().min(0).max(180).default(45).describe('How far the head may be tilted to a shoulder'),
  })
  .prefault({})
  .describe('What a face must be like before it is encoded. A face that fails is refused with the reason');

export const CameraConfig = z.strictObject({
  id: Id.describe('Name of the camera; doors name it, and it is part of its topics'),
  source: z
    .discriminatedUnion('type', [FfmpegSource, GStreamerSource, StillsSource, FolderSource])
    .describe('Where the frames come from'),
  width: z
    .number()
    .int()
    .min(64)
    .max(3840)
    .default(1280)
    .describe('Frame width to ask of the source')
    .meta({ unit: 'pixels' }),
  height: z
    .number()
    .int()
    .min(64)
    .max(2160)
    .default(720)
    .describe('Frame height to ask of the source')
    .meta({ unit: 'pixels' }),
  fps: z
    .number()
    .min(0.1)
    .max(60)
    .default(15)
    .describe('Frame rate to ask of the source')
    .meta({ unit: 'frames per second' }),
  rotate: z
    .literal([0, 90, 180, 270])
    .default(0)
    .describe(
      'Degrees to turn the picture clockwise, for a camera that is mounted sideways (90, 270: width and height change places) or upside down (180)',
    ),
  flip: z
    .enum(['none', 'horizontal', 'vertical'])
    .default('none')
    .describe('Mirror the turned picture. horizontal exchanges left and right, vertical exchanges top and bottom'),
  region: Region,
  minFacePx: z
    .number()
    .int()
    .min(24)
    .max(1000)
    .default(80)
    .describe('Smallest useful face, in pixels of the frame; it also sets the size at which faces are looked for'),
  stallMs: z
    .number()
    .int()
    .min(200)
    .max(600_000)
    .default(3000)
    .describe('After this time without a frame the camera is started again. If left out, a slow camera gets more time'),
  startMs: z.number().int().min(500).max(600_000).default(10_000).describe('Time for the first frame after a start'),
  latencyMs: z
    .number()
    .int()
    .min(0)
    .max(10_000)
    .default(0)
    .describe(
      'Constant delay from the scene to this box that no stream shows; `usher doctor --latency` measures it. Frames are taken to be that much older than their arrival',
    ),
  stuckMs: z
    .number()
    .int()
    .min(2000)
    .max(3_600_000)
    .nullable()
    .default(30_000)
    .describe(
      'After this time with exactly the same picture the camera counts as frozen and is opened again, at growing intervals. A frame that repeats the one before never counts for a decision. null: never frozen, for a source that really stands still',
    ),
  quality: QualityConfig,
  scene: SceneConfig,
});
export type CameraConfig = z.infer<typeof CameraConfig>;
export type CameraSourceConfig = CameraConfig['source'];
export type QualityGates = CameraConfig['quality'];
