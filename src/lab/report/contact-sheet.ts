import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, UsherError } from '../../errors';
import { encodeSheet, type Tile } from '../../vision/picture/picture';
import { type CauseGroup, type ErrorCase, greyFrame, groupByCause, type SheetPicture } from './error-cases';
import { htmlPage } from './html-page';
import { escapeXml } from './svg-plot';

export interface SheetOptions {
  readonly title: string;
  /** Number of trials behind the errors, for the share. Undefined if a share has no meaning. */
  readonly trials?: number;
  /** What to collect or repair next, by cause. */
  readonly advice?: Readonly<Record<string, string>>;
  /** Cases shown for each cause; all are counted. */
  readonly perCause?: number;
  /** Side of one picture on the sheet, pixels. */
  readonly side?: number;
  /** Width over height of the pictures; spectrograms are wider than faces. */
  readonly aspect?: number;
}

interface Cell {
  readonly pictures: readonly SheetPicture[];
  readonly caption: string;
}

interface Section {
  readonly heading: string;
  readonly advice: string;
  readonly cells: readonly Cell[];
}

export const SHEET_FILES = ['contact-sheet.png', 'index.html', 'errors.json'] as const;

/** Five pairs of faces in a row. */
const SHEET_WIDTH = 1292;
const GAP = 12;
const LINE = 15;
const CAPTION_LINES = 2;
const HEADING = 44;
/** Of the 11 px sans font: a little more than its mean letter. */
const LETTER = 6.2;

/**
 * Writes the mistakes of a model as a contact sheet, grouped by likely cause with the share of each, largest first:
 * `contact-sheet.png` to look at, `index.html` with every caption as text, `errors.json` for programs. It shows what
 * the data shows: faces of persons, if those were judged.
 * @returns the groups
 * @throws UsherError `file-unreadable` if the folder cannot be written, and what a case's picture function throws
 */
export async function writeContactSheet(
  folder: string,
  cases: readonly ErrorCase[],
  options: SheetOptions,
): Promise<CauseGroup<ErrorCase>[]> {
  const { perCause = 24, advice = {} } = options;
  const groups = groupByCause(cases);
  const sections: Section[] = [];
  for (const { cause, cases: members, share } of groups) {
    const cells: Cell[] = [];
    for (const { picture, caption } of members.slice(0, perCause))
      cells.push({ pictures: await picturesOf(picture), caption });
    const shown = members.length > perCause ? `, ${perCause} shown` : '';
    sections.push({
      heading: `${cause}: ${members.length} of ${cases.length} (${percent(share)}${shown})`,
      advice: advice[cause] ?? '',
      cells,
    });
  }
  const png = await paint(headline(cases.length, options), sections, options);
  const index = {
    title: options.title,
    errors: cases.length,
    ...(options.trials === undefined ? {} : { trials: options.trials }),
    causes: groups.map(({ cause, cases: members, share }) => ({
      cause,
      count: members.length,
      share,
      ...(advice[cause] === undefined ? {} : { next: advice[cause] }),
      cases: members.map(({ caption }) => caption),
    })),
  };
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'contact-sheet.png'), png);
    await writeFile(join(folder, 'index.html'), page(headline(cases.length, options), groups, advice));
    await writeFile(join(folder, 'errors.json'), `${JSON.stringify(index, null, 2)}\n`);
  } catch (error) {
    throw new UsherError('file-unreadable', `the contact sheet cannot be written to ${folder}: ${messageOf(error)}`, {
      remedy: 'Name a folder that this user may write to.',
      cause: error,
    });
  }
  return groups;
}

async function picturesOf(picture: ErrorCase['picture']): Promise<readonly SheetPicture[]> {
  if (typeof picture === 'function') return picture();
  return isList(picture) ? picture : [picture];
}

/** `Array.isArray` does not narrow readonly arrays. */
function isList(picture: SheetPicture | readonly SheetPicture[]): picture is readonly SheetPicture[] {
  return Array.isArray(picture);
}

function headline(errors: number, { title, trials }: SheetOptions): string {
  if (trials === undefined || trials === 0) return `${title}: ${errors} errors`;
  return `${title}: ${errors} errors in ${trials} trials (${percent(errors / trials)})`;
}

async function paint(
  title: string,
  sections: readonly Section[],
  { side = 120, aspect = 1 }: SheetOptions,
): Promise<Buffer> {
  const pictureWidth = Math.round(side * aspect);
  const across = Math.max(1, ...sections.flatMap(({ cells }) => cells.map(({ pictures }) => pictures.length)));
  const cellWidth = across * (pictureWidth + 4) - 4;
  const cellHeight = side + 4 + CAPTION_LINES * LINE;
  const columns = Math.max(1, Math.floor((SHEET_WIDTH - GAP) / (cellWidth + GAP)));
  const width = Math.max(SHEET_WIDTH, cellWidth + 2 * GAP);
  const tiles: Tile[] = [];
  const text: string[] = [label(GAP, 26, title, 17, 'bold')];
  let y = 40;
  for (const { heading, advice, cells } of sections) {
    text.push(label(GAP, y + 18, heading, 14, 'bold'), label(GAP, y + 34, advice, 12));
    y += HEADING;
    cells.forEach(({ pictures, caption }, i) => {
      const left = GAP + (i % columns) * (cellWidth + GAP);
      const top = y + Math.floor(i / columns) * (cellHeight + GAP);
      pictures.forEach((picture, k) => {
        const place = { x: left + k * (pictureWidth + 4), y: top, width: pictureWidth, height: side };
        tiles.push({ ...tileOf(picture), ...place });
      });
      caption
        .split('\n')
        .slice(0, CAPTION_LINES)
        .forEach((line, k) => text.push(label(left, top + side + LINE * (k + 1), fit(line, cellWidth), 11)));
    });
    y += Math.ceil(cells.length / columns) * (cellHeight + GAP);
  }
  const height = y + GAP;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" fill="#222">${text.join('')}</svg>`;
  return encodeSheet(width, height, tiles, svg);
}

function tileOf(picture: SheetPicture): Pick<Tile, 'frame' | 'enlarge'> {
  return 'values' in picture ? { frame: greyFrame(picture), enlarge: 'pixels' } : { frame: picture };
}

function label(x: number, y: number, text: string, size: number, weight = 'normal'): string {
  return text === ''
    ? ''
    : `<text x="${x}" y="${y}" font-size="${size}" font-weight="${weight}">${escapeXml(text)}</text>`;
}

function fit(line: string, width: number): string {
  const letters = Math.floor(width / LETTER);
  return line.length <= letters ? line : `${line.slice(0, letters - 1)}…`;
}

const percent = (share: number): string => `${Number((100 * share).toPrecision(3))} %`;

function page(
  title: string,
  groups: readonly CauseGroup<ErrorCase>[],
  advice: Readonly<Record<string, string>>,
): string {
  const rows = groups.map(
    ({ cause, cases, share }) =>
      `<tr><td>${escapeXml(cause)}</td><td>${cases.length}</td><td>${percent(share)}</td><td>${escapeXml(advice[cause] ?? '')}</td></tr>`,
  );
  const lists = groups.map(({ cause, cases }) => {
    const items = cases.map(({ caption }) => `<li>${escapeXml(caption.replaceAll('\n', '; '))}</li>`);
    return `<details><summary>${escapeXml(cause)}</summary><ol>${items.join('\n')}</ol></details>`;
  });
  return htmlPage(
    title,
    `<h1>${escapeXml(title)}</h1>
<table><tr><th>likely cause</th><th>errors</th><th>share</th><th>next</th></tr>
${rows.join('\n')}
</table>
<img src="contact-sheet.png" alt="the errors, grouped by likely cause">
${lists.join('\n')}`,
    { width: '80rem' },
  );
}
