import { stat } from 'node:fs/promises';
import { maskAddress } from '../../address';
import { UsherError } from '../../errors';
import { type CameraConfig, type CameraSourceConfig } from '../../config/schema/cameras';
import { turnedSize } from '../picture/turn';
import { UNTIMED_MS } from './frame-clock';
import { type FrameProgram, type ProgramInput } from './frame-process';
import { inputPins } from './input-pins';
import { ADDRESS_LIST, addressList, directAddress, ffmpegVersion } from './network-input';
import { pictureFilters } from './picture-filters';

type FfmpegConfig = Extract<CameraSourceConfig, { type: 'ffmpeg' }>;
type InputKind = 'v4l2' | 'rtsp' | 'http' | 'file';

/** Cameras by V4L2, RTSP and HTTP, and video files, decoded and scaled by ffmpeg (4.4 or newer). */
export function ffmpegProgram(camera: CameraConfig, source: FfmpegConfig): FrameProgram {
  const kind = kindOf(source);
  const path = kind === 'v4l2' || kind === 'file' ? source.input.replace(/^file:/, '') : null;
  return {
    name: maskAddress(source.input),
    live: kind !== 'file' || source.loop,
    command: 'ffmpeg',
    args: ffmpegArguments(camera, source),
    framesFd: 1,
    ...turnedSize(camera, camera.rotate),
    container: 'nut',
    times: kind === 'file' && !source.realtime ? 'unpaced' : source.times,
    fps: camera.fps,
    latencyMs: camera.latencyMs,
    debianPackage: 'ffmpeg',
    remedy: REMEDIES[kind],
    ...(path === null ? { input: () => networkInput(camera, source) } : { check: () => checkPath(path, kind) }),
  };
}

async function networkInput(camera: CameraConfig, source: FfmpegConfig): Promise<ProgramInput> {
  const direct = await directAddress(source, ffmpegVersion());
  return direct === null
    ? { stdin: await addressList(source), args: ffmpegArguments(camera, source) }
    : { stdin: null, args: ffmpegArguments(camera, source, direct) };
}

const REMEDIES: Record<InputKind, string> = {
  v4l2: 'Check that the camera is plugged in, that no other program uses it, and that this user is in the group "video".',
  rtsp: 'Check address, user and password, and that the camera answers: ffprobe <address>',
  http: 'Check the address, and that it answers: ffprobe <address>',
  file: 'Check that the file is a video that plays: ffprobe <file>',
};

/** The argument array; width and height are what comes out, whatever goes in, before it is turned upright. */
export function ffmpegArguments(
  camera: CameraConfig,
  source: FfmpegConfig,
  address: readonly string[] = ADDRESS_LIST,
): string[] {
  return [
    ...['-hide_banner', '-nostdin', '-loglevel', 'error'],
    ...inputArguments(camera, source, address),
    ...['-map', '0:v:0', '-an', '-sn', '-dn'],
    ...['-vf', [atMost(camera.fps), onwards(kindOf(source)), pictureFilters(camera, source)].join(',')],
    // An explicit time base: the one of a frame rate would round the times.
    ...['-enc_time_base', '1:1000', '-pix_fmt', 'rgb24', '-c:v', 'rawvideo'],
    // A container with a variable rate, so that ffmpeg neither repeats nor renumbers frames to fill gaps. (The option
    // for this is `-vsync` up to ffmpeg 8 and `-fps_mode` since 5.1; boards have 4.4 to 9.) Without an index, which
    // would grow without limit.
    ...['-f', 'nut', '-write_index', '0', '-flush_packets', '1', 'pipe:1'],
  ];
}

/**
 * Thins a stream out to a rate but never repeats a frame, as the `fps` filter does: a repeated frame would count as one more
 * frame that agrees. At most one frame for each slot of a 1/fps grid; a clock that jumps back does no harm.
 */
function atMost(fps: number): string {
  const slot = (time: string): string => `floor(${time}*${fps}+0.5)`;
  return `select=isnan(t)+isnan(prev_selected_t)+not(eq(${slot('t')}\\,${slot('prev_selected_t')}))`;
}

/**
 * Times that only go on: where a camera's clock jumps back, ffmpeg would drop frames until it has caught up. The time base is fine
 * enough for a step.
 *
 * Over HTTP, motion JPEG and raw streams have no times; ffmpeg makes up 25 frames a second. They show by their time base (libavformat's
 * mpjpegdec.c and rawdec.c), and are marked so that they are dated by their arrival.
 */
function onwards(kind: InputKind): string {
  const madeUp = '(lt(abs(TB*25-1)\\,1e-6)+lt(abs(TB*1200000-1)\\,1e-3))';
  const first = kind === 'http' ? `PTS+${madeUp}*${UNTIMED_MS / 1000}/TB` : 'PTS';
  return `setpts=if(isnan(PREV_INPTS)\\,${first}\\,PREV_OUTPTS+max(PTS-PREV_INPTS\\,1))`;
}

function inputArguments(
  { width, height, fps }: CameraConfig,
  source: FfmpegConfig,
  address: readonly string[],
): string[] {
  const lowLatency = ['-flags', 'low_delay'];
  // The default looks at 5 s of a stream before the first frame. No `-fflags nobuffer`: it throws away what was looked at, with
  // it the first key frame, so that a network camera shows nothing before its next one, seconds later.
  const shortProbe = ['-analyzeduration', '1000000', '-fflags', 'discardcorrupt'];
  switch (kindOf(source)) {
    case 'v4l2':
      return [
        ...['-f', 'v4l2', ...lowLatency],
        ...(source.inputFormat === undefined ? [] : ['-input_format', source.inputFormat]),
        // Wishes: the driver takes the nearest that the camera can.
        ...['-framerate', String(fps), '-video_size', `${width}x${height}`, '-i', source.input],
      ];
    case 'rtsp':
      return [...lowLatency, ...shortProbe, ...inputPins('rtsp', source), ...address];
    case 'http':
      return [...lowLatency, ...shortProbe, ...inputPins('http', source), ...address];
    case 'file':
      return [
        ...(source.loop ? ['-stream_loop', '-1'] : []),
        ...(source.realtime ? ['-re'] : []),
        // "file:" keeps a colon in a name from being read as a protocol.
        ...[...inputPins('file', source), '-i', `file:${source.input.replace(/^file:/, '')}`],
      ];
  }
}

function kindOf(source: FfmpegConfig): InputKind {
  if (source.format === 'v4l2' || source.input.startsWith('/dev/video')) return 'v4l2';
  if (/^rtsps?:\/\//i.test(source.input)) return 'rtsp';
  if (/^https?:\/\//i.test(source.input)) return 'http';
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(source.input)?.[1];
  if (scheme !== undefined && scheme !== 'file')
    throw new UsherError('config-invalid', `camera input ${maskAddress(source.input)}: "${scheme}" is not supported`, {
      remedy: 'Give a device (/dev/video0), an rtsp:// or http(s):// address, or a file.',
    });
  return 'file';
}

async function checkPath(path: string, kind: InputKind): Promise<void> {
  const fail = (what: string): UsherError =>
    new UsherError('camera-failed', `${path} ${what}`, { remedy: REMEDIES[kind] });
  const about = await stat(path).catch(() => null);
  if (about === null) throw fail('does not exist or cannot be reached');
  if (about.isDirectory()) throw fail('is a folder; a folder of pictures is a source of type "folder"');
  if (kind === 'v4l2' && !about.isCharacterDevice()) throw fail('is not a camera device');
  if (kind === 'file' && about.isFile() && about.size === 0) throw fail('is empty (0 bytes)');
}
