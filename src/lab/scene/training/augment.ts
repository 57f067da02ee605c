import type { Random } from '../../../random';
import { SCENE_GRID } from '../../../vision/scene/scene-input';

/** How a picture is varied; ranges are drawn from evenly. */
export interface SceneAugmentation {
  /** Side of the cut over the side of the picture. */
  readonly crop: readonly [number, number];
  /** Exposure, in stops. */
  readonly stops: readonly [number, number];
  readonly gamma: readonly [number, number];
  /** Gain of red against blue, in stops: the colour temperature of light and white balance. */
  readonly warmth: number;
  /** How often, and up to which share, colours are taken away: an infrared camera sees none. */
  readonly grey: number;
  /** Standard deviation of sensor noise at most, of 255. */
  readonly noise: number;
}

export const SCENE_AUGMENTATION: SceneAugmentation = {
  crop: [0.65, 1],
  stops: [-0.7, 0.5],
  gamma: [0.75, 1.35],
  warmth: 0.35,
  grey: 0.3,
  noise: 6,
};

/** Samples a side of each target pixel: the mean of 16 is close to the mean of all. */
const SAMPLES = 4;

/** What the network takes in, and how much a view of a picture may vary. */
export interface SceneView {
  /** Pixels a side. */
  readonly size: number;
  readonly mean: number;
  readonly scale: number;
  readonly augmentation: SceneAugmentation;
}

/**
 * One varied view of a kept picture as packed RGB for the network: cut, mirrored, exposed, graded, recoloured, noisy.
 * @param grid planar, `SCENE_GRID` a side, 0..255
 * @param target size × size × 3, (value − mean) / scale
 */
export function augmentInto(
  target: Float32Array,
  grid: Uint8Array,
  { size, mean, scale, augmentation }: SceneView,
  random: Random,
): void {
  const { crop, stops, gamma, warmth, grey, noise } = augmentation;
  const width = random.between(...crop) * SCENE_GRID;
  const height = Math.min(SCENE_GRID, width * random.between(0.85, 1.18));
  const left = random.next() * (SCENE_GRID - width);
  const top = random.next() * (SCENE_GRID - height);
  const mirrored = random.next() < 0.5;
  const exposure = 2 ** random.between(...stops);
  const power = random.between(...gamma);
  const tint = 2 ** (random.between(-warmth, warmth) / 2);
  const levels = toneTables(exposure, power, tint);
  const greyness = random.next() < grey ? random.next() : 0;
  const deviation = random.next() * noise;
  const step = 1 / (size * SAMPLES);
  const plane = SCENE_GRID * SCENE_GRID;
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let j = 0; j < SAMPLES; j++) {
        const row = Math.floor(top + (y * SAMPLES + j + 0.5) * step * height) * SCENE_GRID;
        for (let i = 0; i < SAMPLES; i++) {
          const at = row + Math.floor(left + (x * SAMPLES + i + 0.5) * step * width);
          red += levels.red[grid[at] as number] as number;
          green += levels.green[grid[at + plane] as number] as number;
          blue += levels.blue[grid[at + 2 * plane] as number] as number;
        }
      }
      const luma = 0.299 * red + 0.587 * green + 0.114 * blue;
      const out = 3 * (y * size + (mirrored ? size - 1 - x : x));
      const put = (channel: number, sum: number): void => {
        const value = (sum + greyness * (luma - sum)) / (SAMPLES * SAMPLES);
        target[out + channel] = (value + (deviation > 0 ? deviation * random.normal() : 0) - mean) / scale;
      };
      put(0, red);
      put(1, green);
      put(2, blue);
    }
}

/** 8-bit value to value for each channel, clipped at white as a sensor does. */
function toneTables(exposure: number, power: number, tint: number): Record<'red' | 'green' | 'blue', Float32Array> {
  const table = (gain: number): Float32Array =>
    Float32Array.from({ length: 256 }, (_, v) => 255 * Math.min(1, exposure * gain * (v / 255) ** power));
  return { red: table(tint), green: table(1), blue: table(1 / tint) };
}
