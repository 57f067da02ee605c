import { accessSync, constants, statSync } from 'node:fs';
import { connect } from 'node:net';
import type { LoadedConfig } from '../config/load/load';
import type { CameraConfig } from '../config/schema/cameras';
import type { DoorConfig } from '../config/schema/doors';
import { withoutAmbiguity } from '../config/references/camera-address';
import { messageOf, systemCode } from '../errors';
import { ffmpegVersion, FIRST_WITH_OPTIONS } from '../vision/camera/network-input';
import { readReference } from '../vision/watch/reference';
import { lookAtCamera, pictureFindings } from './camera-picture';
import { type Examination, fail, failedBecause, type Finding, ok, warn } from './finding';
import { isInstalled, runProgram } from './program';

const CONNECT_MS = 3000;
const PROGRAMS = {
  ffmpeg: { program: 'ffmpeg', debian: 'ffmpeg' },
  gstreamer: { program: 'gst-launch-1.0', debian: 'gstreamer1.0-tools' },
  'webcam-stills': { program: 'fswebcam', debian: 'fswebcam' },
} as const;

/** Checks programs, devices and addresses and, if the daemon does not use the camera, some seconds of frames. */
export const examineCameras: Examination = async ({ loaded, daemon }) => {
  const { config } = loaded;
  const findings: Finding[] = [];
  const types = new Set(config.cameras.map(({ source }) => source.type));
  for (const type of types) {
    if (type === 'folder') continue;
    const { program, debian } = PROGRAMS[type];
    findings.push(
      (await isInstalled(program))
        ? ok(`program:${program}`, 'installed')
        : fail(`program:${program}`, 'not installed', `apt-get install ${debian}`),
    );
  }
  const byRtsp = config.cameras.filter(({ source }) => source.type === 'ffmpeg' && /^rtsps?:/i.test(source.input));
  if (byRtsp.length > 0 && (await ffmpegVersion()) < FIRST_WITH_OPTIONS)
    findings.push(
      warn(
        'ffmpeg:ps',
        `this ffmpeg is older than ${FIRST_WITH_OPTIONS}: every account of this machine can see the addresses of RTSP cameras, with passwords, in ps`,
        `Install ffmpeg ${FIRST_WITH_OPTIONS} or later, or keep other accounts off this machine.`,
      ),
    );
  for (const camera of config.cameras) findings.push(...(await examineCamera(camera, loaded, daemon !== null)));
  return findings;
};

async function examineCamera(
  camera: CameraConfig,
  { config, dataDir }: LoadedConfig,
  taken: boolean,
): Promise<Finding[]> {
  const check = `camera:${camera.id}`;
  const before = await reachable(check, camera);
  if (before.some(({ state }) => state === 'fail')) return before;
  if (taken) return [...before, ok(check, 'in use by the running daemon: see its health topic')];
  return [
    ...before,
    ...(await realFrames(
      check,
      camera,
      dataDir,
      config.doors.filter((door) => door.camera === camera.id),
    )),
  ];
}

async function reachable(check: string, { source, width, height }: CameraConfig): Promise<Finding[]> {
  if (source.type === 'gstreamer' || source.type === 'folder') return [];
  const input = source.type === 'webcam-stills' ? source.device : source.input;
  if (input.startsWith('/dev/')) {
    const device = deviceAt(check, input);
    const format = source.type === 'ffmpeg' ? source.inputFormat : undefined;
    return device.state === 'fail'
      ? [device]
      : [device, ...(await formats(check, input, `${width}x${height}`, format))];
  }
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(input) ? [await address(check, input)] : [];
}

function deviceAt(check: string, device: string): Finding {
  try {
    if (!statSync(device).isCharacterDevice())
      return fail(check, `${device} is not a device`, 'Name a camera such as /dev/video0 (v4l2-ctl --list-devices).');
    accessSync(device, constants.R_OK | constants.W_OK);
    return ok(`${check}:device`, `${device} exists, and this account may use it`);
  } catch (error) {
    return systemCode(error) === 'EACCES'
      ? fail(
          check,
          `this account may not use ${device}`,
          'Add the account to the group of the device: usermod -aG video usher',
        )
      : fail(
          check,
          `${device} does not exist`,
          'Plug the camera in, or correct source.input (v4l2-ctl --list-devices).',
        );
  }
}

/** The formats' names in the configuration, and in the output of v4l2-ctl and ffmpeg. */
const FORMATS = { mjpeg: /MJPG|mjpeg/i, yuyv422: /YUYV|yuyv422/i, h264: /H264/i } as const;

/** The formats that the camera offers, from v4l2-ctl or else ffmpeg. Both work while the daemon uses the device. */
async function formats(check: string, device: string, size: string, format?: keyof typeof FORMATS): Promise<Finding[]> {
  const byControl = await runProgram('v4l2-ctl', ['--device', device, '--list-formats-ext']);
  const byFfmpeg = ['-hide_banner', '-f', 'v4l2', '-list_formats', 'all', '-i', device];
  const { stdout, stderr } = byControl.code === 0 ? byControl : await runProgram('ffmpeg', byFfmpeg);
  const offered = `${stdout}\n${stderr}`;
  const sizes = [...new Set(offered.match(/\b\d{2,5}x\d{2,5}\b/g) ?? [])];
  if (sizes.length === 0)
    return [warn(`${check}:formats`, 'it does not report its formats', 'apt-get install v4l-utils')];
  const known = format === undefined || FORMATS[format].test(offered);
  const text = `it offers ${sizes.slice(0, 12).join(', ')}`;
  if (sizes.includes(size) && known) return [ok(`${check}:formats`, text)];
  return [
    warn(
      `${check}:formats`,
      `${size}${known ? '' : ` in ${format}`} is not among its formats: ${text}`,
      'Set width, height and inputFormat to one of them.',
    ),
  ];
}

const PORTS: Readonly<Record<string, number>> = {
  'rtsp:': 554,
  'rtsps:': 322,
  'http:': 80,
  'https:': 443,
  'rtmp:': 1935,
};

async function address(check: string, input: string): Promise<Finding> {
  const url = new URL(withoutAmbiguity(input));
  const port = url.port === '' ? (PORTS[url.protocol] ?? 554) : Number(url.port);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const problem = await new Promise<string | null>((resolve) => {
    const socket = connect({ host, port });
    const end = (result: string | null): void => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(CONNECT_MS, () => end(`no answer within ${CONNECT_MS / 1000} s`));
    socket.once('connect', () => end(null));
    socket.once('error', (error) => end(systemCode(error) ?? messageOf(error)));
  });
  return problem === null
    ? ok(`${check}:address`, `${host}:${port} answers`)
    : fail(check, `${host}:${port}: ${problem}`, 'Check the camera, its network, and the address in source.input.');
}

async function realFrames(
  check: string,
  camera: CameraConfig,
  dataDir: string,
  doors: readonly DoorConfig[],
): Promise<Finding[]> {
  try {
    const look = await lookAtCamera(camera);
    const { width, height } = look;
    const findings = [ok(check, `gives frames of ${width}×${height}`)];
    return [...findings, ...pictureFindings(check, camera, look, readReference(dataDir, camera.id), doors)];
  } catch (error) {
    if (error instanceof Error && error.name === 'TimeoutError')
      return [
        fail(
          check,
          `no frame within ${camera.startMs} ms`,
          'Check that the camera is connected and switched on, and that no other program uses it.',
        ),
      ];
    const { found, remedy } = failedBecause(check, error, 'Check the camera and its source in the configuration.');
    return [fail(check, found, remedy ?? '')];
  }
}
