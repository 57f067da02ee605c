import { longestIntervalMs } from '../../config/references/camera-rate';
import type { DoorConfig } from '../../config/schema/doors';

/** Votes that can just be gathered by the mean interval are lost with every frame that is missed. */
const MARGIN = 1.05;

/**
 * Whether the rate at which pictures really come is too low for the votes of a door; null where it does.
 * @param intervalMs mean time between them; null: not known
 */
export function tooSlow(
  intervalMs: number | null,
  doors: readonly Pick<DoorConfig, 'id' | 'votes' | 'voteWindowMs' | 'absentMs'>[],
): { readonly found: string; readonly remedy: string } | null {
  if (intervalMs === null) return null;
  const hit = doors.find((door) => intervalMs > MARGIN * longestIntervalMs(door));
  if (hit === undefined) return null;
  const { id, votes, voteWindowMs, absentMs } = hit;
  return {
    found: `pictures come every ${inSteps(intervalMs)} ms: door ${id} cannot gather ${votes} votes within ${voteWindowMs} ms from a face that may be gone for ${absentMs} ms`,
    remedy: `Make the camera faster (in the dark many halve their rate), or raise voteWindowMs and absentMs of door ${id}, or lower its votes.`,
  };
}

/** Rounded, so that health does not change with every picture. */
function inSteps(intervalMs: number): number {
  const step = intervalMs > 1000 ? 500 : 100;
  return Math.max(step, Math.round(intervalMs / step) * step);
}
