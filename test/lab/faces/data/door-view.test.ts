import { doorFrames, EVENING_DOOR } from '../../../../src/lab/faces/data/door-view';
import type { Frame } from '../../../../src/vision/picture/frame';

/** A bright square with a dark centre on grey, where the "face" is. */
function still(): Frame {
  const [width, height] = [200, 200];
  const data = new Uint8Array(3 * width * height).fill(120);
  for (let y = 60; y < 140; y++)
    for (let x = 60; x < 140; x++)
      data.fill(Math.hypot(x - 100, y - 100) < 15 ? 20 : 230, 3 * (y * width + x), 3 * (y * width + x) + 3);
  return { width, height, data };
}

const FACE = { x: 60, y: 60, width: 80, height: 80 };
const CALM = {
  ...EVENING_DOOR,
  motion: 0,
  rollDeg: 0,
  cast: 0,
  sideLight: [0, 0],
  readNoise: 0,
  fullWell: 1e9,
} as const;

const mean = ({ data }: Frame): number => data.reduce((sum, value) => sum + value, 0) / data.length;
const middle = ({ width, height, data }: Frame): number =>
  data[3 * (Math.floor(height / 2) * width + Math.floor(width / 2))]!;

test('the same seed gives the same frames, another seed others', () => {
  const [a, b, c] = [1, 1, 2].map((seed) => doorFrames(still(), FACE, seed));
  expect(a).toHaveLength(5);
  expect(a).toEqual(b);
  expect(a).not.toEqual(c);
});

test('frames differ from one another, and share camera and compression', () => {
  const frames = doorFrames(still(), FACE, 3);
  expect(new Set(frames.map(({ frame }) => Buffer.from(frame.data).toString('base64'))).size).toBe(5);
  expect(new Set(frames.map(({ frame, jpegQuality }) => `${frame.width} ${jpegQuality}`)).size).toBe(1);
});

test('the face lies in the middle at the asked width, and grows as the person comes', () => {
  const frames = doorFrames(still(), FACE, 5, { ...CALM, facePx: [50, 50], light: [1, 1] });
  const brightWidth = ({ width, height, data }: Frame): number => {
    const row = Math.floor(height / 2) - 14;
    let bright = 0;
    for (let x = 0; x < width; x++) if (data[3 * (row * width + x)]! > 175) bright++;
    return bright;
  };
  const first = frames[0]!.frame;
  const last = frames[4]!.frame;
  expect(first.width).toBe(Math.ceil(50 * 1.25 * 2.2));
  expect(middle(first)).toBeLessThan(60);
  expect(brightWidth(first)).toBeGreaterThan(46);
  expect(brightWidth(first)).toBeLessThan(54);
  expect(brightWidth(last)).toBeGreaterThan(58);
  expect(brightWidth(last)).toBeLessThan(67);
});

test('less light is darker and, with the gain that makes up for it, noisier', () => {
  const noise = (light: number): number => {
    const sensor = { ...CALM, fullWell: 1200, readNoise: 6, light: [light, light] } as const;
    const { frame } = doorFrames(still(), FACE, 7, sensor, 1)[0]!;
    // The even grey above the square.
    const values = Array.from({ length: 40 }, (_, i) => frame.data[3 * (8 * frame.width + 20 + i)]!);
    const average = values.reduce((sum, v) => sum + v, 0) / values.length;
    return Math.sqrt(values.reduce((sum, v) => sum + (v - average) ** 2, 0) / values.length);
  };
  expect(noise(0.08)).toBeGreaterThan(1.5 * noise(0.5));
  const [dim, bright] = [0.02, 0.5].map(
    (light) => doorFrames(still(), FACE, 7, { ...CALM, light: [light, light] }, 1)[0]!.frame,
  );
  expect(mean(dim!)).toBeLessThan(mean(bright!));
});

test('motion takes detail away', () => {
  const contrast = (motion: number): number => {
    const frames = doorFrames(still(), FACE, 11, { ...CALM, light: [1, 1], motion });
    return frames.reduce((sum, { frame }) => {
      let edges = 0;
      for (let i = 3; i < frame.data.length; i += 3) edges += Math.abs(frame.data[i]! - frame.data[i - 3]!) ** 2;
      return sum + edges;
    }, 0);
  };
  expect(contrast(0.3)).toBeLessThan(0.8 * contrast(0));
});
