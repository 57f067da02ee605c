/** An older frame, beyond the known delay of the camera, shows who was there, not who is. */
export const MAX_FRAME_AGE_MS = 1000;

/** @param mono when the frame was taken; @param now both on the machine's monotonic clock, ms */
export function isTimely(mono: number, now: number, latencyMs = 0): boolean {
  return now - mono <= MAX_FRAME_AGE_MS + latencyMs && mono <= now;
}
