import { coverage, smoothstep } from './outline';
import { type Portrait } from './people';

/** Head and shoulders, cut out with soft edges: RGBA, 8 bit. The half-size copies are for a figure that is far away. */
export interface Figure {
  readonly levels: readonly FigureLevel[];
}

export interface FigureLevel {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8Array;
  /** The face's centre and width in pixels of this level. */
  readonly faceX: number;
  readonly faceY: number;
  readonly faceWidth: number;
}

/** How the person is lit at the door, relative to the light in the picture. */
export interface Light {
  /** Factor of each channel. */
  readonly gain: readonly [number, number, number];
  readonly gamma: number;
  /** Side light: the factor grows by this much over one face width to the right. */
  readonly slope: number;
}

/** Extent of the outline in face widths (w) and heights (h) from the face's centre. */
const OUTLINE = { left: 1.6, right: 1.6, up: 1.1, down: 3.2 };
const MIN_LEVEL_FACE_PX = 40;
/** At the edge of the picture the figure fades over this part of a face width. */
const FADE = 0.12;

export function cutOut(portrait: Portrait, light: Light): Figure {
  const { picture, face } = portrait;
  const centreX = face.x + face.width / 2;
  const centreY = face.y + face.height / 2;
  const x0 = Math.max(0, Math.floor(centreX - OUTLINE.left * face.width));
  const x1 = Math.min(picture.width, Math.ceil(centreX + OUTLINE.right * face.width));
  const y0 = Math.max(0, Math.floor(centreY - OUTLINE.up * face.height));
  const y1 = Math.min(picture.height, Math.ceil(centreY + OUTLINE.down * face.height));
  const [width, height] = [x1 - x0, y1 - y0];
  const rgba = new Uint8Array(width * height * 4);
  const alpha = coverage(portrait, x0, y0, width, height);
  const tone = light.gain.map((gain) =>
    Float32Array.from({ length: 256 }, (_, v) => 255 * gain * (v / 255) ** light.gamma),
  );
  const side = Float32Array.from(
    { length: width },
    (_, x) => 1 + light.slope * clamp((x0 + x - centreX) / face.width, 1.5),
  );
  // A figure must not end in a straight line at the edge of its picture, except at the bottom, which is behind the
  // gate.
  const fade = (px: number): number => smoothstep(px / (FADE * face.width));
  const fadeX = Float32Array.from(
    { length: width },
    (_, x) => (x0 === 0 ? fade(x) : 1) * (x1 === picture.width ? fade(width - 1 - x) : 1),
  );
  for (let y = 0; y < height; y++) {
    const fadeY = y0 === 0 ? fade(y) : 1;
    for (let x = 0; x < width; x++) {
      const from = ((y0 + y) * picture.width + x0 + x) * 3;
      const to = (y * width + x) * 4;
      for (let c = 0; c < 3; c++) {
        const value = (side[x] ?? 0) * (tone[c]?.[picture.data[from + c] ?? 0] ?? 0);
        rgba[to + c] = value > 255 ? 255 : value;
      }
      rgba[to + 3] = 255 * fadeY * (fadeX[x] ?? 0) * (alpha[y * width + x] ?? 0);
    }
  }
  const levels: FigureLevel[] = [
    { width, height, rgba, faceX: centreX - x0, faceY: centreY - y0, faceWidth: face.width },
  ];
  for (
    let level: FigureLevel | undefined = levels[0];
    level !== undefined && level.faceWidth > 2 * MIN_LEVEL_FACE_PX;
  ) {
    level = halve(level);
    levels.push(level);
  }
  return { levels };
}

function halve(level: FigureLevel): FigureLevel {
  const [width, height] = [level.width >> 1, level.height >> 1];
  const rgba = new Uint8Array(width * height * 4);
  const row = level.width * 4;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const from = 2 * y * row + 8 * x;
      for (let c = 0; c < 4; c++) {
        const at = (offset: number): number => level.rgba[from + offset + c] ?? 0;
        rgba[(y * width + x) * 4 + c] = (at(0) + at(4) + at(row) + at(row + 4) + 2) >> 2;
      }
    }
  return { width, height, rgba, faceX: level.faceX / 2, faceY: level.faceY / 2, faceWidth: level.faceWidth / 2 };
}

function clamp(value: number, limit: number): number {
  return Math.max(-limit, Math.min(limit, value));
}
