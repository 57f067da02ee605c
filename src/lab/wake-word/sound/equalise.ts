import type { Random } from '../../../random';
import { RATE_HZ } from './rate';

const { cos, PI, sin, sqrt } = Math;

/** b0, b1, b2, a1, a2 of a second-order filter, a0 being 1. */
type Biquad = readonly [number, number, number, number, number];

/** R. Bristow-Johnson's cookbook of biquad filters. */
function peaking(hz: number, q: number, db: number): Biquad {
  const a = 10 ** (db / 40);
  const w = (2 * PI * hz) / RATE_HZ;
  const alpha = sin(w) / (2 * q);
  const a0 = 1 + alpha / a;
  return [(1 + alpha * a) / a0, (-2 * cos(w)) / a0, (1 - alpha * a) / a0, (-2 * cos(w)) / a0, (1 - alpha / a) / a0];
}

function lowPass(hz: number): Biquad {
  const w = (2 * PI * hz) / RATE_HZ;
  const alpha = sin(w) / sqrt(2);
  const a0 = 1 + alpha;
  const b = (1 - cos(w)) / 2 / a0;
  return [b, 2 * b, b, (-2 * cos(w)) / a0, (1 - alpha) / a0];
}

function highPass(hz: number): Biquad {
  const w = (2 * PI * hz) / RATE_HZ;
  const alpha = sin(w) / sqrt(2);
  const a0 = 1 + alpha;
  const b = (1 + cos(w)) / 2 / a0;
  return [b, -2 * b, b, (-2 * cos(w)) / a0, (1 - alpha) / a0];
}

function run([b0, b1, b2, a1, a2]: Biquad, samples: Float32Array, length: number): void {
  let x1 = 0;
  let x2 = 0;
  let y1 = 0;
  let y2 = 0;
  for (let i = 0; i < length; i++) {
    const x = samples[i] as number;
    const y = b0 * x + b1 * x1 + b2 * x2 - a1 * y1 - a2 * y2;
    x2 = x1;
    x1 = x;
    y2 = y1;
    y1 = y;
    samples[i] = y;
  }
}

/** A microphone and a distance by chance: two bells of ±8 dB, a high-pass, and at times the upper end of a cheap or muffled one. In place. */
export function equalise(samples: Float32Array, length: number, random: Random): void {
  run(highPass(random.between(30, 250)), samples, length);
  for (let band = 0; band < 2; band++) {
    const hz = 150 * 40 ** random.next();
    run(peaking(hz, random.between(0.4, 1.5), random.between(-8, 8)), samples, length);
  }
  if (random.next() < 0.35) run(lowPass(random.between(2800, 7000)), samples, length);
}

/** A band of noise or music: `low` to `high` hertz, in place. */
export function bandPass(samples: Float32Array, low: number, high: number): void {
  run(highPass(low), samples, samples.length);
  if (high < RATE_HZ / 2.1) run(lowPass(high), samples, samples.length);
}
