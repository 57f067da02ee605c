import type { FiveLandmarks, Point } from '../picture/frame';
import type { Similarity } from '../picture/resample';

/**
 * The similarity (rotation, uniform scale, shift; no reflection) that carries `from` onto `to` with the least squared error:
 * Umeyama 1991, in two dimensions, where it has the closed form of a complex linear regression.
 *
 * @returns null when `from` has no extent (all points in one place) or holds a number that is not finite
 */
export function fitSimilarity(from: readonly Point[], to: readonly Point[]): Similarity | null {
  const n = Math.min(from.length, to.length);
  let fx = 0;
  let fy = 0;
  let gx = 0;
  let gy = 0;
  for (let i = 0; i < n; i++) {
    const p = from[i] as Point;
    const q = to[i] as Point;
    fx += p.x / n;
    fy += p.y / n;
    gx += q.x / n;
    gy += q.y / n;
  }
  let norm = 0;
  let real = 0;
  let imaginary = 0;
  for (let i = 0; i < n; i++) {
    const p = from[i] as Point;
    const q = to[i] as Point;
    const px = p.x - fx;
    const py = p.y - fy;
    const qx = q.x - gx;
    const qy = q.y - gy;
    norm += px * px + py * py;
    real += px * qx + py * qy;
    imaginary += px * qy - py * qx;
  }
  const a = real / norm;
  const b = imaginary / norm;
  // Also false for NaN: a landmark at infinity must not become a face. Extents below a hundredth of a unit are rounding.
  if (!(norm > 1e-4 && Number.isFinite(a) && Number.isFinite(b) && a * a + b * b > 1e-8)) return null;
  return { a, b, tx: gx - a * fx + b * fy, ty: gy - b * fx - a * fy };
}

export function templatePoints(template: readonly (readonly [number, number])[]): Point[] {
  return template.map(([x, y]) => ({ x, y }));
}

/** Pose as far as five landmarks tell it; see `Quality` for the meaning of each number. */
export function poseOf(five: FiveLandmarks): { interocularPx: number; yaw: number; pitch: number; rollDeg: number } {
  const [leftEye, rightEye, nose, leftMouth, rightMouth] = five;
  const ex = rightEye.x - leftEye.x;
  const ey = rightEye.y - leftEye.y;
  const interocularPx = Math.hypot(ex, ey);
  const along = ((nose.x - leftEye.x) * ex + (nose.y - leftEye.y) * ey) / (interocularPx * interocularPx);
  const below = (p: Point): number => (-(p.x - leftEye.x) * ey + (p.y - leftEye.y) * ex) / interocularPx;
  const mouth = below({ x: (leftMouth.x + rightMouth.x) / 2, y: (leftMouth.y + rightMouth.y) / 2 });
  // In the ArcFace template the nose tip lies 49.5 % of the way from the eyes to the mouth.
  return {
    interocularPx,
    yaw: (along - 0.5) * 2,
    pitch: (below(nose) / mouth - 0.495) * 2,
    rollDeg: (Math.atan2(ey, ex) * 180) / Math.PI,
  };
}
