import type { Random } from '../../random';

/** Local copies: in a sandboxed realm, such as a test's, each access to a global costs more than the function does. */
const { cos, PI, sin } = Math;

/** Presentation attack instruments in the terms of ISO/IEC 30107-3: kinds of artefact that each count separately. */
export const ATTACKS = [
  'print-border',
  'print-borderless',
  'print-curled',
  'screen-border',
  'screen-borderless',
  'cut-out',
] as const;
export type Attack = (typeof ATTACKS)[number];
export type Presentation = 'bona-fide' | Attack;

/** How a flat artefact changes the picture that it shows. Lengths are in pixels of the portrait. */
export interface Material {
  /** Half the width of the shown picture, in widths of the face. Null: it fills the camera's view. */
  readonly reach: number | null;
  /** Width of the artefact's edge around the picture, in widths of the face. */
  readonly border: number;
  readonly borderLevel: number;
  /** Darkest and brightest of paper and ink or of the panel, and its power. */
  readonly black: number;
  readonly white: number;
  readonly gamma: number;
  readonly cast: readonly [number, number, number];
  /** It emits light, so the room's light does not matter. */
  readonly emissive: boolean;
  /** Halftone dots (prints) or the grid of picture elements (screens): strength, and periods in pixels. */
  readonly pattern: 'dots' | 'grid';
  readonly strength: number;
  readonly period: number;
  readonly angle: number;
  /** Bend about the vertical axis: depth of the bend in pixels, and its phase. */
  readonly curl: number;
  readonly curlPhase: number;
  /** A reflection: strength, centre and size in shares of the picture. */
  readonly glare: number;
  readonly glareX: number;
  readonly glareY: number;
  readonly glareSize: number;
}

/**
 * Draws a material. The ranges were chosen by eye to look like photographs of prints and screens; none was fitted to a
 * model.
 */
export function drawMaterial(attack: Attack, random: Random): Material {
  const common = {
    angle: random.between(0, PI),
    curlPhase: random.between(0, 2 * PI),
    glareX: random.between(0.1, 0.9),
    glareY: random.between(0, 0.7),
    glareSize: random.between(0.1, 0.3),
  };
  if (attack.startsWith('screen'))
    return {
      ...common,
      reach: attack === 'screen-border' ? random.between(0.62, 0.95) : null,
      border: random.between(0.08, 0.2),
      borderLevel: random.between(5, 35),
      black: random.between(12, 35),
      white: random.between(225, 255),
      gamma: random.between(0.85, 1.15),
      cast: [random.between(0.9, 1), 1, random.between(1, 1.12)],
      emissive: true,
      pattern: 'grid',
      strength: random.between(0.1, 0.35),
      period: random.between(1.6, 3.2),
      curl: 0,
      glare: random.between(0, 70),
    };
  return {
    ...common,
    reach: attack === 'print-border' ? random.between(0.62, 0.95) : null,
    border: random.between(0.05, 0.25),
    borderLevel: random.between(215, 245),
    black: random.between(25, 55),
    white: random.between(205, 240),
    gamma: random.between(0.9, 1.25),
    cast: [random.between(0.95, 1.08), 1, random.between(0.88, 1.02)],
    emissive: false,
    pattern: 'dots',
    strength: random.between(0.05, 0.22),
    period: random.between(2.2, 4),
    curl: attack === 'print-curled' ? random.between(12, 40) : random.between(0, 4),
    glare: attack === 'cut-out' ? random.between(0, 20) : random.between(0, 60),
  };
}

/** Gain of one colour at (u, v): dots turned by 30° from ink to ink, or stripes of red, green and blue with dark lines between. */
export function patternGain(
  { pattern, strength, period, angle }: Material,
  channel: number,
  u: number,
  v: number,
): number {
  const turn = (2 * PI) / period;
  if (pattern === 'grid') {
    const stripe = cos(turn * (u + (channel * period) / 3));
    const line = cos(turn * v);
    return 1 + strength * (0.7 * stripe + 0.3 * line);
  }
  const ink = angle + (channel * PI) / 6;
  const a = cos(turn * (u * cos(ink) + v * sin(ink)));
  const b = cos(turn * (v * cos(ink) - u * sin(ink)));
  return 1 + strength * 0.5 * (a + b);
}
