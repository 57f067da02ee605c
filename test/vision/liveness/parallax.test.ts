import { seededRandom, type Random } from '../../../src/random';
import type { FiveLandmarks, Point } from '../../../src/vision/picture/frame';
import { ParallaxMeter, type Parallax } from '../../../src/vision/liveness/parallax';

/** Eyes, nose tip, mouth corners in distances between the eyes, x right, y down, z towards the camera. */
const HEAD = [
  [-0.5, -0.45, 0],
  [0.5, -0.45, 0],
  [0, 0.1, 0.45],
  [-0.38, 0.6, 0.05],
  [0.38, 0.6, 0.05],
] as const;
const DEGREE = Math.PI / 180;

interface Turn {
  readonly yaw: number;
  readonly pitch: number;
  readonly roll?: number;
  readonly scale?: number;
}

/** Seen from afar. `flat` takes the third dimension away, as a picture does. */
function seen({ yaw, pitch, roll = 0, scale = 60 }: Turn, flat: boolean, noise: number, random: Random): FiveLandmarks {
  return HEAD.map(([x, y, depth]): Point => {
    const z = flat ? 0 : depth;
    const x1 = x * Math.cos(yaw) + z * Math.sin(yaw);
    const z1 = z * Math.cos(yaw) - x * Math.sin(yaw);
    const y1 = y * Math.cos(pitch) - z1 * Math.sin(pitch);
    const jitter = (): number => noise * random.normal();
    return {
      x: 300 + scale * (x1 * Math.cos(roll) - y1 * Math.sin(roll) + jitter()),
      y: 200 + scale * (x1 * Math.sin(roll) + y1 * Math.cos(roll) + jitter()),
    };
  }) as unknown as FiveLandmarks;
}

function reading(turnOf: (along: number) => Turn, flat: boolean, noise = 0.015, seed = 1, frames = 20) {
  const random = seededRandom(seed);
  const meter = new ParallaxMeter();
  for (let i = 0; i < frames; i++) meter.add(seen(turnOf(i / (frames - 1)), flat, noise, random));
  return meter.read();
}

const SEEDS = Array.from({ length: 40 }, (_, i) => i + 1);
const share = (turnOf: (along: number) => Turn, flat: boolean, wanted: Parallax): number =>
  SEEDS.filter((seed) => reading(turnOf, flat, 0.015, seed).parallax === wanted).length / SEEDS.length;

test('without noise a flat face leaves nothing beyond two dimensions, however it is moved', () => {
  const { depth, deformation } = reading(
    (t) => ({ yaw: (60 * t - 30) * DEGREE, pitch: 20 * t * DEGREE, roll: t, scale: 40 + 50 * t }),
    true,
    0,
  );
  expect(depth).toBeLessThan(1e-6);
  expect(deformation).toBeGreaterThan(0.02);
});

test('a head that turns shows depth', () => {
  const turning = (t: number): Turn => ({ yaw: (28 * t - 14) * DEGREE, pitch: 0 });
  expect(share(turning, false, 'depth')).toBeGreaterThan(0.95);
  expect(share(turning, false, 'flat')).toBe(0);
});

test('a head that nods shows depth', () => {
  const nodding = (t: number): Turn => ({ yaw: 0, pitch: (28 * t - 14) * DEGREE });
  expect(share(nodding, false, 'depth')).toBeGreaterThan(0.95);
});

test('a picture that is tilted is found flat, and never deep', () => {
  const tilted = (t: number): Turn => ({ yaw: 50 * t * DEGREE, pitch: 0 });
  expect(share(tilted, true, 'flat')).toBeGreaterThan(0.95);
  expect(share(tilted, true, 'depth')).toBe(0);
});

test.each([
  ['standing still', (): Turn => ({ yaw: 0.1, pitch: 0 })],
  ['coming nearer, head on one side', (t: number): Turn => ({ yaw: 0, pitch: 0, roll: t - 0.5, scale: 30 + 80 * t })],
])('%s tells nothing of a head or of a picture', (_, turnOf) => {
  for (const flat of [true, false]) expect(share(turnOf, flat, 'still')).toBeGreaterThan(0.95);
});

test('a few frames tell nothing', () => {
  expect(reading((t) => ({ yaw: t, pitch: 0 }), true, 0, 1, 4).parallax).toBe('still');
});
