import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { basename, extname, join, relative, resolve } from 'node:path';
import { messageOf, systemCode, UsherError } from '../../../errors';
import { buildBank, loadBank, saveBank, selectClips, type SoundBank } from './bank';
import { decodeSounds } from './decode';
import { partOf, type Part } from './split';
import { findWord } from './word-span';

/** The sounds of one folder. */
export interface Corpus {
  /** The folder's name: figures are listed by it. */
  readonly name: string;
  readonly folder: string;
  readonly bank: SoundBank;
  /** Of each clip. */
  readonly parts: readonly Part[];
}

const SOUND = new Set(['.wav', '.flac', '.ogg', '.opus', '.mp3', '.m4a', '.aac', '.aif', '.aiff', '.webm']);
/** Raised when what is stored of a decoded folder changes. */
const FORMAT = 2;

export interface ReadOptions {
  readonly cacheDir: string;
  /** Looks for the one word of each clip. */
  readonly words?: boolean;
  readonly onProgress?: (share: number) => void;
}

/**
 * Reads every sound file under a folder. What was decoded is kept in the cache until a file's size or time changes.
 * @throws UsherError `file-unreadable` or `data-invalid`, naming folder or file
 */
export async function readCorpus(folder: string, options: ReadOptions): Promise<Corpus> {
  const root = resolve(folder);
  const files = await someSounds(root);
  const key = createHash('sha256').update(
    JSON.stringify([FORMAT, options.words === true, files.map((f) => [f.name, f.size, f.mtimeMs])]),
  );
  const cached = join(options.cacheDir, 'decoded', `${key.digest('hex').slice(0, 32)}.bank`);
  const bank = (await loadBank(cached)) ?? (await decodeAll(root, files, options, cached));
  const name = basename(root);
  const parts = bank.names.map((clip, i) => partOf(name, stemOf(clip), bank.hashes[i] as string));
  return { name, folder: root, bank, parts };
}

export function partOfCorpus(corpus: Corpus, ...wanted: readonly Part[]): SoundBank {
  return selectClips(corpus.bank, (i) => wanted.includes(corpus.parts[i] as Part));
}

const stemOf = (name: string): string => basename(name).slice(0, -extname(name).length);

async function decodeAll(
  root: string,
  files: readonly Found[],
  { words = false, onProgress }: ReadOptions,
  cached: string,
): Promise<SoundBank> {
  const paths = files.map(({ name }) => join(root, name));
  const clips = (await decodeSounds(paths, onProgress)).map((samples, i) => {
    const { name } = files[i] as Found;
    const word = words ? findWord(samples) : null;
    return word === null ? { name, samples } : { name, samples, word };
  });
  const bank = withoutDoubles(buildBank(clips));
  saveBank(cached, bank);
  return bank;
}

/** The same sound twice weighs twice, and would be counted twice. */
function withoutDoubles(bank: SoundBank): SoundBank {
  const first = new Map<string, number>();
  bank.hashes.forEach((hash, i) => {
    if (!first.has(hash)) first.set(hash, i);
  });
  return selectClips(bank, (i) => first.get(bank.hashes[i] as string) === i);
}

interface Found {
  /** Relative to the folder. */
  readonly name: string;
  readonly size: number;
  readonly mtimeMs: number;
}

/** Every sound file under a folder, by name. @throws UsherError `file-unreadable`, or `data-invalid` where there is none */
export async function soundFiles(folder: string): Promise<string[]> {
  return (await someSounds(folder)).map(({ name }) => join(folder, name));
}

async function someSounds(folder: string): Promise<Found[]> {
  const files = await listSounds(folder);
  if (files.length > 0) return files;
  throw new UsherError('data-invalid', `${folder} holds no sound files`, {
    remedy: `Sound files are recognised by their ending: ${[...SOUND].join(' ')}`,
  });
}

async function listSounds(root: string, folder = root): Promise<Found[]> {
  try {
    const found: Found[] = [];
    for (const entry of (await readdir(folder)).sort()) {
      if (entry.startsWith('.')) continue;
      const path = join(folder, entry);
      const status = await stat(path);
      if (status.isDirectory()) found.push(...(await listSounds(root, path)));
      else if (status.isFile() && SOUND.has(extname(entry).toLowerCase()))
        found.push({ name: relative(root, path), size: status.size, mtimeMs: status.mtimeMs });
    }
    return found;
  } catch (error) {
    if (error instanceof UsherError) throw error;
    const missing = systemCode(error) === 'ENOENT';
    throw new UsherError('file-unreadable', missing ? `${folder} does not exist` : `${folder}: ${messageOf(error)}`, {
      remedy: 'Name the folder that holds the sound files.',
      cause: error,
    });
  }
}
