import type { FiveLandmarks } from '../../src/vision/picture/frame';

/** Of a frontal face in a box of 100×120 at the origin. */
export const FRONTAL: FiveLandmarks = [
  { x: 30, y: 45 },
  { x: 70, y: 45 },
  { x: 50, y: 70 },
  { x: 34, y: 92 },
  { x: 66, y: 92 },
];
