import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { parseReleased } from '../../config/load/released';

import { CardSchema, neededFiles } from '../../inference/card';
import { decode } from '../../mqtt/topics/decode';
import { RELEASE_LIMITS, type ReleaseDocument } from '../release';
import { refuse } from '../refusal';
import { ThresholdsFile } from '../thresholds-file';
import { TRANSFER_LIMITS } from './limits';
import { kept } from './part-archive';
import { padding, readTarHeader, TAR_BLOCK } from './tar';

const PIECE = 64 * 1024;
export const CARD_FILE = 'card.json';
export const CONFIG_FILE = 'config.yaml';
export const THRESHOLDS_FILE = 'thresholds.json';

/**
 * Unpacks a release's archive next to `dir`, and moves it there when everything in it was found correct and is on disk.
 * One pass, in pieces: nothing large is held or hashed at once, since doors are decided in the same process.
 * @param tar open for reading, `archive.bytes` long
 * @throws ReleaseRefused; UsherError `store-unavailable`
 */
export async function unpack(tar: FileHandle, release: ReleaseDocument, dir: string): Promise<void> {
  const staging = `${dir}.unpacking`;
  try {
    await kept(dir, () => rm(staging, { recursive: true, force: true }));
    await kept(dir, () => mkdir(staging, { mode: 0o700 }));
    const digests = await unpackFiles(tar, release, staging);
    await checkContent(release, staging, digests);
    await kept(dir, async () => {
      await syncFolder(staging);
      await rename(staging, dir);
      await syncFolder(path.dirname(dir));
    });
  } catch (error) {
    await rm(staging, { recursive: true, force: true }).catch(() => undefined);
    throw error;
  }
}

/** Name to digest of every file. */
async function unpackFiles(tar: FileHandle, release: ReleaseDocument, staging: string): Promise<Map<string, string>> {
  const { archive } = release;
  const whole = createHash('sha256');
  const digests = new Map<string, string>();
  const block = new Uint8Array(TAR_BLOCK);
  let at = 0;
  for (;;) {
    await readFully(tar, block, at, whole);
    at += TAR_BLOCK;
    const entry = readTarHeader(block);
    if (entry === null) break;
    if (digests.size === RELEASE_LIMITS.files) refuse('archive-too-many', `more than ${RELEASE_LIMITS.files}`);
    if (at + entry.bytes + padding(entry.bytes) > archive.bytes)
      refuse('archive-malformed', `${entry.name} goes beyond the end`);
    if (digests.has(entry.name)) refuse('archive-path', `${entry.name} twice`);
    digests.set(entry.name, await unpackFile(tar, path.join(staging, entry.name), entry.bytes, at, whole));
    at += entry.bytes;
    const rest = new Uint8Array(padding(entry.bytes));
    await readFully(tar, rest, at, whole);
    if (rest.some((byte) => byte !== 0)) refuse('archive-malformed', `bytes hidden behind ${entry.name}`);
    at += rest.length;
  }
  await readFully(tar, block, at, whole);
  if (block.some((byte) => byte !== 0) || at + TAR_BLOCK !== archive.bytes)
    refuse('archive-malformed', 'it does not end where it should');
  if (whole.digest('hex') !== archive.sha256) refuse('digest-mismatch', archive.path);
  return digests;
}

async function unpackFile(tar: FileHandle, file: string, bytes: number, from: number, whole: Hash): Promise<string> {
  const digest = createHash('sha256');
  const piece = new Uint8Array(Math.min(PIECE, Math.max(1, bytes)));
  await kept(file, async () => {
    // Exclusive, in a new folder, so that no one could put a link there.
    const out = await open(file, 'wx', 0o600);
    try {
      for (let done = 0; done < bytes;) {
        const part = piece.subarray(0, Math.min(piece.length, bytes - done));
        await readFully(tar, part, from + done, whole);
        digest.update(part);
        await out.writeFile(part);
        done += part.length;
      }
      await out.sync();
    } finally {
      await out.close();
    }
  });
  return digest.digest('hex');
}

async function readFully(tar: FileHandle, into: Uint8Array, from: number, whole: Hash): Promise<void> {
  for (let at = 0; at < into.length;) {
    const { bytesRead } = await kept('archive', () => tar.read(into, at, into.length - at, from + at));
    if (bytesRead === 0) refuse('archive-malformed', 'it ends early');
    at += bytesRead;
  }
  whole.update(into);
}

/** @throws ReleaseRefused */
async function checkContent(
  release: ReleaseDocument,
  dir: string,
  digests: ReadonlyMap<string, string>,
): Promise<void> {
  switch (release.kind) {
    case 'bundle':
      return checkBundle(release, dir, digests);
    case 'config': {
      checkOnly(CONFIG_FILE, digests);
      const text = await small(dir, CONFIG_FILE);
      try {
        parseReleased(text.toString('utf8'), CONFIG_FILE);
      } catch (error) {
        refuse('config-invalid', CONFIG_FILE, error);
      }
      return;
    }
    case 'thresholds': {
      checkOnly(THRESHOLDS_FILE, digests);
      const table = decode(ThresholdsFile, await small(dir, THRESHOLDS_FILE), TRANSFER_LIMITS.cardBytes);
      if (!table.ok) return refuse('thresholds-invalid', table.detail);
      const { model } = table.value;
      if (
        model.name !== release.model?.name ||
        model.version !== release.model.version ||
        model.sha256 !== release.model.sha256
      )
        refuse('thresholds-invalid', `they are for ${model.name} ${model.version}`);
    }
  }
}

async function checkBundle(release: ReleaseDocument, dir: string, digests: ReadonlyMap<string, string>): Promise<void> {
  if (!digests.has(CARD_FILE)) refuse('card-invalid', 'there is none');
  const decoded = decode(CardSchema, await small(dir, CARD_FILE), TRANSFER_LIMITS.cardBytes);
  if (!decoded.ok) return refuse('card-invalid', decoded.detail);
  const card = decoded.value;
  for (const name of digests.keys())
    if (name !== CARD_FILE && !Object.hasOwn(card.files, name)) refuse('file-unlisted', name);
  for (const [name, digest] of Object.entries(card.files)) {
    const actual = digests.get(name);
    if (actual === undefined) refuse('file-missing', name);
    if (actual !== digest) refuse('file-digest', name);
  }
  for (const name of neededFiles(card))
    if (!Object.hasOwn(card.files, name)) refuse('card-invalid', `it names ${name} and gives no digest for it`);
  const { model } = release;
  if (card.name !== model?.name || card.version !== model.version || card.files[card.model] !== model.sha256)
    refuse('card-differs', `${card.name} ${card.version}`);
  const space = card.output.decoding === 'embedding' ? card.output.space : null;
  if (space !== (release.embedding?.space ?? null)) refuse('card-differs', `embedding space ${space ?? 'none'}`);
}

function checkOnly(name: string, digests: ReadonlyMap<string, string>): void {
  if (!digests.has(name)) refuse('file-missing', name);
  for (const other of digests.keys()) if (other !== name) refuse('file-unlisted', other);
}

/** A file that is parsed: its size is limited before it is read. */
async function small(dir: string, name: string): Promise<Buffer> {
  const bytes = await kept(dir, async () => {
    const handle = await open(path.join(dir, name), 'r');
    try {
      return (await handle.stat()).size > TRANSFER_LIMITS.cardBytes ? null : await readFile(handle);
    } finally {
      await handle.close();
    }
  });
  return bytes ?? refuse('oversize', name);
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
