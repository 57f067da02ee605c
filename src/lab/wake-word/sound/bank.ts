import { readFile } from 'node:fs/promises';
import { systemCode } from '../../../errors';
import { writeDurably } from '../../../files/durable-file';
import { sha256Hex } from '../../../digest';

/** Where in a clip its word lies, in samples from the clip's beginning. */
export interface WordSpan {
  readonly start: number;
  readonly end: number;
}

/** One sound, on its way into a bank. */
export interface Clip {
  /** For people: corpus and file, or voice and text. */
  readonly name: string;
  readonly samples: Int16Array;
  readonly word?: WordSpan;
}

/**
 * Many clips in one piece of shared memory: a bank is handed to worker threads without a copy, and holds hours in 16-bit samples.
 * Plain data, so that it can be sent.
 */
export interface SoundBank {
  /** 16 kHz, one channel. */
  readonly samples: Int16Array;
  /** Clip i is `samples[offsets[i], offsets[i + 1])`; one entry more than there are clips. */
  readonly offsets: Int32Array;
  /** Of clip i's word, relative to the clip: start at 2i, end at 2i + 1; −1 where it has none. */
  readonly words: Int32Array;
  readonly names: readonly string[];
  /** SHA-256 of each clip's samples, in hexadecimal. */
  readonly hashes: readonly string[];
}

export const clipCount = (bank: SoundBank): number => bank.names.length;
export const clipStart = (bank: SoundBank, i: number): number => bank.offsets[i] as number;
export const clipStop = (bank: SoundBank, i: number): number => bank.offsets[i + 1] as number;
export const clipLength = (bank: SoundBank, i: number): number => clipStop(bank, i) - clipStart(bank, i);
/** A view, no copy. */
export const clipSamples = (bank: SoundBank, i: number): Int16Array =>
  bank.samples.subarray(clipStart(bank, i), clipStop(bank, i));

export function wordOf(bank: SoundBank, i: number): WordSpan | null {
  const end = bank.words[2 * i + 1] as number;
  return end < 0 ? null : { start: bank.words[2 * i] as number, end };
}

export function secondsOf(bank: SoundBank, rateHz: number): number {
  return bank.samples.length / rateHz;
}

export function contentHash(samples: Int16Array): string {
  return sha256Hex(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength));
}

export function buildBank(clips: readonly Clip[]): SoundBank {
  const total = clips.reduce((sum, { samples }) => sum + samples.length, 0);
  const samples = sharedInt16(total);
  const offsets = sharedInt32(clips.length + 1);
  const words = sharedInt32(2 * clips.length);
  let at = 0;
  clips.forEach((clip, i) => {
    samples.set(clip.samples, at);
    at += clip.samples.length;
    offsets[i + 1] = at;
    words[2 * i] = clip.word?.start ?? -1;
    words[2 * i + 1] = clip.word?.end ?? -1;
  });
  return {
    samples,
    offsets,
    words,
    names: clips.map(({ name }) => name),
    hashes: clips.map((clip) => contentHash(clip.samples)),
  };
}

/** The clips of `bank` that `keep` wants, as a bank of their own; the whole bank itself where that is all. */
export function selectClips(bank: SoundBank, keep: (index: number) => boolean): SoundBank {
  const chosen = bank.names.map((_, i) => i).filter(keep);
  return chosen.length === clipCount(bank) ? bank : gather(chosen.map((index) => ({ bank, index })));
}

export function joinBanks(banks: readonly SoundBank[]): SoundBank {
  const [only] = banks;
  if (only !== undefined && banks.length === 1) return only;
  return gather(banks.flatMap((bank) => bank.names.map((_, index) => ({ bank, index }))));
}

function gather(picks: readonly { readonly bank: SoundBank; readonly index: number }[]): SoundBank {
  const total = picks.reduce((sum, { bank, index }) => sum + clipLength(bank, index), 0);
  const samples = sharedInt16(total);
  const offsets = sharedInt32(picks.length + 1);
  const words = sharedInt32(2 * picks.length);
  let at = 0;
  picks.forEach(({ bank, index }, i) => {
    samples.set(clipSamples(bank, index), at);
    at += clipLength(bank, index);
    offsets[i + 1] = at;
    words[2 * i] = bank.words[2 * index] as number;
    words[2 * i + 1] = bank.words[2 * index + 1] as number;
  });
  return {
    samples,
    offsets,
    words,
    names: picks.map(({ bank, index }) => bank.names[index] as string),
    hashes: picks.map(({ bank, index }) => bank.hashes[index] as string),
  };
}

const sharedInt16 = (length: number): Int16Array => new Int16Array(new SharedArrayBuffer(2 * length));
const sharedInt32 = (length: number): Int32Array => new Int32Array(new SharedArrayBuffer(4 * length));

interface Header {
  readonly names: readonly string[];
  readonly hashes: readonly string[];
  readonly lengths: readonly number[];
  readonly words: readonly number[];
}

/** A run that is broken off leaves no half bank. */
export function saveBank(file: string, bank: SoundBank): void {
  const header: Header = {
    names: bank.names,
    hashes: bank.hashes,
    lengths: bank.names.map((_, i) => clipLength(bank, i)),
    words: [...bank.words],
  };
  const json = Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(4);
  size.writeUInt32LE(json.length);
  const { buffer, byteOffset, byteLength } = bank.samples;
  writeDurably(file, Buffer.concat([size, json, Buffer.from(buffer, byteOffset, byteLength)]), 'public');
}

/** @returns null where there is no such bank, or one that does not hold what its header says */
export async function loadBank(file: string): Promise<SoundBank | null> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw error;
  }
  try {
    const size = bytes.readUInt32LE(0);
    const header = JSON.parse(bytes.toString('utf8', 4, 4 + size)) as Header;
    const total = header.lengths.reduce((sum, length) => sum + length, 0);
    const body = bytes.subarray(4 + size);
    if (body.length !== 2 * total) return null;
    const samples = sharedInt16(total);
    Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength).set(body);
    const offsets = sharedInt32(header.lengths.length + 1);
    header.lengths.forEach((length, i) => (offsets[i + 1] = (offsets[i] as number) + length));
    const words = sharedInt32(header.words.length);
    words.set(header.words);
    return { samples, offsets, words, names: header.names, hashes: header.hashes };
  } catch {
    return null;
  }
}
