import type { WordDetector } from '../../../voice/wake-word/detector';
import { utteranceEnd } from '../../../voice/wake-word/recent-sound';
import { SampleAssembler } from '../../../voice/sources/sample-assembler';
import { type LentSound, READ_SAMPLES, SOUND_RATE_HZ } from '../../../voice/sources/sound';
import { seededRandom } from '../../../random';

/** An activation later than this after the word belongs to something else. */
const LATEST_MS = 1500;

/**
 * Time from the end of a word to its activation, on the recording's own clock, fed like a microphone's sound.
 * @param clip one word with silence around it
 * @returns ms; null if it was not detected
 */
export async function latencyOf(
  clip: Float32Array,
  detector: Pick<WordDetector, 'push' | 'reset' | 'attentive'>,
): Promise<number | null> {
  const end = utteranceEnd(clip);
  // A word may end with its clip, so silence follows.
  const random = seededRandom(1);
  const sound = new Float32Array(clip.length + 2 * SOUND_RATE_HZ).map(() => random.between(-2e-4, 2e-4));
  clip.forEach((value, i) => (sound[i] = value + (sound[i] as number)));
  detector.reset();
  const assembler = new SampleAssembler('f32le');
  const heard: { at: number | null } = { at: null };
  for (let from = 0; from + READ_SAMPLES <= sound.length && heard.at === null; from += READ_SAMPLES) {
    const pieces: LentSound[] = [];
    const read = Buffer.from(sound.buffer, from * sound.BYTES_PER_ELEMENT, READ_SAMPLES * sound.BYTES_PER_ELEMENT);
    assembler.push(read, (piece) => pieces.push(piece));
    for (const piece of pieces) {
      await detector.push(piece.samples, piece.length, () => (heard.at ??= piece.endSample));
      piece.release(detector.attentive);
    }
  }
  if (heard.at === null) return null;
  const ms = ((heard.at - end) * 1000) / SOUND_RATE_HZ;
  return ms > LATEST_MS ? null : ms;
}
