import { type MicrophoneConfig } from '../config/schema/microphones';
import { type RestartBackoff, type SupervisorOptions } from '../sources/source-supervisor';

const FIRST_MS = 500;
const MAX_MS = 30_000;

/** How a microphone is kept going. Sound for longer than a stuck one is given counts as a recovery, less does not. */
export function microphoneSupervision(
  name: string,
  { stallMs, startMs, stuckMs }: Pick<MicrophoneConfig, 'stallMs' | 'startMs' | 'stuckMs'>,
  now: () => number,
): SupervisorOptions {
  const backoff: RestartBackoff = {
    firstMs: FIRST_MS,
    maxMs: MAX_MS,
    jitter: 0.3,
    resetAfterMs: Math.max(10_000, 1.5 * (stuckMs ?? 0)),
  };
  return {
    stallMs,
    startMs,
    backoff,
    now,
    silence: (atStart, limitMs) =>
      atStart
        ? `${name}: no sound within ${limitMs} ms of its start. Check that the microphone is connected.`
        : `${name}: no sound for ${limitMs} ms. Check the microphone and its cable.`,
  };
}
