import fc from 'fast-check';
import { fitSimilarity, poseOf } from '../../../src/vision/faces/align';
import type { FiveLandmarks, Point } from '../../../src/vision/picture/frame';

const ARCFACE: FiveLandmarks = [
  { x: 38.2946, y: 51.6963 },
  { x: 73.5318, y: 51.5014 },
  { x: 56.0252, y: 71.7366 },
  { x: 41.5493, y: 92.3655 },
  { x: 70.7299, y: 92.2041 },
];

const coordinate = fc.double({ min: -500, max: 500, noNaN: true });
const point = fc.record({ x: coordinate, y: coordinate });

describe('fitSimilarity', () => {
  test('finds the similarity that was applied', () => {
    fc.assert(
      fc.property(
        fc.array(point, { minLength: 2, maxLength: 8 }).filter((points) => spread(points) > 1),
        fc.double({ min: -3, max: 3, noNaN: true }),
        fc.double({ min: 0.1, max: 5, noNaN: true }),
        point,
        (points, angle, scale, shift) => {
          const a = scale * Math.cos(angle);
          const b = scale * Math.sin(angle);
          const moved = points.map((p) => ({ x: a * p.x - b * p.y + shift.x, y: b * p.x + a * p.y + shift.y }));
          const fitted = fitSimilarity(points, moved);
          expect(fitted?.a).toBeCloseTo(a, 6);
          expect(fitted?.b).toBeCloseTo(b, 6);
          expect(fitted?.tx).toBeCloseTo(shift.x, 4);
          expect(fitted?.ty).toBeCloseTo(shift.y, 4);
        },
      ),
    );
  });

  test.each<[string, Point[]]>([
    ['points in one place', [ARCFACE[0], ARCFACE[0], ARCFACE[0], ARCFACE[0], ARCFACE[0]]],
    ['a landmark that is no number', [{ x: NaN, y: 0 }, ...ARCFACE.slice(1)]],
    ['a landmark at infinity', [{ x: Infinity, y: 0 }, ...ARCFACE.slice(1)]],
  ])('%s make no face', (_, points) => expect(fitSimilarity(points, ARCFACE)).toBeNull());
});

describe('poseOf', () => {
  test('the template is frontal', () => {
    const pose = poseOf(ARCFACE);
    expect(pose.interocularPx).toBeCloseTo(35.24, 1);
    expect(Math.abs(pose.yaw)).toBeLessThan(0.05);
    expect(Math.abs(pose.pitch)).toBeLessThan(0.02);
    expect(Math.abs(pose.rollDeg)).toBeLessThan(1);
  });

  test('does not change with place, size and rotation in the picture, but tells the rotation', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1.5, max: 1.5, noNaN: true }),
        fc.double({ min: 0.2, max: 8, noNaN: true }),
        (angle, scale) => {
          const turned = ARCFACE.map(({ x, y }) => ({
            x: scale * (x * Math.cos(angle) - y * Math.sin(angle)) + 100,
            y: scale * (x * Math.sin(angle) + y * Math.cos(angle)) - 40,
          })) as unknown as FiveLandmarks;
          const pose = poseOf(turned);
          const upright = poseOf(ARCFACE);
          expect(pose.yaw).toBeCloseTo(upright.yaw, 6);
          expect(pose.pitch).toBeCloseTo(upright.pitch, 6);
          expect(pose.rollDeg - upright.rollDeg).toBeCloseTo((angle * 180) / Math.PI, 6);
        },
      ),
    );
  });

  test('a nose towards an eye is a turned head', () => {
    const turned: FiveLandmarks = [ARCFACE[0], ARCFACE[1], { x: 70, y: 71 }, ARCFACE[3], ARCFACE[4]];
    expect(poseOf(turned).yaw).toBeGreaterThan(0.6);
  });
});

function spread(points: readonly Point[]): number {
  const x = points.map((p) => p.x);
  const y = points.map((p) => p.y);
  return Math.max(Math.max(...x) - Math.min(...x), Math.max(...y) - Math.min(...y));
}
