import { stringify } from 'yaml';
import { maskAddress } from '../../../src/address';
import { parseConfig } from '../../../src/config/load/load';
import { type CameraSourceConfig } from '../../../src/config/schema/cameras';
import { HealthBoard } from '../../../src/daemon/health/health';
import { fail } from '../../../src/doctor/finding';
import { messageOf, UsherError } from '../../../src/errors';
import { explainBrokerProblem } from '../../../src/mqtt/link/problems';
import { createLog } from '../../../src/system/log';
import { ffmpegProgram } from '../../../src/vision/camera/ffmpeg';

type FfmpegConfig = Extract<CameraSourceConfig, { type: 'ffmpeg' }>;

/** In which libraries and programs repeat the address that they were given. */
const COMPLAINTS: readonly ((address: string) => string)[] = [
  (address) =>
    `[rtsp @ 0x55d1c0] method DESCRIBE failed: 401 Unauthorized\n${address}: Server returned 401 Unauthorized`,
  (address) => `[in#0 @ 0x561] Error opening input: Input/output error\nError opening input file ${address}.`,
  (address) => `[concat @ 0x5] Impossible to open '${address}'\npipe:0: Invalid data found when processing input`,
  (address) => `connect ECONNREFUSED ${address}`,
  (address) => `getaddrinfo ENOTFOUND (${address})`,
  (address) => JSON.stringify({ code: 'ERR_INVALID_URL', input: address }),
];

/** A configuration of a box whose camera, broker and fleet have this address, as an operator would write it. */
function configWith(address: string): string {
  const [web, broker] = [address.replace(/^\w+:/, 'https:'), address.replace(/^\w+:/, 'mqtt:')];
  return stringify({
    device: { site: 'gym', id: 'box' },
    mqtt: { broker: { type: 'external', url: broker } },
    cameras: [{ id: 'cam', source: { type: 'ffmpeg', input: address.replace(/^(mqtts?|wss?):/, 'rtsp:') } }],
    doors: [{ id: 'front', camera: 'cam', readers: ['r1'] }],
    fleet: { root: 'root.json', source: { type: 'https', url: web } },
  });
}

/** Every text that may leave the process for one address, by where it goes. */
export function outputsFor(address: string): ReadonlyMap<string, string> {
  const out = new Map<string, string>();
  const told = (error: unknown): string =>
    `${messageOf(error)} ${error instanceof UsherError ? (error.remedy ?? '') : ''}`;
  const config = configWith(address);
  for (const [name, text] of [
    ['config check', config],
    ['config check of a bad key', config.replace('input:', 'inptu:')],
    ['config check of a wrong type', config.replace('type: ffmpeg', 'type: rtsp')],
    ['config check of broken YAML', `${config}\n\tx: [`],
  ] as const)
    try {
      const { source } = parseConfig(text, 'x.yaml').cameras[0] ?? {};
      if (source?.type === 'ffmpeg') processesOf(source, out);
    } catch (error) {
      out.set(name, told(error));
    }
  COMPLAINTS.forEach((complain, at) => {
    const complaint = complain(address);
    for (const format of ['text', 'json'] as const) {
      const lines: string[] = [];
      const log = createLog({ level: 'debug', format, write: (line) => lines.push(line) });
      log.info('started', { broker: address, why: complaint });
      log.error(complaint);
      out.set(`${format} log ${at}`, lines.join(''));
    }
    const error = new Error(complaint);
    out.set(`error ${at}`, told(new UsherError('camera-failed', `${maskAddress(address)}: ${complaint}`)));
    out.set(`broker problem ${at}`, told(explainBrokerProblem(error, address)));
    out.set(`doctor ${at}`, JSON.stringify(fail('camera:cam', complaint, complaint)));
    const board = new HealthBoard((component, health) =>
      out.set(`health of ${component} ${at}`, JSON.stringify(health)),
    );
    board.set('cam', { state: 'failed', lastProgressAt: null, detail: complaint, remedy: address });
  });
  return out;
}

/** What `ps` shows of the program that opens the camera, and what messages call it. */
function processesOf(source: FfmpegConfig, out: Map<string, string>): void {
  const camera = { width: 640, height: 480, fps: 10, rotate: 0, flip: 'none', latencyMs: 0 } as never;
  const { args, name, remedy } = ffmpegProgram(camera, source);
  out.set('ps', args.join('\0'));
  out.set('name', `${name} ${remedy}`);
}
