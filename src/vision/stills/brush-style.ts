import type { Frame } from '../picture/frame';

const SIDE = 192;
const STROKES = 1400;

/**
 * The default style picture: brush strokes in the content's own colours, so that clothes keep theirs. Deterministic.
 * @returns 192×192
 */
export function brushStyle(content: Frame): Frame {
  const data = new Uint8Array(3 * SIDE * SIDE);
  const pixels = content.width * content.height;
  // A walk by the golden ratio: evenly spread, and the same for the same picture.
  let walk = 0;
  const next = (): number => (walk = (walk + 0.6180339887498949) % 1);
  const base = colourAt(content, Math.floor(pixels / 2));
  for (let i = 0; i < SIDE * SIDE; i++) data.set(base, 3 * i);
  for (let stroke = 0; stroke < STROKES; stroke++) {
    const colour = colourAt(content, Math.floor(((stroke * 0.7548776662466927) % 1) * pixels));
    const x = ((stroke * 0.8191725133961645) % 1) * SIDE;
    const y = ((stroke * 0.6710436067037893) % 1) * SIDE;
    const angle = Math.PI * next();
    const light = 1 + 0.25 * (next() - 0.5);
    paint(
      data,
      x,
      y,
      angle,
      8 + 12 * next(),
      2 + 2.5 * next(),
      colour.map((value) => Math.min(255, value * light)),
    );
  }
  return { width: SIDE, height: SIDE, data };
}

function colourAt({ data }: Frame, pixel: number): number[] {
  return [0, 1, 2].map((c) => data[3 * pixel + c] as number);
}

/** An elongated blot with bristles along it. */
function paint(
  data: Uint8Array,
  cx: number,
  cy: number,
  angle: number,
  length: number,
  width: number,
  colour: readonly number[],
): void {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const reach = Math.ceil(length);
  for (let y = Math.max(0, Math.floor(cy) - reach); y <= Math.min(SIDE - 1, Math.floor(cy) + reach); y++)
    for (let x = Math.max(0, Math.floor(cx) - reach); x <= Math.min(SIDE - 1, Math.floor(cx) + reach); x++) {
      const along = ((x - cx) * cos + (y - cy) * sin) / length;
      const across = ((y - cy) * cos - (x - cx) * sin) / width;
      if (Math.abs(along) > 1 || Math.abs(across) > 1) continue;
      const bristle = 1 + 0.12 * Math.sin(7 * across) * (1 - along * along);
      for (let c = 0; c < 3; c++) data[3 * (y * SIDE + x) + c] = Math.min(255, (colour[c] as number) * bristle);
    }
}
