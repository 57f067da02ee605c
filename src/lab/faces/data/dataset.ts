import { readdir, stat } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { messageOf, systemCode, UsherError } from '../../../errors';
import type { LabelledPicture, Role } from './embedding-set';
import { readPairs, type PairList, type PictureName } from './pairs-file';

/** Pictures of known persons, and which pictures to compare. */
export interface FaceDataset {
  readonly name: string;
  readonly folder: string;
  /**
   * `variants`: `ID_variant.jpg`, the first variant is enrolled, the others are probes. `lfw`: numbered pictures, all
   * compared with all.
   */
  readonly style: 'variants' | 'lfw';
  readonly persons: readonly string[];
  readonly pictures: readonly LabelledPicture[];
  readonly pairs: ResolvedPairs | null;
}

export interface ResolvedPair {
  readonly fold: number;
  /** Indices into `pictures`. */
  readonly left: number;
  readonly right: number;
  readonly same: boolean;
}

export interface ResolvedPairs {
  readonly file: string;
  readonly folds: number;
  readonly pairs: readonly ResolvedPair[];
  /** Pairs skipped because `limit` left their persons out. */
  readonly leftOut: number;
}

interface Found {
  readonly file: string;
  readonly person: string;
  readonly variant: string;
}

const PICTURE = new Set(['.jpg', '.jpeg', '.png', '.webp', '.tif', '.tiff', '.gif', '.avif']);
const REMEDY =
  'Expected ID_variant.jpg (ID_neutral.jpg is enrolled, the others are probes), or the LFW layout Name/Name_0001.jpg.';

/**
 * Reads a folder of labelled pictures: `NNN_neutral.jpg` with further variants of each person, or LFW's
 * `Name/Name_0001.jpg` (also flat, and with the folder one level down).
 * @param options.limit only the first persons in the order of their names
 * @throws UsherError `file-unreadable` or `data-invalid`, naming the file (and the line of a pairs file)
 */
export async function readFaceDataset(
  folder: string,
  options: { pairs?: string | undefined; limit?: number | undefined } = {},
): Promise<FaceDataset> {
  const { found, root } = await findPictures(resolve(folder));
  const list = options.pairs === undefined ? null : await readPairs(options.pairs);
  const style = list !== null || found.every(({ variant }) => /^\d+$/.test(variant)) ? 'lfw' : 'variants';

  const byPerson = new Map<string, Found[]>();
  for (const picture of found) {
    const others = byPerson.get(picture.person);
    if (others === undefined) byPerson.set(picture.person, [picture]);
    else others.push(picture);
  }
  const everybody = [...byPerson.keys()].sort();
  const persons = everybody.slice(0, options.limit);
  const pictures = persons.flatMap((person, index) =>
    (byPerson.get(person) ?? [])
      .sort(byVariant)
      .map(({ file }, order): LabelledPicture => ({ file, person: index, role: roleOf(style, order) })),
  );
  const pairs = list === null ? null : resolvePairs(list, found, pictures, root);
  if (persons.length < 2)
    throw new UsherError('data-invalid', `${folder}: pictures of ${persons.length} person(s), at least 2 are needed`, {
      remedy: REMEDY,
    });
  return { name: basename(root), folder: root, style, persons, pictures, pairs };
}

function roleOf(style: FaceDataset['style'], order: number): Role {
  return style === 'lfw' ? 'any' : order === 0 ? 'enrolled' : 'probe';
}

/** Neutral first, since enrolment uses it; then by name. */
function byVariant(a: Found, b: Found): number {
  const neutral = Number(b.variant === 'neutral') - Number(a.variant === 'neutral');
  return neutral !== 0 ? neutral : a.variant < b.variant ? -1 : a.variant > b.variant ? 1 : 0;
}

async function findPictures(folder: string): Promise<{ found: Found[]; root: string }> {
  const { files, folders } = await list(folder);
  if (files.length > 0) return { found: files.map((name) => parseName(folder, name)), root: folder };
  const nested: Found[] = [];
  for (const name of folders)
    for (const file of (await list(join(folder, name))).files) nested.push(parseName(join(folder, name), file, name));
  if (nested.length > 0) return { found: nested, root: folder };
  // An unpacked archive has everything in one subfolder.
  const [only] = folders;
  if (only !== undefined && folders.length === 1) return findPictures(join(folder, only));
  throw new UsherError('data-invalid', `${folder}: no pictures found`, { remedy: REMEDY });
}

/** Names of the pictures and of the subfolders; links are followed. */
async function list(folder: string): Promise<{ files: string[]; folders: string[] }> {
  const files: string[] = [];
  const folders: string[] = [];
  try {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      if (entry.name.startsWith('.')) continue;
      const kind = entry.isSymbolicLink() ? await stat(join(folder, entry.name)) : entry;
      if (kind.isDirectory()) folders.push(entry.name);
      else if (kind.isFile() && isPicture(entry.name)) files.push(entry.name);
    }
  } catch (error) {
    const missing = systemCode(error) === 'ENOENT';
    throw new UsherError('file-unreadable', missing ? `${folder} does not exist` : `${folder}: ${messageOf(error)}`, {
      remedy: 'Name the folder of the pictures.',
      cause: error,
    });
  }
  return { files, folders };
}

const isPicture = (name: string): boolean => PICTURE.has(extname(name).toLowerCase());

/** `person` is the part before the last underscore, in LFW also the folder's name. */
function parseName(folder: string, name: string, owner?: string): Found {
  const stem = name.slice(0, -extname(name).length);
  const cut = stem.lastIndexOf('_');
  const person = stem.slice(0, cut);
  if (cut < 1 || cut === stem.length - 1 || (owner !== undefined && person !== owner))
    throw new UsherError('data-invalid', `${join(folder, name)}: the name does not contain the person`, {
      remedy: REMEDY,
    });
  return { file: join(folder, name), person, variant: stem.slice(cut + 1) };
}

function resolvePairs(
  list: PairList,
  found: readonly Found[],
  pictures: readonly LabelledPicture[],
  root: string,
): ResolvedPairs {
  const key = (person: string, number: number): string => `${person}\n${number}`;
  const indexOf = new Map(pictures.map(({ file }, i) => [file, i]));
  const fileOf = new Map(
    found.filter(({ variant }) => /^\d+$/.test(variant)).map((f) => [key(f.person, Number(f.variant)), f.file]),
  );
  const pairs: ResolvedPair[] = [];
  let leftOut = 0;
  for (const pair of list.pairs) {
    const ends = [pair.left, pair.right].map((name: PictureName) => {
      const file = fileOf.get(key(name.person, name.number));
      if (file !== undefined) return indexOf.get(file);
      const wanted = `${name.person}_${String(name.number).padStart(4, '0')}`;
      throw new UsherError('data-invalid', `${list.file}:${pair.line}: no picture ${wanted} under ${root}`, {
        remedy: 'The pairs file and the folder must belong to the same data set.',
      });
    });
    const [first, second] = ends;
    if (first === undefined || second === undefined) leftOut++;
    else pairs.push({ fold: pair.fold, left: first, right: second, same: pair.same });
  }
  return { file: list.file, folds: list.folds, pairs, leftOut };
}
