import { setTimeout as pause } from 'node:timers/promises';
import { createInterface } from 'node:readline/promises';
import type { LoadedConfig } from '../../config/load/load';
import type { CameraConfig } from '../../config/schema/cameras';
import { LONGEST_MS, type LatencyMeasure, measureLatency } from '../../doctor/latency';
import { UsherError } from '../../errors';
import { noSuch } from '../../nearest-word';
import { monotonicMs } from '../../system/clock';

export interface LatencyCommand {
  /** The only camera to measure. Undefined: all. */
  readonly camera?: string;
  /** The camera is pointed at this terminal, which flashes, so that no person has to cover the lens. */
  readonly flash?: boolean;
  readonly json?: boolean;
}

const ROUNDS = 3;
/** A shorter delay is normal and needs no key. */
const NEGLIGIBLE_MS = 250;
const WHITE = '\u001b[107m\u001b[2J\u001b[H';
const BLACK = '\u001b[40m\u001b[2J\u001b[H';
const PLAIN = '\u001b[0m\u001b[2J\u001b[H';

/** `usher doctor --latency`: measures the delay of a camera's pictures and names the key to set. */
export async function doctorLatency({ config }: LoadedConfig, command: LatencyCommand): Promise<void> {
  const cameras = config.cameras.filter(({ id }) => command.camera === undefined || id === command.camera);
  if (cameras.length === 0) {
    const known = config.cameras.map(({ id }) => id);
    throw new UsherError('config-invalid', `--camera: ${noSuch('camera', command.camera ?? '', known)}`);
  }
  if (!process.stdin.isTTY || !process.stdout.isTTY)
    throw new UsherError('usage', 'measuring the delay of a camera needs a person at a terminal', {
      remedy: 'Run it in a terminal, next to the camera.',
    });
  const results: { camera: string; latencyMs: number; delaysMs: readonly number[] }[] = [];
  for (const camera of cameras) {
    const say = (line: string): void =>
      void (command.json === true ? process.stderr : process.stdout).write(`${line}\n`);
    const measured = await (command.flash === true ? byFlashes(camera) : byHand(camera, say));
    const latencyMs = latencyOf(measured);
    results.push({ camera: camera.id, latencyMs, delaysMs: measured.delaysMs.map(Math.round) });
    say(describeLatency(camera.id, camera.latencyMs, measured));
  }
  if (command.json === true) process.stdout.write(`${JSON.stringify({ cameras: results }, null, 2)}\n`);
}

/** Rounded to tens of milliseconds: a hand that covers a lens is not more exact. */
export function latencyOf({ medianMs }: LatencyMeasure): number {
  return medianMs < NEGLIGIBLE_MS ? 0 : Math.round(medianMs / 10) * 10;
}

/**
 * One camera's result for a person.
 * @param configured `latencyMs` of the configuration
 */
export function describeLatency(camera: string, configured: number, measured: LatencyMeasure): string {
  const { delaysMs, medianMs } = measured;
  const rounds = delaysMs.map((delay) => Math.round(delay)).join(', ');
  const found = `${camera}: pictures arrive ${Math.round(medianMs)} ms late (${rounds})`;
  const wanted = latencyOf(measured);
  if (Math.abs(wanted - configured) < NEGLIGIBLE_MS) return `${found}; latencyMs: ${configured} is correct`;
  return `${found}\n     → Set latencyMs: ${wanted} for the camera ${camera} (now ${configured}).`;
}

async function byHand(camera: CameraConfig, say: (line: string) => void): Promise<LatencyMeasure> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  say(`${camera.id}: opening the camera`);
  try {
    return await measureLatency(camera, {
      rounds: ROUNDS,
      signal: async (round) => {
        await terminal.question(
          `${round} of ${ROUNDS}: cover the lens with one hand and press Enter at the same moment `,
        );
        return monotonicMs();
      },
      clear: async () => {
        await terminal.question('Take the hand away and press Enter ');
      },
    });
  } finally {
    terminal.close();
  }
}

async function byFlashes(camera: CameraConfig): Promise<LatencyMeasure> {
  process.stdout.write(BLACK);
  try {
    // Waits until the camera shows the dark screen, however long its delay is.
    await pause(LONGEST_MS);
    return await measureLatency(camera, {
      rounds: ROUNDS,
      signal: () => {
        process.stdout.write(WHITE);
        return Promise.resolve(monotonicMs());
      },
      clear: () => {
        process.stdout.write(BLACK);
        return Promise.resolve();
      },
    });
  } finally {
    process.stdout.write(PLAIN);
  }
}
