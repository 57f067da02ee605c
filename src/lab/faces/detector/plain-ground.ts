import type { Box } from '../../../events';
import type { Frame } from '../../../vision/picture/frame';

/**
 * Colour steps, of 255, that the background may take from one pixel to the next, and in total from the colour of the
 * top corners.
 */
const STEP = 8;
const DRIFT = 110;
/**
 * Half axes of the ellipse around the face's centre, in face widths and heights. Inside it all pixels belong to the
 * person, since skin in bright light is pale.
 */
const HEAD = { x: 0.5, y: 0.62 };

/**
 * Which pixels of a studio portrait belong to its person: all that cannot be reached from the upper and side edges over
 * pixels of nearly one colour. Softened by one pixel. Hair and clothes of the background's colour are lost at their
 * edge.
 * @returns 0..1 for each pixel, row by row
 */
export function personMatte({ width, height, data }: Frame, face: Box): Float32Array {
  const ground = new Uint8Array(width * height);
  const queue = new Int32Array(width * height);
  let tail = 0;
  const corner = (channel: number): number =>
    ((data[channel] as number) + (data[3 * (width - 1) + channel] as number)) / 2;
  const wall = [corner(0), corner(1), corner(2)];
  const near = (a: number, b: number | null): boolean => {
    let step = 0;
    let drift = 0;
    for (let c = 0; c < 3; c++) {
      const value = data[3 * a + c] as number;
      if (b !== null) step = Math.max(step, Math.abs(value - (data[3 * b + c] as number)));
      drift = Math.max(drift, Math.abs(value - (wall[c] as number)));
    }
    return step <= STEP && drift <= DRIFT;
  };
  const isHead = (x: number, y: number): boolean =>
    Math.hypot(((x - face.x) / face.width - 0.5) / HEAD.x, ((y - face.y) / face.height - 0.5) / HEAD.y) < 1;
  const visit = (pixel: number, from: number | null): void => {
    if (ground[pixel] === 1 || isHead(pixel % width, Math.floor(pixel / width)) || !near(pixel, from)) return;
    ground[pixel] = 1;
    queue[tail++] = pixel;
  };
  for (let x = 0; x < width; x++) visit(x, null);
  for (let y = 0; y < height * 0.7; y++) {
    visit(y * width, null);
    visit(y * width + width - 1, null);
  }
  for (let head = 0; head < tail; head++) {
    const pixel = queue[head] as number;
    const x = pixel % width;
    if (x > 0) visit(pixel - 1, pixel);
    if (x < width - 1) visit(pixel + 1, pixel);
    if (pixel >= width) visit(pixel - width, pixel);
    if (pixel < width * (height - 1)) visit(pixel + width, pixel);
  }
  return softened(ground, width, height);
}

/**
 * The share of person pixels among the nine around each. The background's edge is removed, so that no rim of it is
 * left.
 */
function softened(ground: Uint8Array, width: number, height: number): Float32Array {
  const matte = new Float32Array(width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      let persons = 0;
      for (let dy = -2; dy <= 2; dy++)
        for (let dx = -2; dx <= 2; dx++) {
          const at = Math.min(height - 1, Math.max(0, y + dy)) * width + Math.min(width - 1, Math.max(0, x + dx));
          if (ground[at] === 0) persons++;
        }
      matte[y * width + x] = Math.max(0, (persons - 12) / 13);
    }
  return matte;
}
