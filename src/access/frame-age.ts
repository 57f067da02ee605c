/** A frame that was taken longer ago than this says who was there, not who is. Beyond the delay that the camera is known to have. */
export const MAX_FRAME_AGE_MS = 1000;

/** @param mono when the frame was taken; @param now both on the machine's monotonic clock, ms */
export function isTimely(mono: number, now: number, latencyMs = 0): boolean {
  return now - mono <= MAX_FRAME_AGE_MS + latencyMs && mono <= now;
}
