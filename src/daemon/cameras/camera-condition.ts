import { frameIntervalMs } from '../../config/references/camera-rate';
import type { CameraConfig } from '../../config/schema/cameras';
import type { DoorConfig } from '../../config/schema/doors';
import type { CameraStatus } from '../../events';
import { tooSlow } from '../../vision/watch/too-slow';
import { isBlind } from '../../vision/watch/judge';
import { describeTrouble } from '../../vision/watch/trouble-text';
import type { ComponentHealth } from '../health/health';

export interface CameraCondition {
  /** Pictures that can show a person arrive and are analysed. */
  readonly live: boolean;
  readonly health: ComponentHealth;
}

/** What a camera's report means for its doors and for a person. */
export function conditionOf(
  status: CameraStatus,
  camera: CameraConfig,
  doors: readonly DoorConfig[] = [],
): CameraCondition {
  const { state, trouble, lastAnalysisAt } = status;
  const delivering = state === 'live';
  const behindMs = delivering ? analysisBehindMs(status) : 0;
  // While a stream settles, its frames are not analysed yet.
  const settling = delivering && status.framesAnalysed === 0;
  const behind =
    behindMs > Math.max(camera.stallMs, 2 * frameIntervalMs(camera)) || (settling && status.framesLate > 0);
  const blind = trouble !== null && isBlind(trouble);
  const live = delivering && !behind && !blind;
  const starting = status.restarts === 0 && (state === 'starting' || (settling && behind));
  const description = trouble === null ? null : describeTrouble(trouble);
  const health = (state: ComponentHealth['state'], detail: string | null, remedy: string | null): CameraCondition => ({
    live,
    health: { state, lastProgressAt: lastAnalysisAt, detail, remedy, picture: pictureOf(status) },
  });
  if (blind && !starting) return health('failed', description?.found ?? null, description?.remedy ?? null);
  if (starting) return health('starting', null, null);
  if (!delivering) return health('failed', status.detail ?? `the camera is ${state} (${countsOf(status)})`, null);
  if (behind)
    return health(
      'failed',
      `frames arrive, but none was analysed for ${Math.round(behindMs / 1000)} s (${countsOf(status)})`,
      'Either frames arrive late (set latencyMs; usher doctor --latency measures it), or this machine is overloaded (lower fps, width, height).',
    );
  const slow = description ?? tooSlow(status.intervalMs, doors);
  return health(slow === null ? 'ok' : 'degraded', slow?.found ?? null, slow?.remedy ?? null);
}

function countsOf({ framesCaptured, framesLate, framesDropped, restarts }: CameraStatus): string {
  return `${framesCaptured} frames, ${framesLate} late, ${framesDropped} dropped, ${restarts} restarts`;
}

/**
 * How long new pictures have arrived without one being analysed, ms. A picture that does not change needs no analysis.
 */
function analysisBehindMs({ at, framesAnalysed, lastAnalysisAt, lastChangeAt }: CameraStatus): number {
  if (framesAnalysed === 0 || lastAnalysisAt === null) return 0;
  return Math.min(at, lastChangeAt ?? at) - lastAnalysisAt;
}

function pictureOf({ intervalMs, trouble }: CameraStatus): NonNullable<ComponentHealth['picture']> {
  return {
    intervalMs: intervalMs === null ? null : Math.round(intervalMs),
    trouble: trouble?.kind ?? null,
    since: trouble?.since ?? null,
  };
}
