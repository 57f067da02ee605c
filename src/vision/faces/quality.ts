import type { Box, Quality, QualityRefusal } from '../../events';
import type { QualityGates } from '../../config/schema/cameras';
import { poseOf } from './align';
import type { AlignedFace } from './faces';
import type { FiveLandmarks, Frame } from '../picture/frame';

/** A region of interest as fractions of the frame. */
export interface Region {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export const WHOLE_FRAME: Region = { x: 0, y: 0, width: 1, height: 1 };

/** How far a face box may reach over the frame's edge before the face counts as cut off, as a share of its side. */
const CUT_OFF_SHARE = 0.1;

/** Boxes of one face vary by so much from frame to frame: a face of just the smallest useful width must not flicker. */
const SIZE_SLACK = 0.9;

export type Pose = ReturnType<typeof poseOf>;

/** What can be refused before a pixel is touched; null when nothing can. */
export function refuseByGeometry(
  frame: Frame,
  box: Box,
  five: FiveLandmarks | null,
  region: Region,
  minFacePx: number,
  gates: QualityGates,
): QualityRefusal | null {
  const centreX = (box.x + box.width / 2) / frame.width;
  const centreY = (box.y + box.height / 2) / frame.height;
  // The negated comparisons, here and below, refuse NaN too: a network that returns one must not open a door.
  const inRegion =
    centreX >= region.x &&
    centreY >= region.y &&
    centreX <= region.x + region.width &&
    centreY <= region.y + region.height;
  if (!inRegion) return 'outside-region';
  if (isCutOff(frame, box, five)) return 'cut-off';
  if (!(Math.min(box.width, box.height) >= SIZE_SLACK * minFacePx)) return 'too-small';
  if (five === null) return null;
  const pose = poseOf(five);
  const frontal =
    Math.abs(pose.yaw) <= gates.maxYaw &&
    Math.abs(pose.pitch) <= gates.maxPitch &&
    Math.abs(pose.rollDeg) <= gates.maxRollDeg;
  return frontal ? null : 'turned-away';
}

function isCutOff(frame: Frame, box: Box, five: FiveLandmarks | null): boolean {
  const slackX = box.width * CUT_OFF_SHARE;
  const slackY = box.height * CUT_OFF_SHARE;
  if (box.x < -slackX || box.y < -slackY) return true;
  if (box.x + box.width > frame.width + slackX || box.y + box.height > frame.height + slackY) return true;
  return five?.some((p) => p.x < 0 || p.y < 0 || p.x >= frame.width || p.y >= frame.height) ?? false;
}

/**
 * Photometric quality of an aligned face, measured on its middle (hair, collar and background say nothing about the face),
 * with the pose from its landmarks.
 */
export function measureQuality(face: AlignedFace, five: FiveLandmarks): Quality {
  const { width, height, data } = face;
  const plane = width * height;
  const x0 = Math.round(width * 0.2);
  const x1 = Math.round(width * 0.8);
  const y0 = Math.round(height * 0.25);
  const y1 = Math.round(height * 0.9);
  const luma = (i: number): number =>
    0.299 * (data[i] as number) + 0.587 * (data[i + plane] as number) + 0.114 * (data[i + 2 * plane] as number);
  let sum = 0;
  let squares = 0;
  let laplacianSum = 0;
  let laplacianSquares = 0;
  let n = 0;
  for (let y = y0; y < y1; y += 2)
    for (let x = x0; x < x1; x += 2) {
      const i = y * width + x;
      const centre = luma(i);
      const laplacian = 4 * centre - luma(i - 1) - luma(i + 1) - luma(i - width) - luma(i + width);
      sum += centre;
      squares += centre * centre;
      laplacianSum += laplacian;
      laplacianSquares += laplacian * laplacian;
      n++;
    }
  const brightness = sum / n;
  const variance = Math.max(0, squares / n - brightness * brightness);
  const laplacianVariance = Math.max(0, laplacianSquares / n - (laplacianSum / n) ** 2);
  const sharpness = variance > 0 ? laplacianVariance / variance : 0;
  const pose = poseOf(five);
  return {
    ...pose,
    sharpness,
    brightness,
    contrast: Math.sqrt(variance),
    score: scoreOf(pose, sharpness),
  };
}

/** 0..1: frontal, sharp and large is 1. Weighs the frames of one person against one another; never a gate. */
function scoreOf(pose: Pose, sharpness: number): number {
  const frontal = Math.max(0, 1 - Math.abs(pose.yaw)) * Math.max(0, 1 - Math.abs(pose.pitch));
  const sharp = Math.min(1, sharpness / 0.1);
  const large = Math.min(1, pose.interocularPx / 60);
  return frontal * (0.3 + 0.7 * sharp) * (0.3 + 0.7 * large);
}

/** The photometric gates; null when the face passes. */
export function refuseByPicture(quality: Quality, gates: QualityGates): QualityRefusal | null {
  if (!(quality.brightness >= gates.minBrightness)) return 'too-dark';
  if (!(quality.brightness <= gates.maxBrightness)) return 'too-bright';
  if (!(quality.contrast >= gates.minContrast)) return 'low-contrast';
  if (!(quality.sharpness >= gates.minSharpness)) return 'blurred';
  return null;
}
