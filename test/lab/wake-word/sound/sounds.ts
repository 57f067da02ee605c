import { execFileSync } from 'node:child_process';
import { buildBank, type Clip, type SoundBank } from '../../../../src/lab/wake-word/sound/bank';
import type { Materials } from '../../../../src/lab/wake-word/sound/materials';
import { RATE_HZ } from '../../../../src/lab/wake-word/sound/rate';
import { seededRandom } from '../../../../src/random';

/** 16-bit sound: `amplitude` of full scale, from a function of the time in seconds. */
export function sound(seconds: number, at: (t: number) => number): Int16Array {
  return Int16Array.from({ length: Math.round(seconds * RATE_HZ) }, (_, i) =>
    Math.max(-32_768, Math.min(32_767, Math.round(32_767 * at(i / RATE_HZ)))),
  );
}

/** Noise that speaks: a syllable rhythm, so that level and spectrum move. */
export function chatter(seconds: number, seed: number, amplitude = 0.2): Int16Array {
  const random = seededRandom(seed);
  return sound(seconds, (t) => amplitude * Math.abs(Math.sin(2 * Math.PI * 3 * t)) * random.between(-1, 1));
}

/** A word that is a tone, in the middle of near silence. */
export function toneWord(hz: number, seed: number): Clip {
  const random = seededRandom(seed);
  const samples = sound(1.5, (t) =>
    t > 0.4 && t < 1 ? 0.3 * Math.sin(2 * Math.PI * hz * t) : 0.0003 * random.normal(),
  );
  return { name: `tone-${seed}`, samples, word: { start: 0.4 * RATE_HZ, end: RATE_HZ } };
}

const bankOf = (clips: readonly Clip[]): SoundBank => buildBank(clips);

/** Materials without any recording: words are tones, other speech is noise. */
export function toneMaterials(): Materials {
  const others = [1, 2, 3].map((seed) => ({ name: `other-${seed}`, samples: chatter(2, seed) }));
  const words = [1, 2, 3, 4].map((seed) => toneWord(900 + 50 * seed, seed));
  return {
    word: 'beep',
    real: bankOf(words.slice(0, 2)),
    synthetic: bankOf(words.slice(2)),
    near: bankOf([{ name: 'near', samples: chatter(0.5, 9) }]),
    sentences: bankOf(others),
    speech: [{ name: 'talk', bank: bankOf(others) }],
    noise: [{ name: 'fan', bank: bankOf([{ name: 'fan', samples: chatter(5, 77, 0.05) }]) }],
    impulses: bankOf([]),
  };
}

/** Writes a sound file of any kind with the real ffmpeg, from raw samples. */
export function encode(file: string, samples: Int16Array, args: readonly string[] = []): void {
  const input = ['-f', 's16le', '-ar', String(RATE_HZ), '-ac', '1', '-i', 'pipe:0'];
  execFileSync('ffmpeg', ['-y', '-v', 'error', ...input, ...args, file], { input: Buffer.from(samples.buffer) });
}
