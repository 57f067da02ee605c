import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { messageOf, systemCode, UsherError } from '../../../errors';
import type { Box } from '../../../events';

export interface BoxedPicture {
  readonly file: string;
  /** As shares of the picture's width and height, corner and size. */
  readonly boxes: readonly Box[];
}

const PICTURE = new Set(['.jpg', '.jpeg', '.png', '.webp', '.tif', '.tiff', '.gif', '.avif']);
const REMEDY =
  'Every picture NAME.jpg needs a file NAME.txt with one line for each face: 0 CENTRE-X CENTRE-Y WIDTH HEIGHT, as shares (0 to 1) of the ' +
  "picture's width and height. No face: an empty file.";

/**
 * Reads pictures labelled in the format of Darknet, which most labelling programs write ("YOLO txt"): next to each
 * picture a text file of the same name, one line a box. An empty file means that there is no face. A missing file is an
 * error, since the picture may be unlabelled.
 * @returns in the order of the names
 * @throws UsherError `file-unreadable` or `data-invalid`, naming file and line
 */
export async function readBoxedPictures(folder: string): Promise<BoxedPicture[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    const what = systemCode(error) === 'ENOENT' ? `${folder} does not exist` : `${folder}: ${messageOf(error)}`;
    throw new UsherError('file-unreadable', what, { remedy: 'Name the folder of the pictures.', cause: error });
  });
  const pictures = names.filter((name) => PICTURE.has(extname(name).toLowerCase()) && !name.startsWith('.')).sort();
  if (pictures.length === 0) throw new UsherError('data-invalid', `${folder}: no pictures found`, { remedy: REMEDY });
  return Promise.all(
    pictures.map(async (name) => ({
      file: join(folder, name),
      boxes: await readLabels(join(folder, `${name.slice(0, -extname(name).length)}.txt`)),
    })),
  );
}

async function readLabels(file: string): Promise<Box[]> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    const missing = systemCode(error) === 'ENOENT';
    throw new UsherError(
      missing ? 'data-invalid' : 'file-unreadable',
      missing ? `${file} is missing` : messageOf(error),
      {
        remedy: REMEDY,
        cause: error,
      },
    );
  });
  return text
    .split('\n')
    .map((line, i) => [line.trim(), i + 1] as const)
    .filter(([line]) => line !== '')
    .map(([line, number]) => parseLabel(line) ?? badLine(file, number, line));
}

/** Null for any class but 0, and for a box whose centre lies outside the picture. */
function parseLabel(line: string): Box | null {
  const [kind, x = NaN, y = NaN, width = NaN, height = NaN, ...more] = line.split(/\s+/).map(Number);
  const inside = x >= 0 && x <= 1 && y >= 0 && y <= 1;
  const sized = width > 0 && width <= 1 && height > 0 && height <= 1;
  if (kind !== 0 || !inside || !sized || more.length > 0) return null;
  return { x: x - width / 2, y: y - height / 2, width, height };
}

function badLine(file: string, line: number, text: string): never {
  throw new UsherError('data-invalid', `${file}:${line}: "${text.slice(0, 80)}" is not a face box`, { remedy: REMEDY });
}

/** One line of a label file, newline included. */
export function labelLine(box: Box, width: number, height: number): string {
  const parts = [
    (box.x + box.width / 2) / width,
    (box.y + box.height / 2) / height,
    box.width / width,
    box.height / height,
  ];
  return `0 ${parts.map((part) => part.toFixed(6)).join(' ')}\n`;
}
