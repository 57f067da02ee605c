import fc from 'fast-check';
import { SCRIPT, choreograph } from '../../../src/lab/demo/choreography';
import { bust, insideBy } from '../../../src/lab/demo/outline';
import { drift, gaussian } from '../../../src/lab/demo/noise';
import { seededRandom } from '../../../src/random';

const [width, height] = [1280, 720];

describe('a visit', () => {
  const visits = fc.record({
    seed: fc.integer(),
    which: fc.constantFrom(SCRIPT.stranger, SCRIPT.member),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  });

  test('between fromS and toS the face is wholly in the picture, above the gate, never smaller than 80 px', () => {
    fc.assert(
      fc.property(visits, ({ seed, which, share }) => {
        const pose = choreograph(
          which,
          width,
          height,
          seededRandom(seed).next,
        )(which.fromS + share * (which.toS - which.fromS));
        expect(pose).not.toBeNull();
        const { faceX, faceY, faceWidth, rollRadians } = pose!;
        expect(faceWidth).toBeGreaterThanOrEqual(80);
        expect(faceWidth).toBeLessThan(210);
        expect(faceX - faceWidth / 2).toBeGreaterThan(0);
        expect(faceX + faceWidth / 2).toBeLessThan(width);
        expect(faceY - faceWidth * 0.8).toBeGreaterThan(0);
        expect(faceY + faceWidth * 0.8).toBeLessThan(height * 0.73);
        expect(Math.abs(rollRadians)).toBeLessThan(0.1);
      }),
    );
  });

  test('it starts and ends out of sight, and nobody jumps from frame to frame', () => {
    const poseAt = choreograph(SCRIPT.member, width, height, seededRandom(3).next);
    const poses = Array.from({ length: SCRIPT.durationS * 15 }, (_, i) => poseAt(i / 15));
    const there = poses.filter((pose) => pose !== null);
    expect(there.length).toBeLessThan(poses.length / 2);
    expect(there[0]!.faceX + 1.6 * there[0]!.faceWidth).toBeLessThan(160);
    expect(there.at(-1)!.faceX).toBeGreaterThan(width);
    there.slice(1).forEach((pose, i) => {
      expect(Math.abs(pose.faceX - there[i]!.faceX)).toBeLessThan(90);
      expect(pose.faceWidth / there[i]!.faceWidth).toBeLessThan(1.15);
    });
  });

  test('the two never meet, and there is time to see that nobody is there', () => {
    const [stranger, member] = [SCRIPT.stranger, SCRIPT.member].map((visit) =>
      choreograph(visit, width, height, seededRandom(1).next),
    );
    let alone = 0;
    for (let seconds = 0; seconds < SCRIPT.durationS; seconds += 0.05) {
      const [one, other] = [stranger!(seconds), member!(seconds)];
      expect(one === null || other === null).toBe(true);
      if (one === null && other === null) alone += 0.05;
    }
    expect(alone).toBeGreaterThan(0.7);
  });
});

describe('the outline of a figure', () => {
  test('holds face and shoulders, leaves out what is beside the head', () => {
    for (const [u, v] of [
      [0, 0],
      [0.4, 0.3],
      [0, 0.8],
      [0.8, 2],
      [-0.8, 2],
    ] as const)
      expect(bust(u, v)).toBe(1);
    for (const [u, v] of [
      [1.2, 0],
      [-1.2, 0.3],
      [0, -1],
      [1.4, 2],
    ] as const)
      expect(bust(u, v)).toBe(0);
  });

  test('the distance to a polygon is that to its nearest edge, negative outside', () => {
    const square = [
      { x: 0, y: 0 },
      { x: 10, y: 0 },
      { x: 10, y: 10 },
      { x: 0, y: 10 },
    ];
    expect(insideBy(5, 2, square)).toBe(2);
    expect(insideBy(5, 5, square)).toBe(5);
    expect(insideBy(13, 14, square)).toBe(-5);
    expect(insideBy(-3, 5, square)).toBe(-3);
  });
});

describe('seeded chance', () => {
  test('is the same for the same seed, within its range, and normal where it says so', () => {
    const draw = (seed: number) => Array.from({ length: 4000 }, seededRandom(seed).next);
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    expect(draw(7).every((value) => value >= 0 && value < 1)).toBe(true);
    const random = seededRandom(1).next;
    const values = Array.from({ length: 20_000 }, () => gaussian(random));
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const sd = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
    expect(Math.abs(mean)).toBeLessThan(0.03);
    expect(Math.abs(sd - 1)).toBeLessThan(0.03);
  });

  test('a drift stays within ±1 and moves smoothly', () => {
    fc.assert(
      fc.property(fc.integer(), fc.double({ min: 0, max: 1000, noNaN: true }), (seed, seconds) => {
        const wander = drift(seededRandom(seed).next, 0.3);
        expect(Math.abs(wander(seconds))).toBeLessThanOrEqual(1);
        expect(Math.abs(wander(seconds + 0.01) - wander(seconds))).toBeLessThan(0.05);
      }),
    );
  });
});
