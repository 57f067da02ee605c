import { type Frame } from '../../vision/picture/frame';
import { type Entrance } from './entrance';
import { gaussian } from './noise';
import { type Pose } from './choreography';
import { type Figure, type FigureLevel } from './figure';

/** What the camera does in one frame. */
export interface Exposure {
  /** Shake in whole pixels, within the entrance's margin. */
  readonly shakeX: number;
  readonly shakeY: number;
  /** Factor of the light. */
  readonly gain: number;
  /** Selects this frame's part of the noise. */
  readonly noiseSeed: number;
}

export interface Appearance {
  readonly figure: Figure;
  readonly pose: Pose;
  /** How far the figure moves while the shutter is open, pixels. */
  readonly blurX: number;
  readonly blurY: number;
}

/** Motion blur is the mean of pictures at this distance; a larger one would show as ghosts. */
const BLUR_STEP_PX = 2;
const MAX_BLUR_SAMPLES = 16;

/** Renders into `frame.data`: entrance, person behind the gate, light, sensor noise. */
export function render(
  frame: Frame,
  entrance: Entrance,
  appearance: Appearance | null,
  exposure: Exposure,
  noise: Int8Array,
): void {
  copyEntrance(frame, entrance, exposure);
  if (appearance !== null) drawFigure(frame, entrance.gateTop - exposure.shakeY, appearance, exposure);
  expose(frame, exposure, noise);
}

function copyEntrance({ width, height, data }: Frame, entrance: Entrance, { shakeX, shakeY }: Exposure): void {
  for (let y = 0; y < height; y++) {
    const from = ((entrance.margin + shakeY + y) * entrance.width + entrance.margin + shakeX) * 3;
    data.set(entrance.data.subarray(from, from + width * 3), y * width * 3);
  }
}

/**
 * Draws a person over `frame`. Inverse mapping with bilinear sampling; each pixel is the mean over the shutter's
 * opening.
 */
export function drawFigure(frame: Frame, gateTop: number, appearance: Appearance, { shakeX, shakeY }: Exposure): void {
  const { pose, figure, blurX, blurY } = appearance;
  const level = levelFor(figure, pose.faceWidth);
  const scale = level.faceWidth / pose.faceWidth;
  const cos = Math.cos(pose.rollRadians) * scale;
  const sin = Math.sin(pose.rollRadians) * scale;
  const centreX = pose.faceX - shakeX;
  const centreY = pose.faceY - shakeY;

  const reach = Math.abs(Math.sin(pose.rollRadians)) * level.height + Math.abs(blurX) * scale;
  const x0 = Math.max(0, Math.floor(centreX - (level.faceX + reach) / scale));
  const x1 = Math.min(frame.width, Math.ceil(centreX + (level.width - level.faceX + reach) / scale));
  const y0 = Math.max(0, Math.floor(centreY - (level.faceY + reach) / scale));
  const y1 = Math.min(frame.height, gateTop);

  const samples = Math.min(MAX_BLUR_SAMPLES, 1 + Math.round(Math.hypot(blurX, blurY) / BLUR_STEP_PX));
  const stepU = samples === 1 ? 0 : (cos * blurX + sin * blurY) / (samples - 1);
  const stepV = samples === 1 ? 0 : (cos * blurY - sin * blurX) / (samples - 1);
  const { width: w, height: h, rgba } = level;
  const row = w * 4;
  const { data } = frame;
  for (let y = y0; y < y1; y++)
    for (let x = x0; x < x1; x++) {
      let u = level.faceX + cos * (x - centreX) + sin * (y - centreY);
      let v = level.faceY - sin * (x - centreX) + cos * (y - centreY);
      let r = 0;
      let g = 0;
      let b = 0;
      let a = 0;
      for (let k = 0; k < samples; k++, u += stepU, v += stepV) {
        if (u < 0 || v < 0 || u >= w - 1 || v >= h - 1) continue;
        const iu = u | 0;
        const iv = v | 0;
        const fu = u - iu;
        const fv = v - iv;
        const p = iv * row + iu * 4;
        const w00 = (1 - fu) * (1 - fv);
        const w10 = fu * (1 - fv);
        const w01 = (1 - fu) * fv;
        const w11 = fu * fv;
        const alpha = mix(rgba, p + 3, row, w00, w10, w01, w11);
        if (alpha < 1) continue;
        r += alpha * mix(rgba, p, row, w00, w10, w01, w11);
        g += alpha * mix(rgba, p + 1, row, w00, w10, w01, w11);
        b += alpha * mix(rgba, p + 2, row, w00, w10, w01, w11);
        a += alpha;
      }
      if (a === 0) continue;
      const to = (y * frame.width + x) * 3;
      const full = 255 * samples;
      data[to] = ((data[to] ?? 0) * (full - a) + r) / full;
      data[to + 1] = ((data[to + 1] ?? 0) * (full - a) + g) / full;
      data[to + 2] = ((data[to + 2] ?? 0) * (full - a) + b) / full;
    }
}

function mix(rgba: Uint8Array, p: number, row: number, w00: number, w10: number, w01: number, w11: number): number {
  return w00 * (rgba[p] ?? 0) + w10 * (rgba[p + 4] ?? 0) + w01 * (rgba[p + row] ?? 0) + w11 * (rgba[p + row + 4] ?? 0);
}

/** The smallest copy that is enlarged by at most a third. */
function levelFor({ levels }: Figure, faceWidth: number): FigureLevel {
  const level = levels.findLast((candidate) => candidate.faceWidth * 1.33 >= faceWidth) ?? levels[0];
  if (level === undefined) throw new RangeError('a figure without a picture');
  return level;
}

/** Applies light and, for each row, a part of the noise. */
function expose({ width, height, data }: Frame, { gain, noiseSeed }: Exposure, noise: Int8Array): void {
  const lit = Int16Array.from({ length: 256 }, (_, value) => Math.round(value * gain));
  const pieces = (noise.length / 3 - width) >>> 0;
  let at = 0;
  for (let y = 0; y < height; y++) {
    let n = ((Math.imul(noiseSeed + y * 7919, 0x9e3779b1) >>> 8) % pieces) * 3;
    for (const end = at + width * 3; at < end; at++, n++) {
      const value = (lit[data[at] ?? 0] ?? 0) + (noise[n] ?? 0);
      data[at] = value < 0 ? 0 : value > 255 ? 255 : value;
    }
  }
}

/**
 * A store of sensor noise, RGB interleaved. The three channels share most of it, as after a camera's chroma filter.
 * @param sigma standard deviation, of 255
 */
export function sensorNoise(pixels: number, sigma: number, random: () => number): Int8Array {
  const noise = new Int8Array(pixels * 3);
  for (let i = 0; i < noise.length; i += 3) {
    const luma = gaussian(random);
    for (let c = 0; c < 3; c++) noise[i + c] = Math.round(sigma * (0.9 * luma + 0.44 * gaussian(random)));
  }
  return noise;
}
