import type { CameraConfig } from '../../config/schema/cameras';
import type { Frame } from './frame';

/** How a camera's picture is turned upright: clockwise by so many degrees, then mirrored. */
export type Turn = Pick<CameraConfig, 'rotate' | 'flip'>;

export const QUARTER_TURNS = [0, 90, 180, 270] as const;

export function isUpright({ rotate, flip }: Turn): boolean {
  return rotate === 0 && flip === 'none';
}

/** Size of the turned picture: a quarter turn exchanges width and height. */
export function turnedSize(
  { width, height }: Pick<Frame, 'width' | 'height'>,
  rotate: Turn['rotate'],
): { readonly width: number; readonly height: number } {
  return rotate % 180 === 0 ? { width, height } : { width: height, height: width };
}

/**
 * The picture turned.
 * @param target as many bytes as the picture has; not the picture's own
 */
export function turnFrame(frame: Frame, turn: Turn, target: Uint8Array = new Uint8Array(frame.data.length)): Frame {
  const { width, height } = turnedSize(frame, turn.rotate);
  const { first, right, down } = walk(frame, turn, width, height);
  const { data } = frame;
  for (let y = 0, to = 0; y < height; y++)
    for (let x = 0, from = (first + y * down) * 3; x < width; x++, to += 3, from += right * 3) {
      target[to] = data[from] as number;
      target[to + 1] = data[from + 1] as number;
      target[to + 2] = data[from + 2] as number;
    }
  return { width, height, data: target };
}

/** Where in the source the target's first pixel lies, and how far a step to the right and down leads there. */
function walk(
  source: Frame,
  { rotate, flip }: Turn,
  width: number,
  height: number,
): { readonly first: number; readonly right: number; readonly down: number } {
  const last = source.width * source.height - 1;
  const row = source.width;
  const turned = {
    0: { first: 0, right: 1, down: row },
    90: { first: last - row + 1, right: -row, down: 1 },
    180: { first: last, right: -1, down: -row },
    270: { first: row - 1, right: row, down: -1 },
  }[rotate];
  const { first, right, down } = turned;
  switch (flip) {
    case 'none':
      return turned;
    case 'horizontal':
      return { first: first + (width - 1) * right, right: -right, down };
    case 'vertical':
      return { first: first + (height - 1) * down, right, down: -down };
  }
}
