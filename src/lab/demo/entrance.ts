import { type Frame } from '../../vision/picture/frame';
import { seededRandom } from '../../random';

/** The empty entrance: larger than the frame by `margin` on each side, to allow for camera shake. */
export interface Entrance extends Frame {
  readonly margin: number;
  /** Row of the frame, without shake, where the access gate in the foreground begins. People stand behind it. */
  readonly gateTop: number;
}

type Colour = readonly [number, number, number];

const GATE_TOP = 0.73;

/**
 * Wall, door with a glass pane, floor, and a gate in front, with uneven light and grain. It contains nothing that
 * resembles a face.
 */
export function drawEntrance(width: number, height: number, seed: number): Entrance {
  const margin = Math.ceil(width / 80);
  const [fullWidth, fullHeight] = [width + 2 * margin, height + 2 * margin];
  const data = new Uint8Array(fullWidth * fullHeight * 3);
  const random = seededRandom(seed).next;
  const rowTexture = Float32Array.from({ length: fullHeight }, () => random() - 0.5);
  for (let y = 0; y < fullHeight; y++)
    for (let x = 0; x < fullWidth; x++) {
      const u = (x - margin) / width;
      const v = (y - margin) / height;
      const [r, g, b] = surface(u, v, rowTexture[y] ?? 0);
      // A lamp above the door; the corners are darker.
      const light = 0.78 + 0.34 * Math.exp(-((u - 0.45) ** 2 * 3 + (v - 0.1) ** 2 * 1.6)) + (random() - 0.5) * 0.02;
      const at = (y * fullWidth + x) * 3;
      data[at] = Math.min(255, r * light);
      data[at + 1] = Math.min(255, g * light);
      data[at + 2] = Math.min(255, b * light);
    }
  return { width: fullWidth, height: fullHeight, data, margin, gateTop: Math.round(GATE_TOP * height) };
}

function surface(u: number, v: number, texture: number): Colour {
  const inside = (x0: number, x1: number, y0: number, y1: number): boolean => u > x0 && u < x1 && v > y0 && v < y1;
  if (v > GATE_TOP) return gate(u, (v - GATE_TOP) / (1 - GATE_TOP));
  if (inside(0.3, 0.62, 0.04, 0.69)) {
    if (!inside(0.312, 0.608, 0.06, 0.69)) return [58, 60, 64];
    if (inside(0.34, 0.58, 0.1, 0.6)) return [96 + 50 * (0.6 - v) + 18 * u, 112 + 50 * (0.6 - v), 122 + 55 * (0.6 - v)];
    return inside(0.575, 0.592, 0.36, 0.47) ? [170, 172, 176] : [84, 88, 94];
  }
  if (v > 0.69) return [104 - 20 * u + 6 * texture, 98 - 18 * u + 6 * texture, 92 - 16 * u + 6 * texture];
  if (v > 0.665) return [120, 118, 114];
  if (inside(0.72, 0.86, 0.2, 0.42)) return v < 0.25 ? [40, 92, 120] : [200, 202, 198];
  return [176 - 22 * u + 3 * texture, 170 - 18 * u + 3 * texture, 158 - 12 * u + 3 * texture];
}

/** Brushed steel with a dark top edge and posts. */
function gate(u: number, depth: number): Colour {
  if (depth < 0.05) return [38, 40, 44];
  const post = Math.abs(((u * 4 + 0.5) % 1) - 0.5) < 0.02;
  const shade = (post ? 70 : 128) - 40 * depth;
  return [shade, shade + 3, shade + 8];
}
