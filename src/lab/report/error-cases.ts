import type { Box } from '../../events';
import type { Frame } from '../../vision/picture/frame';
import type { Figure } from './figure';

/** Numbers as a picture, row by row from the top: a spectrogram (its lowest band in the last row), a heat map. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly values: Float32Array;
  /** Drawn black and white; default: the smallest and the largest value. */
  readonly low?: number;
  readonly high?: number;
}

export type SheetPicture = Frame | Raster;

/** One mistake of a model, for a person to look at. */
export interface ErrorCase {
  /** What to look at, side by side. A function is called only for the cases that are shown: errors may be many thousands. */
  readonly picture: SheetPicture | readonly SheetPicture[] | (() => Promise<readonly SheetPicture[]>);
  /** One or two lines, for people. */
  readonly caption: string;
  /** The likely cause in a word or two. The largest group tells what to collect next. */
  readonly cause: string;
}

export interface CauseGroup<T> {
  readonly cause: string;
  readonly cases: readonly T[];
  /** Of all cases, 0..1. */
  readonly share: number;
}

/** The largest group first; of equally large ones, by name. Cases keep their order. */
export function groupByCause<T extends { readonly cause: string }>(cases: readonly T[]): CauseGroup<T>[] {
  const groups = new Map<string, T[]>();
  for (const one of cases) {
    const group = groups.get(one.cause);
    if (group === undefined) groups.set(one.cause, [one]);
    else group.push(one);
  }
  return [...groups]
    .map(([cause, members]) => ({ cause, cases: members, share: members.length / cases.length }))
    .sort((a, b) => b.cases.length - a.cases.length || (a.cause < b.cause ? -1 : 1));
}

/** The share of each cause among the errors, as figures `<prefix>.errors.<cause>`. */
export function causeFigures(groups: readonly CauseGroup<unknown>[], prefix: string): Figure[] {
  const all = groups.reduce((sum, { cases }) => sum + cases.length, 0);
  return groups.map(({ cause, cases, share }) => ({
    name: `${prefix}.errors.${cause.toLowerCase().replace(/[^a-z0-9]+/g, '_')}`,
    value: share,
    unit: 'ratio',
    note: `${cases.length} of ${all} errors`,
  }));
}

/** A raster as grey levels. Values beyond the ends are clipped. A constant raster and NaN are black. */
export function greyFrame({ width, height, values, low, high }: Raster): Frame {
  if (values.length !== width * height)
    throw new RangeError(`a raster of ${width}×${height} has ${values.length} values`);
  const floor = low ?? values.reduce((least, value) => Math.min(least, value), Infinity);
  const ceiling = high ?? values.reduce((most, value) => Math.max(most, value), -Infinity);
  const gain = ceiling > floor ? 255 / (ceiling - floor) : 0;
  const data = new Uint8Array(3 * values.length);
  values.forEach((value, i) => {
    const level = Math.min(255, Math.max(0, (value - floor) * gain));
    data.fill(Math.round(level), 3 * i, 3 * i + 3);
  });
  return { width, height, data };
}

/**
 * A box with some of its surroundings, cut out of a frame; what lies outside the frame is left out.
 * @param margin added on each side, as a share of the box's longer side
 */
export function cropAround(frame: Frame, box: Box, margin = 0.3): Frame {
  const extra = margin * Math.max(box.width, box.height);
  const x = Math.min(frame.width - 1, Math.max(0, Math.floor(box.x - extra)));
  const y = Math.min(frame.height - 1, Math.max(0, Math.floor(box.y - extra)));
  const right = Math.max(x + 1, Math.min(frame.width, Math.ceil(box.x + box.width + extra)));
  const bottom = Math.max(y + 1, Math.min(frame.height, Math.ceil(box.y + box.height + extra)));
  const width = right - x;
  const height = bottom - y;
  const data = new Uint8Array(3 * width * height);
  for (let row = 0; row < height; row++) {
    const from = 3 * ((y + row) * frame.width + x);
    data.set(frame.data.subarray(from, from + 3 * width), 3 * row * width);
  }
  return { width, height, data };
}
