import type { Box } from '../../events';
import type { Frame } from '../../vision/picture/frame';

/** Local copies: in a sandboxed realm, such as a test's, each access to a global costs more than the function does. */
const { abs, floor, max, min, round } = Math;

/** A portrait in front of an even wall, and which of its pixels belong to the person. */
export interface Portrait {
  readonly picture: Frame;
  readonly face: Box;
  /** 0 wall … 255 person, softened at the edge. */
  readonly matte: Uint8Array;
}

/** How much a wall pixel may differ from its neighbour, and from the wall's colour. */
const STEP = 7;
const FROM_WALL = 26;
/** A shirt is whiter than the wall. */
const BRIGHTER = 34;

/**
 * Separates the person from an even wall: pixels that are reached from the upper edge without a step in colour are
 * wall. Hair as bright as the wall is lost with it, so the edge is softened. Head, neck and chest always belong to the
 * person.
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
  const shinesThrough = (at: number): boolean => {
    const [x, y] = [at % width, floor(at / width)];
    const off = [0, 1, 2].map((c) => abs((data[3 * at + c] as number) - (mean[c] as number)));
    return y < face.y + 0.95 * face.height && max(...off) <= FROM_WALL && !isBody(x, y, face);
  };
  for (let head = 0; head < end; head++) {
    const at = queue[head] as number;
    const x = at % width;
    if (x > 0 && alike(at - 1, at)) push(at - 1);
    if (x < width - 1 && alike(at + 1, at)) push(at + 1);
    if (at >= width && alike(at - width, at)) push(at - width);
    if (at + width < wall.length && alike(at + width, at)) push(at + width);
  }
  // Wall that shows between strands of hair is not reached from outside.
  for (let at = 0; at < wall.length; at++) if (wall[at] === 0 && shinesThrough(at)) wall[at] = 1;
  fillBody(wall, width, height, face);
  return soften(wall, width, height);
}

/** Consecutive pixels that make an edge of the person, not a speck on the wall. */
const EDGE_RUN = 3;

/**
 * The shaded part of a light shirt is as bright as the wall, and the wall region leaks into it behind the collar. Below
 * the face, a pixel that is not connected along its row to a side of the picture therefore belongs to the person.
 */
function fillBody(wall: Uint8Array, width: number, height: number, face: Box): void {
  for (let y = max(0, round(face.y + face.height)); y < height; y++) {
    const row = wall.subarray(y * width, (y + 1) * width);
    const person = (x: number): boolean => row.subarray(x, x + EDGE_RUN).every((value) => value === 0);
    let left = 0;
    while (left < width - EDGE_RUN && !person(left)) left++;
    let right = width - EDGE_RUN;
    while (right > left && !person(right)) right--;
    if (right > left) row.fill(0, left, right + EDGE_RUN);
  }
}

/** The middle of head and neck, and a chest that widens downwards. */
function isBody(x: number, y: number, { x: left, y: top, width, height }: Box): boolean {
  const du = abs((x - left - width / 2) / width);
  const dv = (y - top - height / 2) / height;
  if ((du / 0.46) ** 2 + (dv / 0.58) ** 2 < 1) return true;
  if (dv > 0 && dv < 0.75 && du < 0.26) return true;
  return dv >= 0.85 && du < 0.25 + 1.1 * (dv - 0.85);
}

/**
 * Uses the middle of a 5×5 neighbourhood: the outermost pixels contain light of the wall, which would show as a bright
 * rim in front of a dark place.
 */
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
      matte[y * width + x] = round(255 * max(0, (2 * person) / all - 1));
    }
  return matte;
}
