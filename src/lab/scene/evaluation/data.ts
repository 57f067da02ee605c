import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { messageOf, systemCode, UsherError } from '../../../errors';
import type { Frame } from '../../../vision/picture/frame';
import { readPicture } from '../../../vision/picture/picture';
import { SceneGrid } from '../../../vision/scene/scene-input';
import { sha256Hex } from '../../../digest';

/**
 * `binary`: two labels that exclude one another, one output. `multi-label`: a yes or no for each label; several may
 * apply.
 */
export type SceneKind = 'binary' | 'multi-label';
export type ScenePart = 'training' | 'test';

export interface ScenePicture {
  /** Relative to the folder of data. */
  readonly file: string;
  readonly part: ScenePart;
  /** 0 or 1 for each output; for `binary` 1 means that the first label applies. */
  readonly targets: Float32Array;
  /** `SceneGrid`'s planar square, rounded to 8 bits: what is kept of a picture. */
  readonly grid: Uint8Array;
}

export interface SceneData {
  readonly kind: SceneKind;
  readonly labels: readonly string[];
  readonly training: readonly ScenePicture[];
  readonly test: readonly ScenePicture[];
  /** Pictures left out of training because their pixels equal those of another: [left out, the other]. */
  readonly duplicates: readonly (readonly [string, string])[];
}

const LABELS_FILE = 'labels.csv';
const PICTURES = /\.(jpe?g|png|webp)$/i;
const LABEL = /^[a-z0-9][a-z0-9-]{0,30}$/;
const LAYOUT =
  'Lay it out as DIR/{training,test}/LABEL/picture.jpg, or as DIR/labels.csv with lines like: training/a.jpg,day indoor';

interface Listed {
  readonly file: string;
  readonly part: ScenePart;
  readonly labels: readonly string[];
}

/**
 * Reads labelled pictures: folders `training` and `test` with a folder for each label, or a file `labels.csv` of lines
 * `path,label label …` whose paths begin with `training/` or `test/`. Two folders of labels exclude one another; everything else
 * is multi-label. A training picture whose decoded pixels are also a test picture's, or an earlier training picture's, is left out.
 * @throws UsherError data-invalid (layout, labels), or what reading a picture throws
 */
export async function readSceneData(
  dir: string,
  onProgress: (share: number) => void = () => undefined,
): Promise<SceneData> {
  const { kind, listed } = await list(dir);
  const labels = [...new Set(listed.flatMap((one) => one.labels))].sort();
  const count = (part: ScenePart): number => listed.filter((one) => one.part === part).length;
  if (labels.length < 2 || count('training') === 0 || count('test') === 0)
    throw new UsherError(
      'data-invalid',
      `${dir}: ${count('training')} training and ${count('test')} test pictures with ${labels.length} labels (${labels.join(', ') || 'none'}); both parts and two labels are needed`,
      { remedy: LAYOUT },
    );
  const grid = new SceneGrid();
  const seen = new Map<string, string>();
  const duplicates: [string, string][] = [];
  const pictures: ScenePicture[] = [];
  // Test pictures first: a picture that is in both parts stays in the test.
  const ordered = [...listed].sort((a, b) => Number(a.part === 'training') - Number(b.part === 'training'));
  for (const [index, { file, part, labels: own }] of ordered.entries()) {
    const frame = await readPicture(path.join(dir, file));
    const digest = pixelDigest(frame);
    const twin = seen.get(digest);
    seen.set(digest, twin ?? file);
    if (twin !== undefined && part === 'training') duplicates.push([file, twin]);
    else
      pictures.push({
        file,
        part,
        targets: targetsOf(own, labels, kind),
        grid: Uint8Array.from(grid.of(frame), (value) => value + 0.5),
      });
    onProgress((index + 1) / ordered.length);
  }
  const of = (part: ScenePart): ScenePicture[] => pictures.filter((one) => one.part === part);
  return { kind, labels, training: of('training'), test: of('test'), duplicates };
}

/** SHA-256 of size and pixels: the same picture in two files with other metadata is the same picture. */
export function pixelDigest({ width, height, data }: Frame): string {
  return sha256Hex(`${width}x${height}\n`, data);
}

function targetsOf(own: readonly string[], labels: readonly string[], kind: SceneKind): Float32Array {
  const outputs = kind === 'binary' ? labels.slice(0, 1) : labels;
  return Float32Array.from(outputs, (label) => (own.includes(label) ? 1 : 0));
}

async function list(dir: string): Promise<{ kind: SceneKind; listed: Listed[] }> {
  let text: string | null = null;
  try {
    text = await readFile(path.join(dir, LABELS_FILE), 'utf8');
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' && systemCode(error) !== 'ENOTDIR')
      throw new UsherError('file-unreadable', `${path.join(dir, LABELS_FILE)}: ${messageOf(error)}`, { cause: error });
  }
  if (text !== null) return { kind: 'multi-label', listed: parseLabels(text, path.join(dir, LABELS_FILE)) };
  const listed: Listed[] = [];
  for (const part of ['training', 'test'] as const)
    for (const label of await namesIn(path.join(dir, part))) {
      if (!LABEL.test(label)) continue;
      for (const name of await namesIn(path.join(dir, part, label)))
        if (PICTURES.test(name)) listed.push({ file: path.join(part, label, name), part, labels: [label] });
    }
  const labels = new Set(listed.flatMap((one) => one.labels));
  return { kind: labels.size === 2 ? 'binary' : 'multi-label', listed };
}

/** @throws UsherError data-invalid naming the line */
export function parseLabels(text: string, name: string): Listed[] {
  const listed: Listed[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const comma = line.lastIndexOf(',');
    const file = line.slice(0, Math.max(comma, 0)).trim();
    const labels = line
      .slice(comma + 1)
      .trim()
      .split(/\s+/)
      .filter((label) => label !== '');
    const [part] = file.split('/');
    const inside = !path.isAbsolute(file) && !file.split('/').includes('..');
    if (comma < 0 || !inside || (part !== 'training' && part !== 'test') || !labels.every((label) => LABEL.test(label)))
      throw new UsherError(
        'data-invalid',
        `${name}, line ${index + 1}: not "training/…,label label" or "test/…,label"`,
        {
          remedy:
            'A path under training/ or test/, a comma, and labels of lower-case letters, digits and - with spaces between.',
        },
      );
    listed.push({ file, part, labels });
  }
  return listed;
}

async function namesIn(dir: string): Promise<string[]> {
  try {
    return (await readdir(dir)).sort();
  } catch (error) {
    throw new UsherError('data-invalid', `${dir} cannot be read: ${messageOf(error)}`, {
      remedy: LAYOUT,
      cause: error,
    });
  }
}
