import type { Box } from '../../../events';
import type { Frame } from '../../../vision/picture/frame';
import { warpInto, type Similarity } from '../../../vision/picture/resample';
import { seededRandom, streamSeed, type Random } from '../../../random';

/**
 * How difficult the door's view is. Values are drawn uniformly from the ranges; lengths are shares of the face's width.
 */
export interface DoorConditions {
  /** Width of the face in the first frame, pixels. It grows by up to `approach` until the last. */
  readonly facePx: readonly [number, number];
  readonly approach: number;
  /** Light on the face, relative to that of the source picture. */
  readonly light: readonly [number, number];
  /** Light from one side: difference between the cheeks, relative to the mean. */
  readonly sideLight: readonly [number, number];
  /** Colour cast of each channel. */
  readonly cast: number;
  /** Length of the path that the face moves during one exposure, mean of an exponential distribution. */
  readonly motion: number;
  /** Standard deviation of the head's in-plane angle, degrees. */
  readonly rollDeg: number;
  /** Electrons of a fully lit pixel, and of the read-out noise: a small sensor in a dim corridor. */
  readonly fullWell: number;
  readonly readNoise: number;
  readonly jpegQuality: readonly [number, number];
}

/** A cheap camera over a door in the evening: faces are small, dim, lit from a side, and moving. */
export const EVENING_DOOR: DoorConditions = {
  facePx: [40, 64],
  approach: 0.25,
  light: [0.08, 0.5],
  sideLight: [-0.8, 0.8],
  cast: 0.15,
  motion: 0.07,
  rollDeg: 6,
  fullWell: 1200,
  readNoise: 6,
  jpegQuality: [35, 75],
};

export interface DoorFrame {
  readonly frame: Frame;
  readonly jpegQuality: number;
}

/** Side of the frames, relative to the width of the face in the last frame: includes shoulders and wall. */
const SURROUNDING = 2.2;
/** Number of exposures whose mean is one motion blur. */
const BLUR_STEPS = 9;
/** The camera's automatic gain brings the frame's mean to mid grey, within its limit. */
const MID_GREY = 0.16;
const MAX_GAIN = 6;
const GAMMA = 2.2;
/** Indexed by 8-bit value; one entry more because resampling may round up. */
const LINEAR = Float32Array.from({ length: 257 }, (_, v) => (v / 255) ** GAMMA);

/**
 * Simulates a person who walks up to a door, from a still: `count` frames share place, light and camera; motion, angle,
 * blur and noise differ from frame to frame. Averaging over frames reduces only what differs. Both kinds of error are
 * present, so that a gain from fusing frames is not an artefact of independent noise. Light is computed linearly: scene
 * → exposure, cast and shading → motion blur → shot and read noise → automatic gain → gamma.
 * @param face the face's box in `still`
 * @param seed the same seed gives the same frames, bit by bit
 */
export function doorFrames(
  still: Frame,
  face: Box,
  seed: number,
  conditions: DoorConditions = EVENING_DOOR,
  count = 5,
): DoorFrame[] {
  const shared = seededRandom(streamSeed(seed, 1));
  const pick = ([low, high]: readonly [number, number]): number => shared.between(low, high);
  const facePx = pick(conditions.facePx);
  const side = Math.ceil(facePx * (1 + conditions.approach) * SURROUNDING);
  const scene = {
    light: pick(conditions.light),
    slope: pick(conditions.sideLight),
    cast: [0, 1, 2].map(() => 1 + shared.between(-conditions.cast, conditions.cast)),
    drift: { x: shared.between(-0.1, 0.1), y: shared.between(-0.05, 0.05) },
    jpegQuality: Math.round(pick(conditions.jpegQuality)),
  };
  const buffers = { warped: new Float32Array(3 * side * side), linear: new Float32Array(3 * side * side) };

  return Array.from({ length: count }, (_, index) => {
    const random = seededRandom(streamSeed(seed, 2, index));
    const along = count > 1 ? index / (count - 1) : 0;
    const width = facePx * (1 + conditions.approach * along);
    const pose = {
      scale: face.width / width,
      angle: (conditions.rollDeg * random.normal() * Math.PI) / 180,
      x: side / 2 + width * (scene.drift.x * (along - 0.5) + 0.03 * random.normal()),
      y: side / 2 + width * (scene.drift.y * (along - 0.5) + 0.03 * random.normal()),
    };
    const blur = {
      length: -Math.log(1 - random.next()) * conditions.motion * width,
      angle: random.between(0, Math.PI),
    };
    expose(still, face, side, pose, blur, buffers);
    illuminate(buffers.linear, side, width, scene);
    return { frame: develop(buffers.linear, side, random, conditions), jpegQuality: scene.jpegQuality };
  });
}

interface Pose {
  /** Still pixels per frame pixel. */
  readonly scale: number;
  readonly angle: number;
  /** Position of the face's centre in the frame. */
  readonly x: number;
  readonly y: number;
}

/** The mean of the picture at several points of its path, in linear light. */
function expose(
  still: Frame,
  face: Box,
  side: number,
  pose: Pose,
  blur: { readonly length: number; readonly angle: number },
  { warped, linear }: { readonly warped: Float32Array; readonly linear: Float32Array },
): void {
  const steps = blur.length < 0.5 ? 1 : BLUR_STEPS;
  const a = pose.scale * Math.cos(pose.angle);
  const b = pose.scale * Math.sin(pose.angle);
  linear.fill(0);
  for (let step = 0; step < steps; step++) {
    const offset = steps === 1 ? 0 : (step / (steps - 1) - 0.5) * blur.length;
    const x = pose.x + offset * Math.cos(blur.angle);
    const y = pose.y + offset * Math.sin(blur.angle);
    const toStill: Similarity = {
      a,
      b,
      tx: face.x + face.width / 2 - a * x + b * y,
      ty: face.y + face.height / 2 - b * x - a * y,
    };
    warpInto(still, toStill, warped, side, side);
    for (let i = 0; i < linear.length; i++)
      linear[i] = (linear[i] as number) + (LINEAR[((warped[i] as number) + 0.5) | 0] as number) / steps;
  }
}

function illuminate(
  linear: Float32Array,
  side: number,
  faceWidth: number,
  scene: { readonly light: number; readonly slope: number; readonly cast: readonly number[] },
): void {
  for (let x = 0; x < side; x++) {
    const across = Math.min(1, Math.max(-1, (x - side / 2) / faceWidth));
    const light = scene.light * (1 + scene.slope * across);
    for (let channel = 0; channel < 3; channel++) {
      const gain = light * (scene.cast[channel] as number);
      for (let i = channel * side * side + x, end = (channel + 1) * side * side; i < end; i += side)
        linear[i] = (linear[i] as number) * gain;
    }
  }
}

/** Planar linear light, 0..1 of a full well, to packed 8-bit sRGB. */
function develop(linear: Float32Array, side: number, random: Random, { fullWell, readNoise }: DoorConditions): Frame {
  const plane = side * side;
  const data = new Uint8Array(3 * plane);
  let sum = 0;
  for (const value of linear) sum += value;
  const gain = Math.min(MAX_GAIN, Math.max(1, (MID_GREY * linear.length) / Math.max(sum, 1e-6)));
  const { sqrt } = Math;
  for (let channel = 0; channel < 3; channel++)
    for (let i = 0; i < plane; i++) {
      const electrons = (linear[channel * plane + i] as number) * fullWell;
      // Shot noise is Poisson: its variance is its mean. At these counts a normal distribution is close enough.
      const noisy = electrons + sqrt(electrons + readNoise * readNoise) * random.normal();
      const value = (noisy / fullWell) * gain;
      data[3 * i + channel] = value <= 0 ? 0 : value >= 1 ? 255 : 255 * value ** (1 / GAMMA) + 0.5;
    }
  return { width: side, height: side, data };
}
