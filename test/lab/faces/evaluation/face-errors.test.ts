import type { Quality } from '../../../../src/events';
import { likelyCause } from '../../../../src/lab/faces/evaluation/face-errors';
import { WrongPairs } from '../../../../src/lab/faces/evaluation/face-evaluation';

const good: Quality = {
  interocularPx: 90,
  sharpness: 0.5,
  brightness: 130,
  contrast: 28,
  yaw: 0.05,
  pitch: 0.2,
  rollDeg: 2,
  score: 1,
};

test.each<[string | null, string, Partial<Quality>]>([
  [null, 'a good face', {}],
  ['size', 'eyes 12 px apart', { interocularPx: 12, sharpness: 0.03 }],
  ['blur', 'a large face out of focus', { sharpness: 0.01 }],
  ['blur', 'more blur than so few pixels explain', { interocularPx: 30, sharpness: 0.02 }],
  ['light', 'night', { brightness: 12, contrast: 6 }],
  ['light', 'against the sun', { brightness: 235 }],
  ['light', 'fog', { contrast: 4 }],
  ['pose', 'half a profile', { yaw: -0.7 }],
  ['pose', 'a head on one side', { rollDeg: 40 }],
  ['pose', 'a bent head', { pitch: 0.9 }],
])('%s: %s', (cause, _what, measured) => {
  expect(likelyCause([good, { ...good, ...measured }])).toBe(cause);
  expect(likelyCause([{ ...good, ...measured }, good])).toBe(cause);
});

test('the worse of two faults counts, and a measure that is not a number counts for nothing', () => {
  expect(likelyCause([{ ...good, yaw: 0.4, brightness: 10 }])).toBe('light');
  expect(likelyCause([{ ...good, yaw: 0.9, brightness: 50 }])).toBe('pose');
  expect(likelyCause([{ ...good, yaw: NaN, pitch: NaN }])).toBeNull();
});

test('a pair is wrong on the wrong side of the threshold, which itself accepts', () => {
  const wrong = new WrongPairs(1);
  wrong.visit(0, 1, 1, true);
  wrong.visit(0, 2, 1, false);
  wrong.visit(0, 3, 1.01, true);
  wrong.visit(0, 4, 1.01, false);
  wrong.visit(0, 5, Infinity, true);
  expect(wrong.falseNonMatches).toEqual([{ i: 0, j: 3, distance: 1.01 }]);
  expect(wrong.falseMatches).toEqual([{ i: 0, j: 2, distance: 1 }]);
});
