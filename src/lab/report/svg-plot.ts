import type { Axis } from './svg-axes';

export interface Series {
  readonly name: string;
  readonly colour: string;
  readonly points: readonly (readonly [number, number])[];
  /** Fill down to the horizontal axis. */
  readonly filled?: boolean;
}

/** A vertical line with a text at its top. */
export interface Mark {
  readonly x: number;
  readonly text: string;
}

export interface Plot {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
  readonly marks?: readonly Mark[];
}

/** Colours that colour-blind readers tell apart (Okabe & Ito 2008). */
export const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'] as const;
export const colourOf = (index: number): string => COLOURS[index % COLOURS.length] ?? COLOURS[0];

const WIDTH = 720;
const HEIGHT = 460;
const LEFT = 76;
const RIGHT = 20;
/** Pixels by which the first of many lines is thicker than the last. */
const THICKER = 5;
const TOP = 44;
const BOTTOM = 56;
const INNER_WIDTH = WIDTH - LEFT - RIGHT;
const INNER_HEIGHT = HEIGHT - TOP - BOTTOM;
const LEGEND_ROW = 18;

/** A line plot as a self-contained SVG document: no script, no font, no network. */
export function plotSvg({ title, x, y, series, marks = [] }: Plot): string {
  const px = (value: number): number => round(LEFT + x.place(value) * INNER_WIDTH);
  const py = (value: number): number => round(TOP + (1 - y.place(value)) * INNER_HEIGHT);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="${escapeXml(title)}" font-family="sans-serif" font-size="12" fill="#222">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<text x="${LEFT}" y="24" font-size="15" font-weight="bold">${escapeXml(title)}</text>`,
    ...x.ticks.map(({ value, text }) => {
      const at = px(value);
      const line = `<line x1="${at}" y1="${TOP}" x2="${at}" y2="${TOP + INNER_HEIGHT}" stroke="#e2e2e2"/>`;
      return `${line}<text x="${at}" y="${TOP + INNER_HEIGHT + 18}" text-anchor="middle">${escapeXml(text)}</text>`;
    }),
    ...y.ticks.map(({ value, text }) => {
      const at = py(value);
      const line = `<line x1="${LEFT}" y1="${at}" x2="${LEFT + INNER_WIDTH}" y2="${at}" stroke="#e2e2e2"/>`;
      return `${line}<text x="${LEFT - 8}" y="${at + 4}" text-anchor="end">${escapeXml(text)}</text>`;
    }),
    `<rect x="${LEFT}" y="${TOP}" width="${INNER_WIDTH}" height="${INNER_HEIGHT}" fill="none" stroke="#888"/>`,
    `<text x="${LEFT + INNER_WIDTH / 2}" y="${HEIGHT - 12}" text-anchor="middle">${escapeXml(x.label)}</text>`,
    `<text transform="translate(18 ${TOP + INNER_HEIGHT / 2}) rotate(-90)" text-anchor="middle">${escapeXml(y.label)}</text>`,
    // Earlier lines are drawn thicker, so that coinciding ones stay visible under one another; never so thick that a value cannot be read.
    ...series.map((one, i) => path(one, 2 + Math.min(2, THICKER / series.length) * (series.length - 1 - i), px, py)),
    ...marks.map(({ x: value, text }, i) => {
      const at = px(value);
      const line = `<line x1="${at}" y1="${TOP}" x2="${at}" y2="${TOP + INNER_HEIGHT}" stroke="#444" stroke-dasharray="4 3"/>`;
      return `${line}<text x="${at + 4}" y="${TOP + 14 + 14 * i}" font-size="11">${escapeXml(text)}</text>`;
    }),
    legend(series),
    '</svg>',
    '',
  ].join('\n');
}

function path(
  { points, colour, filled }: Series,
  thick: number,
  px: (v: number) => number,
  py: (v: number) => number,
): string {
  const [first] = points;
  const last = points.at(-1);
  if (first === undefined || last === undefined) return '';
  const line = points.map(([a, b]) => `${px(a)} ${py(b)}`).join('L');
  const stroke = `<path d="M${line}" fill="none" stroke="${colour}" stroke-width="${filled === true ? 2 : thick}" stroke-linejoin="round"/>`;
  if (filled !== true) return stroke;
  const base = TOP + INNER_HEIGHT;
  return `<path d="M${px(first[0])} ${base}L${line}L${px(last[0])} ${base}Z" fill="${colour}" fill-opacity="0.25"/>${stroke}`;
}

/** Upper right, on a white ground. */
function legend(series: readonly Series[]): string {
  const longest = Math.max(0, ...series.map(({ name }) => name.length));
  const width = 40 + longest * 6.8;
  const left = LEFT + INNER_WIDTH - width - 8;
  const rows = series.map(({ name, colour }, i) => {
    const at = TOP + 8 + LEGEND_ROW * (i + 0.5);
    const line = `<line x1="${left + 8}" y1="${at}" x2="${left + 28}" y2="${at}" stroke="${colour}" stroke-width="3"/>`;
    return `${line}<text x="${left + 34}" y="${at + 4}">${escapeXml(name)}</text>`;
  });
  const height = LEGEND_ROW * series.length;
  return `<rect x="${left}" y="${TOP + 8}" width="${width}" height="${height}" fill="#fff" fill-opacity="0.85"/>${rows.join('')}`;
}

const round = (value: number): number => Math.round(value * 10) / 10;

export function escapeXml(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
}
