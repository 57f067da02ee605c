import type { Box } from '../../../events';
import { cutOut, type Figure } from '../../demo/figure';
import { drawFigure } from '../../demo/renderer';
import { type Random, seededRandom, streamSeed } from '../../../random';
import { intersectionOverUnion } from '../../../vision/picture/boxes';
import type { Frame } from '../../../vision/picture/frame';

/** A person's picture, with the face as the detector under training sees it there. */
export interface Person {
  readonly name: string;
  readonly picture: Frame;
  readonly face: Box;
  /** Which pixels are the person. */
  readonly matte: Float32Array;
}

export interface ComposeOptions {
  readonly width: number;
  readonly height: number;
  /** Width of a face, pixels; drawn uniformly over its logarithm. */
  readonly facePx: readonly [number, number];
  readonly mostFaces: number;
  /** Share of faces that are partly covered. */
  readonly covered: number;
  /** Light of the picture, relative to the scene's own. */
  readonly light: readonly [number, number];
  /** Standard deviation of the sensor's noise, grey levels. */
  readonly noise: readonly [number, number];
}

/** A badly lit corridor seen by a cheap camera. */
export const HARD_SCENES: ComposeOptions = {
  width: 640,
  height: 480,
  facePx: [22, 100],
  mostFaces: 4,
  covered: 0.4,
  light: [0.12, 0.9],
  noise: [2, 12],
};

export interface ComposedScene {
  readonly frame: Frame;
  readonly faces: readonly Box[];
}

const TRIES = 30;
/** Faces of two people may touch but not hide one another. */
const MOST_OVERLAP = 0.05;

/**
 * Places people into a scene: small, dim, side-lit, partly covered. The label of a face is its box in the source
 * picture, transformed with it. This measures how well faces are found under these conditions, not differences in where
 * detectors draw a face's edges.
 * @param seed the same seed gives the same picture, bit by bit
 */
export function composeScene(
  scene: Frame,
  people: readonly Person[],
  seed: number,
  options: ComposeOptions,
): ComposedScene {
  const random = seededRandom(streamSeed(seed, 11));
  const frame = enlarge(scene, options.width, options.height);
  const faces: Box[] = [];
  const wanted = random.below(options.mostFaces + 1);
  for (let i = 0; i < wanted; i++) {
    const person = people[random.below(people.length)];
    if (person === undefined) break;
    const place = freePlace(frame, person, faces, random, options.facePx);
    if (place === null) continue;
    drawFigure(frame, frame.height, { figure: lit(person, random), pose: place.pose, blurX: 0, blurY: 0 }, NO_SHAKE);
    if (random.next() < options.covered) cover(frame, place.box, random);
    faces.push(place.box);
  }
  expose(frame, random.between(...options.light), random.between(...options.noise), random);
  return { frame, faces };
}

const NO_SHAKE = { shakeX: 0, shakeY: 0, gain: 1, noiseSeed: 0 };

function lit({ name, picture, face, matte }: Person, random: Random): Figure {
  const gain = random.between(0.5, 1.1);
  return cutOut(
    { name, picture, face, outline: null, matte },
    {
      gain: [gain, gain * random.between(0.9, 1), gain * random.between(0.8, 1)],
      gamma: 1,
      slope: random.between(-0.5, 0.5),
    },
  );
}

function freePlace(
  frame: Frame,
  { face }: Person,
  taken: readonly Box[],
  random: Random,
  facePx: readonly [number, number],
) {
  for (let i = 0; i < TRIES; i++) {
    const width = Math.exp(random.between(Math.log(facePx[0]), Math.log(facePx[1])));
    const height = (width * face.height) / face.width;
    const x = random.between(0, frame.width - width);
    const y = random.between(0, frame.height - height);
    const box = { x, y, width, height };
    // The body of a person in front must not cover a face behind: later persons stand lower and in front.
    const hides = taken.some(
      (other) => intersectionOverUnion(other, body(box)) > 0 || intersectionOverUnion(other, box) > MOST_OVERLAP,
    );
    if (hides) continue;
    const pose = { faceX: x + width / 2, faceY: y + height / 2, faceWidth: width, rollRadians: random.normal() * 0.12 };
    return { box, pose };
  }
  return null;
}

const body = ({ x, y, width, height }: Box): Box => ({
  x: x - width,
  y: y - height / 2,
  width: 3 * width,
  height: 4.5 * height,
});

/** A mask, a cap, a hand or a post: a patch of one colour over a third of the face or so. */
function cover(frame: Frame, { x, y, width, height }: Box, random: Random): void {
  const kind = random.below(3);
  const share = random.between(0.25, 0.5);
  const patch =
    kind === 0
      ? { x: x - 0.05 * width, y: y + (1 - share) * height, width: 1.1 * width, height: (share + 0.1) * height }
      : kind === 1
        ? { x: x - 0.1 * width, y: y - 0.3 * height, width: 1.2 * width, height: (share + 0.2) * height }
        : {
            x: random.next() < 0.5 ? x - 0.1 * width : x + (1 - share) * width,
            y,
            width: (share + 0.1) * width,
            height,
          };
  const colour = [random.below(256), random.below(256), random.below(256)];
  const x0 = Math.max(0, Math.round(patch.x));
  const x1 = Math.min(frame.width, Math.round(patch.x + patch.width));
  const y0 = Math.max(0, Math.round(patch.y));
  const y1 = Math.min(frame.height, Math.round(patch.y + patch.height));
  for (let row = y0; row < y1; row++)
    for (let column = x0; column < x1; column++) frame.data.set(colour, 3 * (row * frame.width + column));
}

function expose(frame: Frame, gain: number, noise: number, random: Random): void {
  for (let i = 0; i < frame.data.length; i++) {
    const value = (frame.data[i] as number) * gain + noise * random.normal();
    frame.data[i] = value < 0 ? 0 : value > 255 ? 255 : value + 0.5;
  }
}

/** Bilinear, since nearest would show steps; cropped to the requested proportions. */
function enlarge(scene: Frame, width: number, height: number): Frame {
  const scale = Math.min(scene.width / width, scene.height / height);
  const left = (scene.width - scale * width) / 2;
  const top = (scene.height - scale * height) / 2;
  const data = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    const v = Math.min(scene.height - 1.001, Math.max(0, top + (y + 0.5) * scale - 0.5));
    const v0 = Math.floor(v);
    for (let x = 0; x < width; x++) {
      const u = Math.min(scene.width - 1.001, Math.max(0, left + (x + 0.5) * scale - 0.5));
      const u0 = Math.floor(u);
      const at = 3 * (v0 * scene.width + u0);
      const below = at + 3 * scene.width;
      for (let c = 0; c < 3; c++) {
        const pixel = (offset: number): number => scene.data[offset + c] as number;
        const upper = pixel(at) + (u - u0) * (pixel(at + 3) - pixel(at));
        const lower = pixel(below) + (u - u0) * (pixel(below + 3) - pixel(below));
        data[3 * (y * width + x) + c] = upper + (v - v0) * (lower - upper);
      }
    }
  }
  return { width, height, data };
}
