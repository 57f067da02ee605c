import { setTimeout as pause } from 'node:timers/promises';
import type { CameraConfig } from '../config/schema/cameras';
import { messageOf, UsherError } from '../errors';
import { monotonicMs } from '../system/clock';
import { createCameraSource } from '../vision/camera/create';
import type { Frame } from '../vision/picture/frame';
import { median } from '../quantile';
import { pollUntil } from '../system/poll';

/** Mean brightness (0..255) of a frame, and when it arrived (monotonic ms). */
export interface BrightnessSample {
  readonly arrived: number;
  readonly brightness: number;
}

/** A larger change of brightness is a covered lens or a flash, not a cloud. */
const CHANGE = 25;
/** The frames of this time before the signal give the brightness to compare with. */
const BASELINE_MS = 1500;
/** The longest delay that the configuration accepts, and a margin. */
export const LONGEST_MS = 12_000;
/** Longest wait for a steady picture before a signal. */
const SETTLE_MS = 20_000;

/**
 * Delay from a signal in front of the lens to its arrival here, ms. The first frame counts that differs from those
 * before the signal, if the next one differs too. Null if there is none.
 */
export function delayOf(samples: readonly BrightnessSample[], signalAt: number): number | null {
  const before = samples.filter(({ arrived }) => arrived <= signalAt && arrived > signalAt - BASELINE_MS);
  if (before.length === 0) return null;
  const baseline = median(before.map(({ brightness }) => brightness));
  const differs = (sample: BrightnessSample | undefined): boolean =>
    sample !== undefined && Math.abs(sample.brightness - baseline) >= CHANGE;
  const after = samples.filter(({ arrived }) => arrived > signalAt);
  const first = after.findIndex((sample, i) => differs(sample) && differs(after[i + 1] ?? sample));
  return first === -1 ? null : (after[first] as BrightnessSample).arrived - signalAt;
}

/** Green of every seventh pixel is accurate enough and fast on a small board. */
export function brightnessOf({ data }: Frame): number {
  let [sum, count] = [0, 0];
  for (let i = 1; i < data.length; i += 21) {
    sum += data[i] as number;
    count++;
  }
  return count === 0 ? 0 : sum / count;
}

export interface LatencyOptions {
  readonly rounds: number;
  /** Resolves with the moment of the signal (monotonic ms): the lens is covered, or a light is switched on. */
  readonly signal: (round: number) => Promise<number>;
  /** Ends the signal before the next one. */
  readonly clear: (round: number) => Promise<void>;
}

export interface LatencyMeasure {
  readonly delaysMs: readonly number[];
  readonly medianMs: number;
}

/**
 * Measures the delay from the scene to this box. Frame timestamps do not show it. Opens the camera as the daemon does.
 * @throws UsherError `camera-failed` if no frame comes, or none shows the signal
 */
export async function measureLatency(camera: CameraConfig, options: LatencyOptions): Promise<LatencyMeasure> {
  const { rounds, signal, clear } = options;
  const samples: BrightnessSample[] = [];
  let failure: UsherError | null = null;
  const subscription = createCameraSource(camera, { warn: () => undefined })
    .open()
    .subscribe({
      next: (frame) => {
        samples.push({ arrived: monotonicMs(), brightness: brightnessOf(frame) });
        if (samples.length > 4096) samples.splice(0, 2048);
        frame.release();
      },
      error: (error: unknown) => {
        failure =
          error instanceof UsherError ? error : new UsherError('camera-failed', messageOf(error), { cause: error });
      },
      complete: () => (failure = new UsherError('camera-failed', `${camera.id}: the stream ended`)),
    });
  const until = (holds: () => boolean, withinMs: number): Promise<boolean> =>
    pollUntil(
      () => {
        if (failure !== null) throw failure;
        return holds();
      },
      { everyMs: 20, withinMs },
    );
  try {
    if (!(await until(() => samples.length > 0, camera.startMs)))
      throw new UsherError('camera-failed', `${camera.id}: no frame within ${camera.startMs} ms`, {
        remedy: 'Check that the camera is connected and switched on. If the daemon uses the camera, stop the daemon.',
      });
    const delaysMs: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      await until(() => isSteady(samples), SETTLE_MS);
      const at = await signal(round);
      const seen = await until(() => delayOf(samples, at) !== null, LONGEST_MS);
      const delay = delayOf(samples, at);
      if (delay !== null) delaysMs.push(delay);
      await clear(round);
      // Wait until the end of the signal has arrived too, or it would count as the next signal.
      if (round < rounds) await pause(seen && delay !== null ? delay + BASELINE_MS : LONGEST_MS);
    }
    if (delaysMs.length === 0)
      throw new UsherError(
        'camera-failed',
        `${camera.id}: no picture showed the signal within ${LONGEST_MS / 1000} s`,
        {
          remedy: 'Cover the whole lens with your hand, in a lit room, and press Enter at the same moment.',
        },
      );
    return { delaysMs, medianMs: median(delaysMs) };
  } finally {
    subscription.unsubscribe();
  }
}

/** Whether the brightness was constant for a while. */
function isSteady(samples: readonly BrightnessSample[]): boolean {
  const now = monotonicMs();
  const last = samples.filter(({ arrived }) => arrived > now - BASELINE_MS).map(({ brightness }) => brightness);
  return last.length >= 2 && Math.max(...last) - Math.min(...last) < CHANGE / 2;
}
