import type { Box } from '../../events';
import type { Frame } from '../../vision/frame';

/** Taken out once: in a sandboxed realm, such as a test's, each look at a global costs more than the function does. */
const { abs, floor, max, min, round } = Math;

/** A portrait before an even wall, and which of its pixels are the person. */
export interface Portrait {
  readonly picture: Frame;
  readonly face: Box;
  /** 0 wall … 255 person, softened at the edge. */
  readonly matte: Uint8Array;
}

/** How much a pixel may differ from its neighbour of the wall, and from the wall's own colour, and still be wall. */
const STEP = 7;
const FROM_WALL = 26;
/** A shirt is whiter than the wall. */
const BRIGHTER = 34;

/**
 * Parts the person from an even wall: what is reached from the upper edges without a step in colour is wall. Hair that is as bright
 * as the wall is lost with it, which is why the edge is softened; head, neck and chest are the person whatever their colour.
 */
export function matteOf({ width, height, data }: Frame, face: Box): Uint8Array {
  const wall = new Uint8Array(width * height);
  const queue = new Int32Array(width * height);
  let end = 0;
  const push = (at: number): void => {
    if (wall[at] === 1) return;
    wall[at] = 1;
    queue[end++] = at;
  };
  for (let x = 0; x < width; x++) push(x);
  for (let y = 0; y < height * 0.75; y++) {
    push(y * width);
    push(y * width + width - 1);
  }
  const seeds = end;
  const mean = [0, 0, 0];
  for (let i = 0; i < seeds; i++)
    for (let c = 0; c < 3; c++) mean[c] = (mean[c] as number) + (data[3 * (queue[i] as number) + c] as number) / seeds;
  const alike = (at: number, from: number): boolean => {
    let step = 0;
    let off = 0;
    let brighter = 0;
    if (isBody(at % width, floor(at / width), face)) return false;
    for (let c = 0; c < 3; c++) {
      const value = data[3 * at + c] as number;
      step = max(step, abs(value - (data[3 * from + c] as number)));
      off = max(off, abs(value - (mean[c] as number)));
      brighter += (value - (mean[c] as number)) / 3;
    }
    if (brighter > BRIGHTER && floor(at / width) > face.y + face.height) return false;
    return step <= STEP && off <= FROM_WALL * 2.4 && (off <= FROM_WALL || step <= STEP / 2);
  };
  for (let head = 0; head < end; head++) {
    const at = queue[head] as number;
    const x = at % width;
    if (x > 0 && alike(at - 1, at)) push(at - 1);
    if (x < width - 1 && alike(at + 1, at)) push(at + 1);
    if (at >= width && alike(at - width, at)) push(at - width);
    if (at + width < wall.length && alike(at + width, at)) push(at + width);
  }
  return soften(wall, width, height);
}

/** The middle of head and neck, and a chest that widens downwards. */
function isBody(x: number, y: number, { x: left, y: top, width, height }: Box): boolean {
  const du = abs((x - left - width / 2) / width);
  const dv = (y - top - height / 2) / height;
  if (du < 0.42 && abs(dv) < 0.55) return true;
  if (dv > 0 && dv < 0.75 && du < 0.26) return true;
  return dv >= 0.85 && du < 0.25 + 1.1 * (dv - 0.85);
}

/** Mean over 5×5 of what is no wall. */
function soften(wall: Uint8Array, width: number, height: number): Uint8Array {
  const matte = new Uint8Array(width * height);
  const reach = 2;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      let person = 0;
      let all = 0;
      for (let v = max(0, y - reach); v <= min(height - 1, y + reach); v++)
        for (let u = max(0, x - reach); u <= min(width - 1, x + reach); u++) {
          person += 1 - (wall[v * width + u] as number);
          all++;
        }
      matte[y * width + x] = round((255 * person) / all);
    }
  return matte;
}
