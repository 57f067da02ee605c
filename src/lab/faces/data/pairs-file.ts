import { readFile } from 'node:fs/promises';
import { messageOf, systemCode, UsherError } from '../../../errors';

/** A picture as LFW names it: `Name_0007`. */
export interface PictureName {
  readonly person: string;
  readonly number: number;
}

export interface ListedPair {
  readonly fold: number;
  /** 1-based line in the file, for messages. */
  readonly line: number;
  readonly left: PictureName;
  readonly right: PictureName;
  readonly same: boolean;
}

export interface PairList {
  readonly file: string;
  readonly folds: number;
  readonly pairs: readonly ListedPair[];
}

/**
 * LFW's pairs format. The first line is `folds<TAB>n` (or `n` alone: one fold); each fold is n lines of three fields (name, number,
 * number: one person) followed by n lines of four (name, number, name, number: two persons).
 * @throws UsherError `file-unreadable`, or `data-invalid` naming the line
 */
export async function readPairs(file: string): Promise<PairList> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const missing = systemCode(error) === 'ENOENT';
    throw new UsherError('file-unreadable', missing ? `${file} does not exist` : `${file}: ${messageOf(error)}`, {
      remedy: "Name the pairs file of the data set, such as LFW's pairs.txt.",
      cause: error,
    });
  }
  return parsePairs(text, file);
}

export function parsePairs(text: string, file: string): PairList {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const { folds, perKind } = header(lines[0] ?? '', file);
  const pairs: ListedPair[] = [];
  let wanted = 0;
  for (let i = 1; i < lines.length; i++) {
    const fields = (lines[i] ?? '').split(/\s+/).filter((field) => field !== '');
    if (fields.length === 0) continue;
    const fold = Math.floor(wanted / (2 * perKind));
    const same = wanted % (2 * perKind) < perKind;
    if (fold >= folds) throw invalid(file, i + 1, `more pairs than the first line announces (${folds * 2 * perKind})`);
    pairs.push({ fold, line: i + 1, ...pair(fields, same, file, i + 1) });
    wanted++;
  }
  if (wanted !== folds * 2 * perKind)
    throw invalid(file, lines.length, `${wanted} pairs, but the first line announces ${folds * 2 * perKind}`);
  return { file, folds, pairs };
}

function header(line: string, file: string): { folds: number; perKind: number } {
  const fields = line.split(/\s+/).filter((field) => field !== '');
  const numbers = fields.map((field) => (/^\d{1,9}$/.test(field) ? Number(field) : NaN));
  const [first = NaN, second] = numbers;
  if (fields.length < 1 || fields.length > 2 || numbers.some((n) => !(n >= 1)))
    throw invalid(file, 1, `expected "folds<TAB>pairs" or the number of pairs, found "${line.slice(0, 60)}"`);
  return second === undefined ? { folds: 1, perKind: first } : { folds: first, perKind: second };
}

function pair(fields: readonly string[], same: boolean, file: string, line: number) {
  const expected = same ? 'name number number (one person)' : 'name number name number (two persons)';
  if (fields.length !== (same ? 3 : 4))
    throw invalid(file, line, `expected ${expected}, found "${fields.join(' ').slice(0, 80)}"`);
  const number = (field: string | undefined): number => {
    if (field === undefined || !/^\d{1,6}$/.test(field))
      throw invalid(file, line, `"${String(field)}" is not a picture number; expected ${expected}`);
    return Number(field);
  };
  const person = fields[0] as string;
  const left = { person, number: number(fields[1]) };
  const right = same
    ? { person, number: number(fields[2]) }
    : { person: fields[2] as string, number: number(fields[3]) };
  return { left, right, same };
}

function invalid(file: string, line: number, what: string): UsherError {
  return new UsherError('data-invalid', `${file}:${line}: ${what}`, {
    remedy: 'The format is that of pairs.txt on the LFW site: a first line "10<TAB>300", then one pair a line.',
  });
}
