/** Where a flat artefact stands in front of the camera. Angles in radians, lengths in pixels of the frame. */
export interface Pose {
  readonly x: number;
  readonly y: number;
  /** Pixels of the frame per pixel of the portrait, seen frontally. */
  readonly scale: number;
  readonly yaw: number;
  readonly pitch: number;
  readonly roll: number;
}

/** Distance of the camera in widths of a portrait: perspective at an arm's length. */
const DISTANCE = 2.2;

/** Row-wise 3×3 that carries homogeneous frame pixels to pixels of the plane, whose origin lies `about` the pose's centre. */
export function frameToPlane(
  pose: Pose,
  size: number,
  about: { readonly x: number; readonly y: number },
): Float64Array {
  const { x, y, scale, yaw, pitch, roll } = pose;
  const [cy, sy, cp, sp, cr, sr] = [yaw, pitch, roll].flatMap((a) => [Math.cos(a), Math.sin(a)]) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  // R = Rz(roll)·Rx(pitch)·Ry(yaw); its first two columns carry the plane.
  const ux = cr * cy - sr * sp * sy;
  const uy = sr * cy + cr * sp * sy;
  const uz = -cp * sy;
  const vx = -sr * cp;
  const vy = cr * cp;
  const vz = sp;
  const f = DISTANCE * size;
  // Plane (p, q) → frame: (x·w + scale·(ux p + vx q), y·w + …, w) with w = 1 + (uz p + vz q) / f.
  const toFrame = [
    scale * ux + (x * uz) / f,
    scale * vx + (x * vz) / f,
    x,
    scale * uy + (y * uz) / f,
    scale * vy + (y * vz) / f,
    y,
    uz / f,
    vz / f,
    1,
  ];
  const inverse = invert(toFrame);
  // Shift the plane's origin.
  for (let i = 0; i < 3; i++) {
    inverse[i] = (inverse[i] as number) + about.x * (inverse[6 + i] as number);
    inverse[3 + i] = (inverse[3 + i] as number) + about.y * (inverse[6 + i] as number);
  }
  return inverse;
}

function invert(m: readonly number[]): Float64Array {
  const [a, b, c, d, e, f, g, h, i] = m as [number, number, number, number, number, number, number, number, number];
  const determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
  return Float64Array.of(
    (e * i - f * h) / determinant,
    (c * h - b * i) / determinant,
    (b * f - c * e) / determinant,
    (f * g - d * i) / determinant,
    (a * i - c * g) / determinant,
    (c * d - a * f) / determinant,
    (d * h - e * g) / determinant,
    (b * g - a * h) / determinant,
    (a * e - b * d) / determinant,
  );
}
