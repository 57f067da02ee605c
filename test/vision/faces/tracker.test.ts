import fc from 'fast-check';
import { FusedEmbedding, normaliseInPlace } from '../../../src/vision/faces/fusion';
import { l2Distance } from '../../../src/store/members/vector';
import { SubjectTracker } from '../../../src/vision/faces/tracker';

const OPTIONS = { dimensions: 4, normalise: true, samePersonDistance: 1.2, absentMs: 500 };
const BOX = { x: 100, y: 100, width: 80, height: 100 };
const ANN = Float32Array.of(1, 0, 0, 0);
const BOB = Float32Array.of(0, 1, 0, 0);
const almost = (vector: Float32Array, offset: number): Float32Array => {
  const copy = vector.map((value, i) => value + (i === 3 ? offset : 0));
  normaliseInPlace(copy);
  return copy;
};

describe('FusedEmbedding', () => {
  test('is the weighted mean of the last ones, normalised', () => {
    const fused = new FusedEmbedding(4, true, 2);
    fused.add(BOB, 1);
    fused.add(ANN, 1);
    fused.add(almost(ANN, 0.5), 3);
    const expected = ANN.map((value, i) => value * 0.25 + 0.75 * almost(ANN, 0.5)[i]!);
    normaliseInPlace(expected);
    expect(l2Distance(fused.mean(), expected)).toBeLessThan(1e-6);
    expect(fused.frames).toBe(2);
  });

  test('noise averages out: five noisy looks are nearer to the truth than one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e9 }), (seed) => {
        let state = seed;
        const random = (): number => ((state = (state * 48271) % 2147483647) / 2147483647 - 0.5) * 1.5;
        const truth = new Float32Array(128).map(() => random());
        normaliseInPlace(truth);
        const fused = new FusedEmbedding(128, true);
        let single = 0;
        for (let i = 0; i < 5; i++) {
          const look = truth.map((value) => value + random() * 0.2);
          normaliseInPlace(look);
          single += l2Distance(truth, look) / 5;
          fused.add(look, 1);
        }
        expect(l2Distance(truth, fused.mean())).toBeLessThan(single * 0.75);
      }),
      { numRuns: 50 },
    );
  });

  test('a space without unit length keeps its length', () => {
    const fused = new FusedEmbedding(2, false);
    fused.add(Float32Array.of(3, 0), 1);
    fused.add(Float32Array.of(5, 0), 1);
    expect([...fused.mean()]).toEqual([4, 0]);
  });
});

describe('SubjectTracker', () => {
  test('one person, one track, a growing mean', () => {
    const tracker = new SubjectTracker(OPTIONS);
    const first = tracker.update(0, BOX, ANN, 1);
    const second = tracker.update(66, { ...BOX, x: 110 }, almost(ANN, 0.2), 1);
    expect(second.track).toBe(first.track);
    expect(second.fusedFrames).toBe(2);
  });

  test.each([
    ['somebody comes after an absence', 600, BOX],
    ['the face jumps across the picture', 66, { ...BOX, x: 600 }],
    ['the box becomes another size at once', 66, { x: 60, y: 60, width: 300, height: 380 }],
  ])('%s: a new track that inherits nothing', (_, later, box) => {
    const tracker = new SubjectTracker(OPTIONS);
    const before = tracker.update(0, BOX, ANN, 1);
    const after = tracker.update(later, box, ANN, 1);
    expect(after.track).not.toBe(before.track);
    expect(after.fusedFrames).toBe(1);
  });

  test('two people change places: the second odd frame begins a new track with that frame alone', () => {
    const tracker = new SubjectTracker(OPTIONS);
    const ann = tracker.update(0, BOX, ANN, 1);
    const odd = tracker.update(66, BOX, BOB, 1);
    expect(odd).toMatchObject({ track: ann.track, fusedFrames: 1 });
    expect(l2Distance(odd.fused!, ANN)).toBeLessThan(1e-6);
    const bob = tracker.update(132, BOX, BOB, 1);
    expect(bob.track).not.toBe(ann.track);
    expect(l2Distance(bob.fused!, BOB)).toBeLessThan(1e-6);
  });

  test('one odd frame alone changes nothing', () => {
    const tracker = new SubjectTracker(OPTIONS);
    const before = tracker.update(0, BOX, ANN, 1);
    tracker.update(66, BOX, BOB, 1);
    const after = tracker.update(132, BOX, ANN, 1);
    expect(after).toMatchObject({ track: before.track, fusedFrames: 2 });
  });

  test('a refused face keeps the track and adds nothing', () => {
    const tracker = new SubjectTracker(OPTIONS);
    tracker.update(0, BOX, ANN, 1);
    expect(tracker.update(66, BOX, null, 0)).toMatchObject({ fusedFrames: 1 });
  });
});
