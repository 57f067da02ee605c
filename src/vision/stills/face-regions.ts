import type { Box } from '../../events';
import type { Frame } from '../picture/frame';

/**
 * Half-axes of the region around a head, in sides of the face's box. An encoder's aligned crop reaches 0.7 widths to
 * each side and 0.6 heights up, and turns with the head; all of it lies inside this region. With a smaller one, an
 * attacker who painted a gallery too could distinguish persons by the hairline.
 */
const REACH_X = 0.85;
const REACH_Y = 0.75;
/** Between an ellipse (2) and a box: a crop has corners. */
const SQUARENESS = 4;
/** Softness of the region's edge beyond that, as a share of the half-axes. */
const EDGE = 0.12;
/**
 * The same uniform tone replaces every face. When it was shaded like a head, it showed an encoder the place and
 * proportions of the face's box, which was enough to find its owner in a painted gallery more often than by chance.
 */
const TONE = [168, 140, 122] as const;
/** Grey levels of the tone. Few, because the brightness of a picture depends on the clothes, and so on the person. */
const LIGHTS = [0.45, 0.75, 1.05] as const;

/** Distance of each pixel to the middle of the nearest face: 1 at the edge of its region, Infinity without faces. */
function distances(width: number, height: number, faces: readonly Box[]): Float32Array {
  const nearest = new Float32Array(width * height).fill(Infinity);
  for (const face of faces) {
    const [cx, cy] = [face.x + face.width / 2, face.y + face.height / 2];
    const [rx, ry] = [REACH_X * face.width, REACH_Y * face.height];
    const [wide, high] = [rx * (1 + EDGE), ry * (1 + EDGE)];
    const y1 = Math.min(height - 1, Math.ceil(cy + high));
    const x1 = Math.min(width - 1, Math.ceil(cx + wide));
    for (let y = Math.max(0, Math.floor(cy - high)); y <= y1; y++)
      for (let x = Math.max(0, Math.floor(cx - wide)); x <= x1; x++) {
        const across = Math.abs((x + 0.5 - cx) / rx) ** SQUARENESS;
        const along = Math.abs((y + 0.5 - cy) / ry) ** SQUARENESS;
        const at = y * width + x;
        nearest[at] = Math.min(nearest[at] as number, (across + along) ** (1 / SQUARENESS));
      }
  }
  return nearest;
}

const insideAt = (distance: number): number => Math.min(1, Math.max(0, 1 - (distance - 1) / EDGE));

/**
 * How far each pixel belongs to a face, 0..1.
 * @returns one value a pixel, row by row
 */
export function faceMask(width: number, height: number, faces: readonly Box[]): Float32Array {
  return distances(width, height, faces).map(insideAt);
}

/**
 * The frame with the same blot over each face, about as bright as the frame. Nothing of the face is left, not even its
 * colours, with which an attacker who treats a gallery in the same way could find its owner. No later step, and no
 * person who gets the result, can restore what is not in this picture: identity is destroyed here, whatever the
 * optimisation does.
 */
export function withoutFeatures(frame: Frame, faces: readonly Box[], light = lightOf(frame)): Frame {
  const { width, height } = frame;
  const data = Uint8Array.from(frame.data);
  if (faces.length === 0) return { width, height, data };
  distances(width, height, faces).forEach((distance, i) => {
    const inside = insideAt(distance);
    if (inside === 0) return;
    for (let c = 0; c < 3; c++) {
      const at = 3 * i + c;
      data[at] = (data[at] as number) * (1 - inside) + inside * Math.min(255, light * (TONE[c] as number));
    }
  });
  return { width, height, data };
}

/** Mean level over mid grey, as the nearest of a few in which a head still shows. */
export function lightOf({ data }: Frame): number {
  let sum = 0;
  for (const value of data) sum += value;
  const mean = sum / data.length / 128;
  return LIGHTS.reduce((best, light) => (Math.abs(light - mean) < Math.abs(best - mean) ? light : best), LIGHTS[0]);
}
