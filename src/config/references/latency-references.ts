import type { ReferenceFault } from './fault';

/** What the schema takes where a key is left out. */
const DEFAULTS = { fps: 15, votes: 3, deadlineMs: 5000, mode: 'verify' } as const;
/** Detection, encoding and jitter, in addition to the camera's own delay. */
const ANALYSIS_MS = 500;
/**
 * A door that opens later than this may open for another person. A card says who stands there; a face alone does not.
 */
const FACE_ALONE_MS = 2000;

type Entry = Readonly<Record<string, unknown>>;

/** A camera whose pictures come so late that its door cannot work with them. */
export function latencyFaults(doors: readonly Entry[], cameras: readonly Entry[]): ReferenceFault[] {
  return doors.flatMap((door, index): ReferenceFault[] => {
    const camera = cameras.find(({ id }) => id !== undefined && id === door['camera']);
    const latencyMs = numberOr(camera?.['latencyMs'], 0);
    if (camera === undefined || latencyMs === 0) return [];
    const faults: ReferenceFault[] = [];
    const deadlineMs = numberOr(door['deadlineMs'], DEFAULTS.deadlineMs);
    const votesMs = (numberOr(door['votes'], DEFAULTS.votes) * 1000) / numberOr(camera['fps'], DEFAULTS.fps);
    const least = Math.ceil((latencyMs + votesMs + ANALYSIS_MS) / 100) * 100;
    if (deadlineMs < least)
      faults.push({
        path: ['doors', index, 'deadlineMs'],
        message: `${deadlineMs} is too short: pictures of camera ${String(door['camera'])} come ${latencyMs} ms late (latencyMs), so a face needs at least ${least}`,
      });
    const mode = door['mode'] ?? DEFAULTS.mode;
    if (latencyMs > FACE_ALONE_MS && (mode === 'identify' || mode === 'either'))
      faults.push({
        path: ['doors', index, 'mode'],
        message: `${mode} opens by the face alone, ${latencyMs / 1000} s after the person looked, to anybody who stands there by then: use verify, or a camera with latencyMs of ${FACE_ALONE_MS} at most`,
      });
    return faults;
  });
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === 'number' && value > 0 ? value : otherwise;
}
