import fc from 'fast-check';
import { CameraConfig } from '../../../src/config/schema/cameras';
import type { Quality } from '../../../src/events';
import type { AlignedFace } from '../../../src/vision/faces/faces';
import type { FiveLandmarks } from '../../../src/vision/picture/frame';
import { measureQuality, refuseByGeometry, refuseByPicture, WHOLE_FRAME } from '../../../src/vision/faces/quality';
import { frontalFive, plainFrame } from '../../support/faces';

const GATES = CameraConfig.shape.quality.parse(undefined);
const FRAME = plainFrame(640, 480);
const MIDDLE = { x: 0.25, y: 0.25, width: 0.5, height: 0.5 };
const box = (x: number, y: number, width: number) => ({ x, y, width, height: width * 1.2 });
const refuse = (where: ReturnType<typeof box>, five: FiveLandmarks | null = null, region = WHOLE_FRAME) =>
  refuseByGeometry(FRAME, where, five, region, 80, GATES);

describe('geometry', () => {
  test.each([
    ['in the middle', box(270, 190, 100), null],
    ['left of the region', box(10, 190, 100), 'outside-region'],
    ['below the region', box(270, 380, 80), 'outside-region'],
    ['too small', box(300, 220, 71), 'too-small'],
    ['just small enough to flicker without the slack', box(300, 200, 73), null],
  ])('%s', (_where, where, reason) => {
    expect(refuse(where, null, MIDDLE)).toBe(reason);
  });

  test.each([
    ['over the left edge by little', box(-8, 100, 100), null],
    ['over the left edge', box(-12, 100, 100), 'cut-off'],
    ['over the top', box(100, -20, 100), 'cut-off'],
    ['over the right edge', box(552, 100, 100), 'cut-off'],
    ['over the bottom', box(100, 380, 100), 'cut-off'],
  ])('%s', (_where, where, reason) => {
    expect(refuse(where)).toBe(reason);
  });

  test('a landmark beyond the edge means half a face, though the box is inside', () => {
    const five = frontalFive(100, 100, 100);
    const [left, right, nose, mouthLeft] = five;
    expect(refuse(box(100, 100, 100), five)).toBeNull();
    expect(refuse(box(100, 100, 100), [left, right, nose, mouthLeft, { x: 641, y: 180 }])).toBe('cut-off');
  });

  test('turned, tilted or nodding faces, by degrees', () => {
    const turned = (degrees: number): FiveLandmarks => {
      const [left, right, nose, ...mouth] = frontalFive(200, 150, 120);
      return [left, right, { x: nose.x + degrees, y: nose.y }, mouth[0], mouth[1]];
    };
    expect(refuse(box(200, 150, 120), turned(5))).toBeNull();
    expect(refuse(box(200, 150, 120), turned(15))).toBe('turned-away');
    const rolled = (angle: number): FiveLandmarks =>
      frontalFive(200, 150, 120).map((point) => ({
        x: 260 + (point.x - 260) * Math.cos(angle) - (point.y - 210) * Math.sin(angle),
        y: 210 + (point.x - 260) * Math.sin(angle) + (point.y - 210) * Math.cos(angle),
      })) as unknown as FiveLandmarks;
    expect(refuse(box(200, 150, 120), rolled((40 * Math.PI) / 180))).toBeNull();
    expect(refuse(box(200, 150, 120), rolled((50 * Math.PI) / 180))).toBe('turned-away');
  });

  test('a number that is none, anywhere, is a refusal', () => {
    const bad = fc.constantFrom(NaN, Infinity, -Infinity);
    fc.assert(
      fc.property(fc.constantFrom('x', 'y', 'width', 'height'), bad, (key, value) => {
        expect(refuse({ ...box(270, 190, 100), [key]: value })).not.toBeNull();
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4 }), fc.constantFrom('x', 'y'), bad, (index, key, value) => {
        const five = frontalFive(270, 190, 100).map((p, i) => (i === index ? { ...p, [key]: value } : p));
        expect(refuse(box(270, 190, 100), five as unknown as FiveLandmarks)).not.toBeNull();
      }),
    );
  });
});

describe('what is measured on the aligned face', () => {
  const SIZE = 112;
  const five = frontalFive(0, 0, SIZE);
  const { sin, cos } = Math;
  const faceOf = (luma: Float32Array): AlignedFace => {
    const data = new Float32Array(3 * luma.length);
    for (let k = 0; k < 3; k++) data.set(luma, k * luma.length);
    return { width: SIZE, height: SIZE, data };
  };
  /** Something with coarse and fine structure. */
  const texture = new Float32Array(SIZE * SIZE).map((_, i) => {
    const [x, y] = [i % SIZE, (i - (i % SIZE)) / SIZE];
    return 128 + 40 * sin(x / 9) * cos(y / 7) + 12 * sin(x * 1.3 + y * 2.1);
  });
  const blurred = (passes: number): Float32Array => {
    let luma = texture;
    for (let pass = 0; pass < passes; pass++) {
      const from = luma;
      luma = from.map((centre, i) => {
        const around = [i - 1, i + 1, i - SIZE, i + SIZE].map((j) => from[j] ?? centre);
        return around.reduce((sum, value) => sum + value, 2 * centre) / 6;
      });
    }
    return luma;
  };

  test('one colour: its brightness, no contrast, no sharpness, no division by zero', () => {
    const quality = measureQuality(faceOf(new Float32Array(SIZE * SIZE).fill(77)), five);
    expect(quality.brightness).toBeCloseTo(77, 3);
    expect([quality.contrast, quality.sharpness]).toEqual([0, 0]);
    expect(refuseByPicture(quality, GATES)).toBe('low-contrast');
  });

  test('the pose is the landmarks’, whatever the picture', () => {
    const { yaw, pitch, rollDeg, interocularPx } = measureQuality(faceOf(texture), five);
    expect(Math.max(Math.abs(yaw), Math.abs(pitch))).toBeLessThan(0.05);
    expect(Math.abs(rollDeg)).toBeLessThan(1);
    expect(interocularPx).toBeCloseTo(35.24, 1);
  });

  test('the more blur, the less sharp, and the lower the score', () => {
    const [sharp, soft, softest] = [0, 1, 5].map((passes) => measureQuality(faceOf(blurred(passes)), five));
    expect(sharp!.sharpness).toBeGreaterThan(2 * soft!.sharpness);
    expect(soft!.sharpness).toBeGreaterThan(softest!.sharpness);
    expect(sharp!.score).toBeGreaterThan(softest!.score);
    expect(refuseByPicture(sharp!, GATES)).toBeNull();
    expect(refuseByPicture(softest!, GATES)).toBe('blurred');
  });

  test('sharpness does not depend on exposure: any gain and offset give the same', () => {
    const { sharpness } = measureQuality(faceOf(texture), five);
    fc.assert(
      fc.property(fc.double({ min: 0.2, max: 1.5, noNaN: true }), fc.integer({ min: -60, max: 60 }), (gain, offset) => {
        const other = measureQuality(faceOf(texture.map((value) => value * gain + offset)), five);
        expect(other.sharpness / sharpness).toBeCloseTo(1, 3);
      }),
      { numRuns: 20 },
    );
  });
});

describe('photometric gates', () => {
  const good: Quality = {
    ...{ interocularPx: 60, yaw: 0, pitch: 0, rollDeg: 0, score: 1 },
    ...{ sharpness: 0.1, brightness: 120, contrast: 40 },
  };
  test.each([
    [{}, null],
    [{ brightness: 10 }, 'too-dark'],
    [{ brightness: 250 }, 'too-bright'],
    [{ contrast: 3 }, 'low-contrast'],
    [{ sharpness: 0.001 }, 'blurred'],
    [{ brightness: 10, sharpness: 0 }, 'too-dark'],
    [{ brightness: NaN }, 'too-dark'],
    [{ contrast: NaN }, 'low-contrast'],
    [{ sharpness: NaN }, 'blurred'],
  ])('%j: %s', (change, reason) => {
    expect(refuseByPicture({ ...good, ...change }, GATES)).toBe(reason);
  });
});
