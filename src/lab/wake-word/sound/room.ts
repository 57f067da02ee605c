import type { Random } from '../../../random';
import { RATE_HZ } from './rate';

const { abs, ceil, exp, floor, hypot, log, max, min } = Math;

const SOUND_M_PER_S = 343;
/** The tail behind the reflections is statistical; that far the images are counted. */
const IMAGES = 3;
/** Of the walls' reverberation, longer is a cathedral. In seconds. */
const LONGEST = 0.7;

/**
 * The impulse response of a shoebox room by image sources (Allen & Berkley 1979) up to the third order, continued by decaying noise
 * (statistical reverberation, Sabine's decay time). It begins with the direct sound, so that what is convolved with it is not late.
 * @returns energy-normalised samples at 16 kHz, at most 0.7 s
 */
export function simulateRoom(random: Random): Float32Array {
  const size = [random.between(2.5, 9), random.between(2.5, 7), random.between(2.2, 3.8)] as const;
  const rt60 = random.between(0.12, 0.75);
  const [x, y, z] = size;
  const volume = x * y * z;
  const walls = 2 * (x * y + y * z + x * z);
  // Sabine: rt60 = 0.161 V / (S α); what a wall reflects of the pressure is √(1 − α).
  const absorbed = min(0.95, (0.161 * volume) / (walls * rt60));
  const reflected = (1 - absorbed) ** 0.5;
  const inside = (extent: number): number => random.between(0.3, extent - 0.3);
  const source = size.map(inside);
  const microphone = size.map(inside);

  const length = ceil(min(LONGEST, rt60) * RATE_HZ);
  const response = new Float32Array(length);
  const direct = max(0.2, hypot(...source.map((s, axis) => s - (microphone[axis] as number))));
  for (let i = -IMAGES; i <= IMAGES; i++)
    for (let j = -IMAGES; j <= IMAGES; j++)
      for (let k = -IMAGES; k <= IMAGES; k++) {
        const order = abs(i) + abs(j) + abs(k);
        if (order > IMAGES) continue;
        const image = [i, j, k].map((n, axis) => imageAt(source[axis] as number, size[axis] as number, n));
        const distance = max(0.2, hypot(...image.map((s, axis) => s - (microphone[axis] as number))));
        const delay = ((distance - direct) / SOUND_M_PER_S) * RATE_HZ;
        const whole = floor(max(0, delay));
        const gain = (reflected ** order * direct) / distance;
        const late = max(0, delay) - whole;
        if (whole + 1 >= length) continue;
        response[whole] = (response[whole] as number) + gain * (1 - late);
        response[whole + 1] = (response[whole + 1] as number) + gain * late;
      }

  // The tail takes over where the images thin out, at the level that a diffuse field has there.
  const from = floor((min(x, y, z) / SOUND_M_PER_S) * RATE_HZ * 2);
  const decay = (3 * log(10)) / (rt60 * RATE_HZ);
  const critical = 0.057 * (volume / rt60) ** 0.5;
  const level = (direct / critical) * (2 * decay) ** 0.5;
  for (let i = from; i < length; i++) {
    const rise = min(1, (i - from) / 200);
    response[i] = (response[i] as number) + rise * level * exp(-decay * i) * random.normal();
  }
  return normaliseEnergy(response);
}

/** The n-th image of a source between two walls `extent` apart. */
const imageAt = (source: number, extent: number, n: number): number =>
  n * extent + (n % 2 === 0 ? source : extent - source);

export function normaliseEnergy(response: Float32Array): Float32Array {
  let sum = 0;
  for (const value of response) sum += value * value;
  const scale = sum > 0 ? sum ** -0.5 : 0;
  return response.map((value) => value * scale);
}

/**
 * A measured impulse response as a room: cut so that it begins with the direct sound (2 ms before its peak).
 * @returns null for what is no room: a response that grows (a reversed gate), one that hums on, one with no single onset. Studio
 *   effects hide among collections of impulse responses, and no one speaks through those.
 */
export function roomOf(samples: ArrayLike<number>): Float32Array | null {
  let peak = 0;
  for (let i = 1; i < samples.length; i++) if (abs(samples[i] as number) > abs(samples[peak] as number)) peak = i;
  const start = max(0, peak - RATE_HZ / 500);
  const stop = min(samples.length, start + ceil(LONGEST * RATE_HZ));
  const response = Float32Array.from({ length: stop - start }, (_, i) => (samples[start + i] as number) / 32_768);
  let before = 0;
  for (let i = 0; i < start; i++) before += ((samples[i] as number) / 32_768) ** 2;
  let total = 0;
  for (const value of response) total += value * value;
  if (total === 0 || before > 0.3 * total) return null;
  // Schroeder's backward integral: of a room's energy three quarters have come within 0.25 s.
  let early = 0;
  for (let i = 0; i < min(response.length, RATE_HZ / 4); i++) early += (response[i] as number) ** 2;
  if (early < 0.75 * total) return null;
  // The end is faded, since a cut is a click.
  const fade = min(response.length, RATE_HZ / 20);
  for (let i = 0; i < fade; i++) {
    const at = response.length - 1 - i;
    response[at] = ((response[at] as number) * i) / fade;
  }
  return normaliseEnergy(response);
}
