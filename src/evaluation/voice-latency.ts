import type { WordDetector } from '../voice/detector';
import { utteranceEnd } from '../voice/recent-sound';
import { PIECE_SAMPLES, SOUND_RATE_HZ } from '../voice/sources/sound';
import { seededRandom } from './random';

/** Heard after the word by so much, it is not this word that was heard. */
const LATEST_MS = 1500;

/**
 * How long after a word's end the event comes, on the recording's own clock, fed in pieces as long as a microphone gives them at most.
 * @param clip with one word in it, and quiet around it
 * @returns ms; null where it was not heard
 */
export async function latencyOf(
  clip: Float32Array,
  detector: Pick<WordDetector, 'push' | 'reset'>,
): Promise<number | null> {
  const end = utteranceEnd(clip);
  // A word may end with its clip: the room goes on.
  const random = seededRandom(1);
  const sound = new Float32Array(clip.length + 2 * SOUND_RATE_HZ).map(() => random.between(-2e-4, 2e-4));
  clip.forEach((value, i) => (sound[i] = value + (sound[i] as number)));
  detector.reset();
  const heard: { at: number | null } = { at: null };
  for (let at = 0; at < sound.length && heard.at === null; at += PIECE_SAMPLES) {
    const piece = sound.slice(at, at + PIECE_SAMPLES);
    await detector.push(piece, piece.length, () => (heard.at ??= at + piece.length));
  }
  if (heard.at === null) return null;
  const ms = ((heard.at - end) * 1000) / SOUND_RATE_HZ;
  return ms > LATEST_MS ? null : ms;
}
