import type { FiveLandmarks } from '../picture/frame';

/**
 * Five landmarks over several frames tell whether a face is flat. `still`: it moved too little to tell. `depth`: the points moved
 * against one another as no flat picture's do. `flat`: they were squeezed as a tilted picture's are, and by nothing else.
 */
export type Parallax = 'still' | 'depth' | 'flat';

export interface ParallaxReading {
  readonly parallax: Parallax;
  /** Root mean square over points and frames, in distances between the eyes: what no affine map explains … */
  readonly depth: number;
  /** … and what no similarity (shift, turn in the picture, nearer or farther) explains, `depth` included. */
  readonly deformation: number;
}

const POINTS = 5;
const ROWS = 2;
/** With fewer frames a third dimension cannot be distinguished from noise. */
const LEAST_FRAMES = 5;
/**
 * Landmarks of a detector jitter by 1 to 2 % of the distance between the eyes. A nose tip stands out by about 45 % of it: a head
 * that turns by 10° to each side moves it by 8 %, 3 % as root mean square over points and frames.
 */
const DEPTH = 0.022;
/** A picture that is tilted by 40° loses a quarter of its width: 4 to 5 % as root mean square. */
const DEFORMATION = 0.04;
/** Share of the deformation's power that a flat face may leave unexplained: noise. */
const FLAT_SHARE = 0.2;

/**
 * Landmarks of a rigid body seen from afar make a matrix of rank 3 over frames, those of a flat one of rank 2 (Tomasi & Kanade
 * 1992): what is left beyond two dimensions is depth times turning, whichever way the body moved.
 * Shift and size of each frame are taken out first. Keeps the last `capacity` frames; allocates nothing after its making.
 */
export class ParallaxMeter {
  /** Per frame: x of the five points, then y; centred, in distances between the eyes. */
  private readonly shapes: Float64Array;
  private readonly gram = new Float64Array(POINTS * POINTS);
  private readonly mean = new Float64Array(ROWS * POINTS);
  private count = 0;

  constructor(private readonly capacity = 24) {
    this.shapes = new Float64Array(capacity * ROWS * POINTS);
  }

  get frames(): number {
    return Math.min(this.count, this.capacity);
  }

  reset(): void {
    this.count = 0;
  }

  add(five: FiveLandmarks): void {
    const [left, right] = five;
    const eyes = Math.hypot(right.x - left.x, right.y - left.y);
    if (!(eyes > 1)) return;
    // Turned upright, so that the mean shape over frames is one.
    const cos = (right.x - left.x) / eyes;
    const sin = (right.y - left.y) / eyes;
    let cx = 0;
    let cy = 0;
    for (const point of five) {
      cx += point.x / POINTS;
      cy += point.y / POINTS;
    }
    const at = (this.count % this.capacity) * ROWS * POINTS;
    for (let i = 0; i < POINTS; i++) {
      const point = five[i as 0];
      const x = (point.x - cx) / eyes;
      const y = (point.y - cy) / eyes;
      this.shapes[at + i] = cos * x + sin * y;
      this.shapes[at + POINTS + i] = cos * y - sin * x;
    }
    this.count++;
  }

  read(): ParallaxReading {
    const { frames } = this;
    if (frames < LEAST_FRAMES) return { parallax: 'still', depth: 0, deformation: 0 };
    const deformation = Math.sqrt(this.deformationPower());
    const depth = Math.sqrt(this.depthPower());
    const flat = deformation >= DEFORMATION && depth * depth <= FLAT_SHARE * deformation * deformation;
    const parallax = flat ? 'flat' : depth >= DEPTH ? 'depth' : 'still';
    return { parallax, depth, deformation };
  }

  /** Mean square of what is left of each frame after the best similarity onto the mean shape. */
  private deformationPower(): number {
    const { frames, shapes, mean } = this;
    mean.fill(0);
    for (let f = 0; f < frames; f++)
      for (let i = 0; i < ROWS * POINTS; i++)
        mean[i] = (mean[i] as number) + (shapes[f * ROWS * POINTS + i] as number) / frames;
    let meanPower = 0;
    for (const value of mean) meanPower += value * value;
    let left = 0;
    for (let f = 0; f < frames; f++) {
      const at = f * ROWS * POINTS;
      let power = 0;
      let real = 0;
      let imaginary = 0;
      for (let i = 0; i < POINTS; i++) {
        const x = shapes[at + i] as number;
        const y = shapes[at + POINTS + i] as number;
        const mx = mean[i] as number;
        const my = mean[POINTS + i] as number;
        power += x * x + y * y;
        real += x * mx + y * my;
        imaginary += x * my - y * mx;
      }
      // Least squares of z·s onto the mean, as complex numbers; the residual is on the scale of the frame itself.
      left += Math.max(0, power - (real * real + imaginary * imaginary) / meanPower);
    }
    return left / (frames * POINTS);
  }

  /** Mean square beyond rank 2: the third and fourth eigenvalue of the points' Gram matrix over all frames. */
  private depthPower(): number {
    const { frames, shapes, gram } = this;
    gram.fill(0);
    for (let row = 0; row < frames * ROWS; row++)
      for (let i = 0; i < POINTS; i++)
        for (let j = 0; j < POINTS; j++)
          gram[i * POINTS + j] =
            (gram[i * POINTS + j] as number) +
            (shapes[row * POINTS + i] as number) * (shapes[row * POINTS + j] as number);
    const values = eigenvalues(gram);
    return Math.max(0, (values[2] as number) + (values[3] as number)) / (frames * POINTS);
  }
}

const SWEEPS = 12;

/** Of a symmetric 5×5 matrix, largest first; the matrix is used up. Cyclic Jacobi (Golub & Van Loan, 8.5). */
function eigenvalues(a: Float64Array): number[] {
  const n = POINTS;
  const at = (i: number, j: number): number => a[i * n + j] as number;
  for (let sweep = 0; sweep < SWEEPS; sweep++)
    for (let p = 0; p < n - 1; p++)
      for (let q = p + 1; q < n; q++) {
        const apq = at(p, q);
        if (Math.abs(apq) < 1e-15) continue;
        const theta = (at(q, q) - at(p, p)) / (2 * apq);
        const t = Math.sign(theta || 1) / (Math.abs(theta) + Math.hypot(theta, 1));
        const c = 1 / Math.hypot(t, 1);
        const s = t * c;
        for (let k = 0; k < n; k++) {
          const akp = at(k, p);
          const akq = at(k, q);
          a[k * n + p] = c * akp - s * akq;
          a[k * n + q] = s * akp + c * akq;
        }
        for (let k = 0; k < n; k++) {
          const apk = at(p, k);
          const aqk = at(q, k);
          a[p * n + k] = c * apk - s * aqk;
          a[q * n + k] = s * apk + c * aqk;
        }
      }
  return Array.from({ length: n }, (_, i) => at(i, i)).sort((x, y) => y - x);
}
