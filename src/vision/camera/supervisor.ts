import { map, type Observable, type SchedulerLike } from 'rxjs';
import { type SourceState } from '../../events';
import { type RestartBackoff, type SourceHealth, superviseSource } from '../../sources/source-supervisor';
import { type CameraSource, type LentFrame } from './source';

export interface CameraHealth {
  readonly state: SourceState;
  /** Why it is not live: the fault and what to do about it. */
  readonly detail: string | null;
  readonly framesCaptured: number;
  readonly restarts: number;
  /** Epoch ms. */
  readonly lastFrameAt: number | null;
}

export const CAMERA_BACKOFF: RestartBackoff = { firstMs: 500, maxMs: 30_000, jitter: 0.3, resetAfterMs: 10_000 };

export interface CameraSupervision {
  readonly stallMs: number;
  readonly startMs: number;
  readonly backoff?: RestartBackoff;
  readonly scheduler?: SchedulerLike;
  /** Monotonic milliseconds. */
  readonly now?: () => number;
  readonly random?: () => number;
}

export interface SupervisedCamera {
  /** As `items` of a supervised source. */
  readonly frames: Observable<LentFrame>;
  /** The condition now, then each change of `state`, `detail` or `restarts`. */
  readonly status: Observable<CameraHealth>;
  /** The condition now, counts included. */
  health(): CameraHealth;
}

/** Keeps a camera going, as any source is kept going. */
export function superviseCamera(source: CameraSource, options: CameraSupervision): SupervisedCamera {
  const supervised = superviseSource(source, {
    backoff: CAMERA_BACKOFF,
    ...options,
    silence: (atStart, limitMs) => silence(source.name, atStart, limitMs),
  });
  return {
    frames: supervised.items,
    status: supervised.status.pipe(map(cameraHealth)),
    health: () => cameraHealth(supervised.health()),
  };
}

function cameraHealth({ state, detail, count, restarts, lastAt }: SourceHealth): CameraHealth {
  return { state, detail, framesCaptured: count, restarts, lastFrameAt: lastAt };
}

function silence(name: string, atStart: boolean, limitMs: number): string {
  return atStart
    ? `${name}: no frame within ${limitMs} ms of its start. Check that the camera is connected and switched on.`
    : `${name}: no frame for ${limitMs} ms. Check the camera, its cable and its network.`;
}
