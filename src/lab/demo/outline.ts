import { type Point } from '../../vision/picture/frame';
import { type Portrait } from './people';

/** Width of the soft edge of a traced outline, in face widths. */
const FEATHER = 0.07;
/** Grid points of the outline in one face width; interpolated in between. */
const GRID_PER_FACE = 50;

/** How far each pixel of a rectangle of the portrait's picture belongs to the person, 0..1, row by row. */
export function coverage(portrait: Portrait, x0: number, y0: number, width: number, height: number): Float32Array {
  const step = Math.max(1, Math.floor(portrait.face.width / GRID_PER_FACE));
  const columns = Math.ceil(width / step) + 1;
  const rows = Math.ceil(height / step) + 1;
  const grid = new Float32Array(columns * rows);
  for (let j = 0; j < rows; j++)
    for (let i = 0; i < columns; i++) grid[j * columns + i] = coverAt(portrait, x0 + i * step, y0 + j * step);

  const cover = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    const j = (y / step) | 0;
    const fy = y / step - j;
    for (let x = 0; x < width; x++) {
      const i = (x / step) | 0;
      const fx = x / step - i;
      const at = j * columns + i;
      const above = (grid[at] ?? 0) * (1 - fx) + (grid[at + 1] ?? 0) * fx;
      const below = (grid[at + columns] ?? 0) * (1 - fx) + (grid[at + columns + 1] ?? 0) * fx;
      cover[y * width + x] = above * (1 - fy) + below * fy;
    }
  }
  return cover;
}

function coverAt({ face, outline, matte, picture }: Portrait, x: number, y: number): number {
  if (matte !== undefined) return matte[y * picture.width + x] ?? 0;
  if (outline !== null) return smoothstep(0.5 + insideBy(x, y, outline) / (FEATHER * face.width));
  return bust((x - face.x) / face.width - 0.5, (y - face.y) / face.height - 0.5);
}

/**
 * An outline that fits most people: 0 outside, 1 inside an ellipse for head and hair, a neck and rounded shoulders. u
 * is in face widths and v in face heights from the face's centre.
 */
export function bust(u: number, v: number): number {
  const head = Math.hypot(u / 0.88, (v + 0.06) / 0.82);
  const neck = Math.max(Math.abs(u) / 0.5, Math.abs(v - 0.6) / 0.6);
  const shoulders = ((Math.abs(u) / 1.2) ** 3 + (Math.abs(v - 2.3) / 1.75) ** 3) ** (1 / 3);
  return Math.max(smoothstep((1 - head) / 0.14), smoothstep((1 - neck) / 0.3), smoothstep((1 - shoulders) / 0.14));
}

/** Distance to the nearest edge of a polygon; negative outside. */
export function insideBy(x: number, y: number, polygon: readonly Point[]): number {
  let nearest = Infinity;
  let inside = false;
  let from = polygon.at(-1);
  for (const to of polygon) {
    if (from === undefined) break;
    const [dx, dy] = [to.x - from.x, to.y - from.y];
    const along = Math.max(0, Math.min(1, ((x - from.x) * dx + (y - from.y) * dy) / (dx * dx + dy * dy || 1)));
    nearest = Math.min(nearest, (x - from.x - along * dx) ** 2 + (y - from.y - along * dy) ** 2);
    if (from.y > y !== to.y > y && x < from.x + ((y - from.y) / dy) * dx) inside = !inside;
    from = to;
  }
  return inside ? Math.sqrt(nearest) : -Math.sqrt(nearest);
}

export function smoothstep(t: number): number {
  const x = Math.max(0, Math.min(1, t));
  return x * x * (3 - 2 * x);
}
