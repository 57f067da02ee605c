import type { Box } from '../../events';
import type { Frame } from '../frame';

/** How far beyond its box a face is treated, as a share of the box's sides: hairline, ears and chin, all that an encoder is shown. */
const MARGIN = 0.4;
/** What stands for every face, whoever's: a tone without a person in it. */
const TONE = [168, 140, 122] as const;
/** Softness of the region's edge, as a share of its radius. */
const EDGE = 0.25;

/**
 * How far each pixel belongs to a face, 0..1: ellipses a little larger than the boxes.
 * @returns one value a pixel, row by row
 */
export function faceMask(width: number, height: number, faces: readonly Box[]): Float32Array {
  const mask = new Float32Array(width * height);
  for (const face of faces) {
    const [cx, cy] = [face.x + face.width / 2, face.y + face.height / 2];
    const [rx, ry] = [(0.5 + MARGIN) * face.width, (0.5 + MARGIN) * face.height];
    const y1 = Math.min(height - 1, Math.ceil(cy + ry));
    const x1 = Math.min(width - 1, Math.ceil(cx + rx));
    for (let y = Math.max(0, Math.floor(cy - ry)); y <= y1; y++)
      for (let x = Math.max(0, Math.floor(cx - rx)); x <= x1; x++) {
        const r = Math.hypot((x + 0.5 - cx) / rx, (y + 0.5 - cy) / ry);
        const inside = Math.min(1, Math.max(0, (1 - r) / EDGE));
        mask[y * width + x] = Math.max(mask[y * width + x] as number, inside);
      }
  }
  return mask;
}

/**
 * The frame with one tone in place of each face, blended in softly, as light as the frame is: nothing of the face is left, not even
 * its colours, with which an attacker who treats a gallery alike would find its owner again. What is not in this picture, no later
 * step and nobody who gets the result can bring back: identity is destroyed here, whatever the optimisation does.
 */
export function withoutFeatures(frame: Frame, faces: readonly Box[]): Frame {
  const { width, height } = frame;
  const data = Uint8Array.from(frame.data);
  if (faces.length === 0) return { width, height, data };
  const mask = faceMask(width, height, faces);
  const light = lightOf(frame);
  for (let i = 0; i < mask.length; i++) {
    const inside = mask[i] as number;
    if (inside === 0) continue;
    for (let c = 0; c < 3; c++) {
      const at = 3 * i + c;
      data[at] = (data[at] as number) * (1 - inside) + inside * Math.min(255, light * (TONE[c] as number));
    }
  }
  return { width, height, data };
}

/** Mean level over mid grey, within bounds in which a head still shows. */
function lightOf({ data }: Frame): number {
  let sum = 0;
  for (const value of data) sum += value;
  return Math.min(1.2, Math.max(0.4, sum / data.length / 128));
}
