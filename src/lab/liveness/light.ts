import { type Random, seededRandom } from '../../random';

/** Local copies: in a sandboxed realm, such as a test's, each access to a global costs more than the function does. */
const { floor, round } = Math;

/** Light, lens and sensor are the same for all kinds of presentation, so that only the artefact differs. */
export interface Conditions {
  readonly exposure: number;
  /** Gains of red, green and blue. */
  readonly cast: readonly [number, number, number];
  /** Light falling off to a side: difference over the width, against the mean. */
  readonly slope: number;
  /** Share of the next pixels in each pixel: lens and demosaicing. */
  readonly blur: number;
  /** Standard deviation of sensor noise, of 255. */
  readonly noise: number;
  readonly jpegQuality: number;
}

export function drawConditions(random: Random): Conditions {
  const warmth = random.between(-0.08, 0.08);
  return {
    exposure: random.between(0.75, 1.1),
    cast: [1 + warmth, 1, 1 - warmth],
    slope: random.between(-0.35, 0.35),
    blur: random.between(0.08, 0.22),
    noise: random.between(1.5, 4.5),
    jpegQuality: round(random.between(72, 92)),
  };
}

/** A table: drawing each pixel's noise would cost more than everything else. */
const NOISE_LENGTH = 1 << 16;
let noiseTable: Float32Array | null = null;

function noises(): Float32Array {
  if (noiseTable !== null) return noiseTable;
  const random = seededRandom(1);
  noiseTable = Float32Array.from({ length: NOISE_LENGTH }, () => random.normal());
  return noiseTable;
}

/** Blurs by a 3×3 kernel and adds noise, in place of `pixels` (packed RGB, 0..255) into `data`. */
export function develop(
  pixels: Float32Array,
  width: number,
  { blur, noise }: Conditions,
  random: Random,
  data: Uint8Array,
): void {
  const table = noises();
  // Each frame starts at another place in the table, and its rows are not aligned with it.
  let drawn = random.below(NOISE_LENGTH);
  const row = 3 * width;
  const side = blur;
  const middle = 1 - 2 * blur;
  const across = new Float32Array(pixels.length);
  for (let i = 0; i < pixels.length; i++) {
    const column = floor((i % row) / 3);
    const left = column > 0 ? i - 3 : i;
    const right = column < width - 1 ? i + 3 : i;
    across[i] = middle * (pixels[i] as number) + side * ((pixels[left] as number) + (pixels[right] as number));
  }
  for (let i = 0; i < pixels.length; i++) {
    const up = i >= row ? i - row : i;
    const down = i + row < pixels.length ? i + row : i;
    const value = middle * (across[i] as number) + side * ((across[up] as number) + (across[down] as number));
    drawn = (drawn + 1 + (i % 7)) & (NOISE_LENGTH - 1);
    const noisy = value + noise * (table[drawn] as number) + 0.5;
    data[i] = noisy <= 0 ? 0 : noisy >= 255 ? 255 : noisy;
  }
}
