import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { DetectedFace } from '../../src/vision/faces/faces';
import type { FiveLandmarks, Frame } from '../../src/vision/picture/frame';
import { packageRoot } from '../../src/system/paths';
import { sharedDir } from './shared';

/** ArcFace's template, in pixels of a 112×112 picture: a frontal face. */
const TEMPLATE = [
  [38.2946, 51.6963],
  [73.5318, 51.5014],
  [56.0252, 71.7366],
  [41.5493, 92.3655],
  [70.7299, 92.2041],
] as const;

/** Landmarks of a frontal face whose box has its corner at (x, y) and is `width` wide. */
export function frontalFive(x: number, y: number, width: number): FiveLandmarks {
  const gain = width / 112;
  const [a, b, c, d, e] = TEMPLATE.map(([u, v]) => ({ x: x + u * gain, y: y + v * gain }));
  return [a!, b!, c!, d!, e!];
}

export function frontalFace(x: number, y: number, width: number, score = 0.9): DetectedFace {
  return { box: { x, y, width, height: width * 1.15 }, score, landmarks: frontalFive(x, y, width) };
}

/** A picture of one colour. */
export function plainFrame(width: number, height: number, [r, g, b] = [128, 128, 128]): Frame {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i += 3) data.set([r, g, b], i);
  return { width, height, data };
}

export const installedModels = join(packageRoot(), 'models');
const whole = existsSync(join(installedModels, 'yunet-n')) && existsSync(join(installedModels, 'mbf'));
/** Needs the recommended models (usher models pull) and the London pictures; skipped visibly without them. */
export const describeWithLondon = whole && existsSync(sharedDir) ? describe : describe.skip;
const londonDir = join(sharedDir, 'data/faces/london');
/** The picture of the n-th person, from 0. */
export const london = (person: number, look: 'neutral' | 'smiling'): string =>
  join(
    londonDir,
    readdirSync(londonDir)
      .filter((file) => file.endsWith(`_${look}.jpg`))
      .sort()[person]!,
  );
