import { ATTACKS, drawMaterial, patternGain } from '../../../src/lab/liveness/attacks';
import { frameToPlane } from '../../../src/lab/liveness/pose';
import { matteOf, type Portrait } from '../../../src/lab/liveness/portrait';
import { presentFrames, STAGE_HEIGHT, STAGE_WIDTH } from '../../../src/lab/liveness/present';
import { seededRandom } from '../../../src/random';
import type { Frame } from '../../../src/vision/picture/frame';
import { plainFrame } from '../../support/faces';

const SIDE = 240;
const FACE = { x: 85, y: 60, width: 70, height: 90 };
const WALL: [number, number, number] = [205, 205, 205];

/** A head with shoulders, dark red, before an even wall. */
function drawPortrait(): Portrait {
  const picture = plainFrame(SIDE, SIDE, WALL);
  const paint = (x: number, y: number, colour: readonly number[]) => picture.data.set(colour, 3 * (y * SIDE + x));
  for (let y = 0; y < SIDE; y++)
    for (let x = 0; x < SIDE; x++) {
      const head = ((x - 120) / 38) ** 2 + ((y - 105) / 52) ** 2 < 1;
      const shoulders = y > 165 && Math.abs(x - 120) < 40 + (y - 165);
      if (head || shoulders) paint(x, y, [150, 40, 40]);
    }
  return { picture, face: FACE, matte: matteOf(picture, FACE) };
}

const PORTRAIT = drawPortrait();
const BLUE = plainFrame(320, 200, [20, 40, 220]);
const shown = (kind: Parameters<typeof presentFrames>[0], seed = 3, count = 3): Frame[] =>
  presentFrames(kind, PORTRAIT, BLUE, seed, count).map(({ frame }) => frame);

const at = ({ width, data }: Frame, x: number, y: number): number[] => [
  ...data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3),
];
/** Share of the stage that shows the place behind. */
function placeIn(frame: Frame): number {
  let blue = 0;
  for (let i = 0; i < frame.data.length; i += 3) if (frame.data[i + 2]! > frame.data[i]! + 60) blue++;
  return (3 * blue) / frame.data.length;
}

describe('matteOf', () => {
  test('parts the person from the wall, softly', () => {
    const { matte } = PORTRAIT;
    expect(matte[105 * SIDE + 120]).toBe(255);
    expect(matte[230 * SIDE + 120]).toBe(255);
    expect(matte[20 * SIDE + 20]).toBe(0);
    expect(new Set(matte).size).toBeGreaterThan(3);
  });

  test('a shirt like the wall stays whole behind the collar, and the wall between strands of hair goes', () => {
    const { picture } = drawPortrait();
    const paint = (x0: number, x1: number, y0: number, y1: number, colour: readonly number[]): void => {
      for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) picture.data.set(colour, 3 * (y * SIDE + x));
    };
    // The wall's own colour, open to the wall beside the neck; of the shirt only its outer edge can be seen.
    paint(78, 162, 168, 200, WALL);
    // Hair piled up high, with a hole in it.
    paint(90, 150, 38, 62, [150, 40, 40]);
    paint(108, 116, 45, 52, WALL);
    const matte = matteOf(picture, FACE);
    for (const x of [84, 100, 156]) expect(matte[190 * SIDE + x]).toBe(255);
    expect(matte[48 * SIDE + 112]).toBeLessThan(128);
    expect(matte[48 * SIDE + 98]).toBe(255);
    expect(matte[75 * SIDE + 120]).toBe(255);
  });
});

describe('frameToPlane', () => {
  test('the centre stays, a turned thing is narrower, and the side that comes nearer is larger', () => {
    const pose = { x: 160, y: 150, scale: 0.5, yaw: 0, pitch: 0, roll: 0 };
    const about = { x: 120, y: 120 };
    const plane = (m: Float64Array, x: number, y: number): number[] => {
      const w = m[6]! * x + m[7]! * y + m[8]!;
      return [(m[0]! * x + m[1]! * y + m[2]!) / w, (m[3]! * x + m[4]! * y + m[5]!) / w];
    };
    const straight = frameToPlane(pose, SIDE, about);
    expect(plane(straight, 160, 150)[0]).toBeCloseTo(120, 6);
    expect(plane(straight, 170, 150)[0]).toBeCloseTo(140, 6);
    const turned = frameToPlane({ ...pose, yaw: 0.6 }, SIDE, about);
    expect(plane(turned, 160, 150)[0]).toBeCloseTo(120, 6);
    const right = plane(turned, 170, 150)[0]! - 120;
    const left = 120 - plane(turned, 150, 150)[0]!;
    // The same width in the frame covers more of a turned thing; more on the side that went away.
    expect((right + left) / 2).toBeGreaterThan(20 / Math.cos(0.6) - 1);
    expect(Math.abs(right - left)).toBeGreaterThan(0.1);
  });
});

describe('materials', () => {
  test('prints are lit, screens give light; only what has a border ends', () => {
    for (const kind of ATTACKS)
      for (let seed = 0; seed < 20; seed++) {
        const material = drawMaterial(kind, seededRandom(seed));
        expect(material.emissive).toBe(kind.startsWith('screen'));
        expect(material.reach === null).toBe(!kind.endsWith('-border'));
        expect(material.black).toBeLessThan(material.white);
        if (kind === 'print-curled') expect(material.curl).toBeGreaterThanOrEqual(12);
      }
  });

  test.each(['print-border', 'screen-border'] as const)('the pattern of %s changes no mean, and repeats', (kind) => {
    const material = { ...drawMaterial(kind, seededRandom(1)), angle: 0 };
    let sum = 0;
    let most = 0;
    for (let v = 0; v < 200; v++)
      for (let u = 0; u < 200; u++) {
        const gain = patternGain(material, 0, u * 0.37, v * 0.37);
        sum += gain / 40_000;
        most = Math.max(most, Math.abs(gain - 1));
      }
    expect(sum).toBeCloseTo(1, 1);
    expect(most).toBeGreaterThan(0.5 * material.strength);
    expect(patternGain(material, 0, 10 + material.period, 7)).toBeCloseTo(patternGain(material, 0, 10, 7), 6);
  });
});

describe('presentFrames', () => {
  test('the same seed makes the same frames, another one others', () => {
    const [first] = shown('print-curled');
    expect(first).toMatchObject({ width: STAGE_WIDTH, height: STAGE_HEIGHT });
    expect(Buffer.from(first!.data).equals(Buffer.from(shown('print-curled')[0]!.data))).toBe(true);
    expect(Buffer.from(first!.data).equals(Buffer.from(shown('print-curled', 4)[0]!.data))).toBe(false);
  });

  test('a person and a cut-out stand in the place, a borderless picture hides it, a bordered one hides a part', () => {
    const share = (kind: Parameters<typeof presentFrames>[0]): number => placeIn(shown(kind, 3, 1)[0]!);
    expect(share('bona-fide')).toBeGreaterThan(0.3);
    expect(share('cut-out')).toBeGreaterThan(0.3);
    expect(share('print-borderless')).toBeLessThan(0.02);
    expect(share('screen-borderless')).toBeLessThan(0.02);
    for (const kind of ['print-border', 'screen-border'] as const) {
      expect(share(kind)).toBeGreaterThan(0.05);
      expect(share(kind)).toBeLessThan(share('bona-fide') + 0.2);
    }
  });

  test('the face is in the middle, of whatever it is made', () => {
    for (const kind of ['bona-fide', ...ATTACKS] as const) {
      const [red, green, blue] = at(shown(kind, 5, 1)[0]!, STAGE_WIDTH / 2, Math.round(STAGE_HEIGHT * 0.52));
      expect(red).toBeGreaterThan(green! + 20);
      expect(red).toBeGreaterThan(blue! + 20);
    }
  });

  test('frames of one presentation differ, by motion and by noise', () => {
    const [a, , c] = shown('bona-fide');
    let off = 0;
    for (let i = 0; i < a!.data.length; i++) off += Math.abs(a!.data[i]! - c!.data[i]!) / a!.data.length;
    expect(off).toBeGreaterThan(1);
    expect(off).toBeLessThan(60);
  });
});
