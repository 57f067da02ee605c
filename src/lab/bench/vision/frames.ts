import { readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { UsherError } from '../../../errors';
import type { Box } from '../../../events';
import type { FaceAnalyser } from '../../../vision/faces/analyser';
import { intersectionOverUnion } from '../../../vision/picture/boxes';
import type { Frame } from '../../../vision/picture/frame';
import { readPicture } from '../../../vision/picture/picture';
import { warpInto } from '../../../vision/picture/resample';
import { seededRandom, streamSeed } from '../../../random';

export const BENCH_WIDTH = 1280;
export const BENCH_HEIGHT = 720;
/** The smallest face that must be found, and larger ones as of a person who comes nearer. */
export const BENCH_FACE_PX = [80, 120, 200] as const;

export interface BenchFrame {
  readonly frame: Frame;
  readonly facePx: number;
  readonly face: Box;
}

interface Portrait {
  readonly picture: Frame;
  readonly face: Box;
}

/** Side of the region to crop around a face, in widths of the face. */
const REGION = 2;
/** Smaller sources would be enlarged too much and become soft. */
const SMALLEST_SOURCE_PX = 60;
/** Limit of the head's turn: speed is measured on faces that every detector finds. */
const MOST_YAW = 0.35;
const MOST_PITCH = 0.35;
/** Higher than usual, since a dark scarf in the sample pictures passes as a face at the usual score. */
const SURE_SCORE = 0.8;
const LEAST_BRIGHTNESS = 40;

/**
 * Frames of 1280×720 with one face each, made from the sample pictures inside the npm package `@vladmandic/face-api`: a
 * face with its surroundings, scaled to the wanted width, at a seeded place in front of a wall with some structure and
 * sensor noise.
 * @param finder finds the faces in the sample pictures; width means the width of its box
 */
export async function benchFrames(finder: Pick<FaceAnalyser, 'still'>, count: number, seed = 1): Promise<BenchFrame[]> {
  const portraits = await findPortraits(finder);
  if (portraits.length === 0)
    throw new UsherError('data-invalid', 'no face was found in the sample pictures of @vladmandic/face-api', {
      remedy: 'Verify the face models: usher models verify',
    });
  return Array.from({ length: count }, (_, i) => {
    const facePx = BENCH_FACE_PX[i % BENCH_FACE_PX.length] as number;
    const portrait = portraits[Math.floor(i / BENCH_FACE_PX.length) % portraits.length] as Portrait;
    return compose(portrait, facePx, streamSeed(seed, i));
  });
}

async function findPortraits(finder: Pick<FaceAnalyser, 'still'>): Promise<Portrait[]> {
  const folder = path.join(
    path.dirname(createRequire(__filename).resolve('@vladmandic/face-api/package.json')),
    'demo',
  );
  const names = (await readdir(folder)).filter((name) => /^sample\d+\.jpg$/.test(name)).sort();
  const portraits: Portrait[] = [];
  for (const name of names) {
    const picture = await readPicture(path.join(folder, name));
    const { faces } = await finder.still(picture);
    for (const { box, quality, score } of faces) {
      const alone = faces.every((other) => other.box === box || intersectionOverUnion(around(box), other.box) === 0);
      const frontal = Math.abs(quality.yaw) <= MOST_YAW && Math.abs(quality.pitch) <= MOST_PITCH;
      const surely = score >= SURE_SCORE && quality.brightness >= LEAST_BRIGHTNESS;
      if (alone && frontal && surely && box.width >= SMALLEST_SOURCE_PX) portraits.push({ picture, face: box });
    }
  }
  return portraits;
}

function around(face: Box): Box {
  const side = REGION * face.width;
  return {
    x: face.x + face.width / 2 - side / 2,
    y: face.y + face.height / 2 - side / 2,
    width: side,
    height: side,
  };
}

function compose({ picture, face }: Portrait, facePx: number, seed: number): BenchFrame {
  const random = seededRandom(seed);
  const data = wall(seed);
  const side = Math.round(REGION * facePx);
  const region = around(face);
  const step = region.width / side;
  const cut = new Float32Array(3 * side * side);
  warpInto(picture, { a: step, b: 0, tx: region.x, ty: region.y }, cut, side, side);
  const left = Math.floor(random.between(0.1, 0.9) * (BENCH_WIDTH - side));
  const top = Math.floor(random.between(0.1, 0.9) * (BENCH_HEIGHT - side));
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const edge = Math.min(x, y, side - 1 - x, side - 1 - y) / (0.12 * side);
      const inside = Math.min(1, edge);
      // Outside the sample picture the crop is black; the wall stays visible there.
      const sourceX = region.x + x * step;
      const sourceY = region.y + y * step;
      if (sourceX < 0 || sourceY < 0 || sourceX > picture.width - 2 || sourceY > picture.height - 2) continue;
      const at = 3 * ((top + y) * BENCH_WIDTH + left + x);
      for (let c = 0; c < 3; c++) {
        const value = cut[c * side * side + y * side + x] as number;
        data[at + c] = Math.round((data[at + c] as number) * (1 - inside) + value * inside);
      }
    }
  return {
    frame: { width: BENCH_WIDTH, height: BENCH_HEIGHT, data },
    facePx,
    face: {
      x: left + (face.x - region.x) / step,
      y: top + (face.y - region.y) / step,
      width: facePx,
      height: face.height / step,
    },
  };
}

/** Light that falls off to one side, a door frame, a floor, noise. */
function wall(seed: number): Uint8Array {
  const random = seededRandom(streamSeed(seed, 7));
  const data = new Uint8Array(3 * BENCH_WIDTH * BENCH_HEIGHT);
  const slope = random.between(-50, 50);
  const door = Math.floor(random.between(0.1, 0.6) * BENCH_WIDTH);
  const tint = [random.between(-12, 12), 0, random.between(-12, 12)];
  for (let y = 0, at = 0; y < BENCH_HEIGHT; y++)
    for (let x = 0; x < BENCH_WIDTH; x++) {
      const panel = x > door && x < door + 360 && y > 60 ? -35 : 0;
      const floor = y > 600 ? -30 : 0;
      const light = 150 + slope * (x / BENCH_WIDTH - 0.5) + panel + floor + 3 * (random.next() - 0.5) * 2;
      for (let c = 0; c < 3; c++) data[at++] = Math.round(light + (tint[c] as number));
    }
  return data;
}
