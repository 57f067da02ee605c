import type { Frame } from '../../vision/picture/frame';
import { type Random, seededRandom, streamSeed } from '../../random';
import { type Attack, drawMaterial, type Material, patternGain, type Presentation } from './attacks';
import { type Conditions, develop, drawConditions } from './light';
import type { Portrait } from './portrait';
import { frameToPlane, type Pose } from './pose';

/** Local copies: in a sandboxed realm, such as a test's, each access to a global costs more than the function does. */
const { abs, exp, floor, max, min, PI, sin, sqrt } = Math;

/** Width of the part of a camera's picture around the person. */
export const STAGE_WIDTH = 320;
export const STAGE_HEIGHT = 300;
/** Width of the face, pixels: at the door's smallest, and nearer. */
const FACE_PX = [90, 130] as const;
const DEGREE = PI / 180;
/** Of a head, and of a hand that holds a picture. */
const MOST_TURN = 14 * DEGREE;
const MOST_TILT = 35 * DEGREE;
/** How far the nose stands out from the face, and the face from the shoulders, in widths of the face. */
const NOSE_DEPTH = 0.22;
const FACE_DEPTH = 0.35;

export interface Stage {
  readonly frame: Frame;
  readonly jpegQuality: number;
}

/**
 * Frames of one presentation: the person in front of the scene, or a flat artefact that shows the portrait, in the same
 * light and with the same camera. A turning head is imitated by shifting pixels by their depth (an ellipsoid with a
 * nose). The same seed gives the same frames, bit by bit.
 */
export function presentFrames(
  kind: Presentation,
  portrait: Portrait,
  scene: Frame,
  seed: number,
  count: number,
): Stage[] {
  const shared = seededRandom(streamSeed(seed, 1));
  const conditions = drawConditions(shared);
  const material = kind === 'bona-fide' ? null : drawMaterial(kind, shared);
  const facePx = shared.between(...FACE_PX);
  const background = backdrop(scene, shared, conditions);
  const motion = {
    turn: shared.between(-1, 1) * (material === null ? MOST_TURN : MOST_TILT),
    nod: shared.between(-0.4, 0.4) * (material === null ? MOST_TURN : MOST_TILT),
    x: STAGE_WIDTH / 2 + shared.between(-20, 20),
    y: STAGE_HEIGHT * 0.52 + shared.between(-10, 10),
    drift: shared.between(-10, 10),
    roll: shared.between(-6, 6) * DEGREE,
  };
  return Array.from({ length: count }, (_, index) => {
    const random = seededRandom(streamSeed(seed, 2, index));
    const along = count > 1 ? index / (count - 1) - 0.5 : 0;
    const pose: Pose = {
      x: motion.x + motion.drift * along + random.normal(),
      y: motion.y + random.normal(),
      scale: (facePx / portrait.face.width) * (1 + 0.06 * along),
      yaw: 2 * motion.turn * along,
      pitch: 2 * motion.nod * along,
      roll: motion.roll + DEGREE * random.normal(),
    };
    const pixels = Float32Array.from(background);
    if (kind === 'bona-fide') paintPerson(pixels, portrait, pose, conditions);
    else paintArtefact(pixels, portrait, pose, conditions, material as Material, kind);
    const data = new Uint8Array(pixels.length);
    develop(pixels, STAGE_WIDTH, conditions, random, data);
    return { frame: { width: STAGE_WIDTH, height: STAGE_HEIGHT, data }, jpegQuality: conditions.jpegQuality };
  });
}

/** The scene behind, out of focus, in the room's light. */
function backdrop(scene: Frame, random: Random, { exposure }: Conditions): Float32Array {
  const pixels = new Float32Array(3 * STAGE_WIDTH * STAGE_HEIGHT);
  const cut = random.between(0.5, 0.9);
  const step = cut * min(scene.width / STAGE_WIDTH, scene.height / STAGE_HEIGHT);
  const left = random.next() * (scene.width - 1 - step * STAGE_WIDTH);
  const top = random.next() * (scene.height - 1 - step * STAGE_HEIGHT);
  const sampler = new Sampler(scene);
  const lift = random.between(0, 40);
  for (let y = 0, at = 0; y < STAGE_HEIGHT; y++)
    for (let x = 0; x < STAGE_WIDTH; x++, at += 3)
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let k = -1; k <= 1; k++)
          sum += sampler.at(left + x * step + k * 2, top + y * step + (k === 0 ? 0 : 2 - abs(k)), c);
        pixels[at + c] = (sum / 3) * exposure * 0.85 + lift;
      }
  return pixels;
}

function paintPerson(pixels: Float32Array, portrait: Portrait, pose: Pose, conditions: Conditions): void {
  const { picture, face, matte } = portrait;
  const sampler = new Sampler(picture);
  const alpha = new Sampler({ width: picture.width, height: picture.height, data: matte }, 1);
  const cx = face.x + face.width / 2;
  const cy = face.y + face.height / 2;
  const flat = frameToPlane({ ...pose, yaw: 0, pitch: 0 }, picture.width, { x: cx, y: cy });
  forStage((x, y, at) => {
    const { u: u0, v: v0 } = plane(flat, x, y);
    const du = (u0 - cx) / face.width;
    const dv = (v0 - cy) / face.height;
    // Depth over the neck: an ellipsoid head, and a nose below the middle of the face.
    const head = max(0, 1 - (du / 0.75) ** 2 - (dv / 0.85) ** 2);
    const nose = exp(-((du / 0.09) ** 2) - ((dv - 0.12) / 0.14) ** 2);
    const depth = face.width * (FACE_DEPTH * sqrt(head) + NOSE_DEPTH * nose);
    const u = u0 - depth * sin(pose.yaw);
    const v = v0 - depth * sin(pose.pitch);
    if (u < 0 || v < 0 || u > picture.width - 2) return;
    const row = min(v, picture.height - 2);
    const opacity = alpha.at(u, row, 0) / 255;
    if (opacity <= 0) return;
    const light = lightAt(conditions, x);
    for (let c = 0; c < 3; c++) {
      const value = sampler.at(u, row, c) * light * (conditions.cast[c] as number);
      pixels[at + c] = (pixels[at + c] as number) * (1 - opacity) + opacity * value;
    }
  });
}

function paintArtefact(
  pixels: Float32Array,
  portrait: Portrait,
  pose: Pose,
  conditions: Conditions,
  material: Material,
  kind: Attack,
): void {
  const { picture, face, matte } = portrait;
  const { width, height } = picture;
  const sampler = new Sampler(picture);
  const alpha = kind === 'cut-out' ? new Sampler({ width, height, data: matte }, 1) : null;
  const toPlane = frameToPlane(pose, width, { x: face.x + face.width / 2, y: face.y + face.height / 2 });
  // Without a border the picture continues beyond its visible part, with its own wall.
  const endless = material.reach === null && alpha === null;
  const shown = sheetOf(face, material.reach, width, height);
  const edge = material.border * face.width;
  const glow = max(0.85, conditions.exposure);
  const { black, white, gamma } = material;
  const tones = Float32Array.from({ length: 256 }, (_, level) => black + (white - black) * (level / 255) ** gamma);
  forStage((x, y, at) => {
    const place = plane(toPlane, x, y);
    const bend = sin((place.u / width) * 2 * PI + material.curlPhase);
    const u = place.u + material.curl * bend * 0.5;
    const v = place.v + material.curl * bend * 0.15;
    const beyond = max(shown.left - u, u - shown.right, shown.top - v, v - shown.bottom);
    if (!endless && beyond > (alpha === null ? edge : 0)) return;
    const opacity = alpha === null ? 1 : min(1, (alpha.at(u, v, 0) / 255) * 2.5);
    if (opacity <= 0) return;
    const light = material.emissive ? 1 : lightAt(conditions, x) * (1 - (0.12 * material.curl * bend) / 40);
    const gx = u / width - material.glareX;
    const gy = v / height - material.glareY;
    const glare = material.glare * exp(-(gx * gx + gy * gy) / (material.glareSize * material.glareSize));
    const cu = min(max(u, 0), width - 2);
    const cv = min(max(v, 0), height - 2);
    for (let c = 0; c < 3; c++) {
      let value = material.borderLevel;
      if (beyond <= 0 || endless) {
        const level = floor(sampler.at(cu, cv, c));
        value = (tones[level] as number) * (material.cast[c] as number) * patternGain(material, c, u, v);
      }
      const lit = material.emissive ? value * glow : value * light * (conditions.cast[c] as number);
      pixels[at + c] = (pixels[at + c] as number) * (1 - opacity) + opacity * min(255, lit + glare);
    }
  });
}

/** The part of the portrait that the artefact shows, in its pixels. */
function sheetOf(
  face: Portrait['face'],
  reach: number | null,
  width: number,
  height: number,
): { left: number; right: number; top: number; bottom: number } {
  if (reach === null) return { left: 0, right: width - 2, top: 0, bottom: height - 2 };
  const x = face.x + face.width / 2;
  const y = face.y + face.height / 2;
  const across = reach * face.width;
  const along = 1.25 * reach * face.height;
  return { left: x - across, right: x + across, top: y - along, bottom: y + along };
}

function forStage(each: (x: number, y: number, at: number) => void): void {
  for (let y = 0, at = 0; y < STAGE_HEIGHT; y++) for (let x = 0; x < STAGE_WIDTH; x++, at += 3) each(x, y, at);
}

function lightAt({ exposure, slope }: Conditions, x: number): number {
  return exposure * (1 + slope * (x / STAGE_WIDTH - 0.5));
}

function plane(m: Float64Array, x: number, y: number): { u: number; v: number } {
  const w = (m[6] as number) * x + (m[7] as number) * y + (m[8] as number);
  return {
    u: ((m[0] as number) * x + (m[1] as number) * y + (m[2] as number)) / w,
    v: ((m[3] as number) * x + (m[4] as number) * y + (m[5] as number)) / w,
  };
}

/** Bilinear samples; the edge goes on outside. */
class Sampler {
  constructor(
    private readonly picture: Frame,
    private readonly channels = 3,
  ) {}

  at(u: number, v: number, channel: number): number {
    const { width, height, data } = this.picture;
    const { channels } = this;
    const x = min(max(u, 0), width - 1.001);
    const y = min(max(v, 0), height - 1.001);
    const x0 = floor(x);
    const y0 = floor(y);
    const wx = x - x0;
    const wy = y - y0;
    const i = (y0 * width + x0) * channels + channel;
    const j = i + width * channels;
    const top = (data[i] as number) * (1 - wx) + (data[i + channels] as number) * wx;
    const bottom = (data[j] as number) * (1 - wx) + (data[j + channels] as number) * wx;
    return top * (1 - wy) + bottom * wy;
  }
}
