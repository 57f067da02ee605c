import { CHUNK_HEADER_BYTES, CHUNK_MAX_BYTES } from '../../mqtt/topics/update-payloads';
import { sha256Hex } from '../../digest';

/** One chunk of a file as it travels over MQTT. `parts` 0: there is no such file. */
export interface Part {
  readonly index: number;
  readonly parts: number;
  readonly fileBytes: number;
  readonly bytes: Uint8Array;
}

const MAGIC = 0x55434831; // "UCH1"

/** The level of a topic that stands for a file: it contains neither dots nor slashes. */
export function fileKey(path: string): string {
  return sha256Hex(path).slice(0, 40);
}

export function encodePart({ index, parts, fileBytes, bytes }: Part): Buffer {
  const header = Buffer.alloc(CHUNK_HEADER_BYTES);
  header.writeUInt32BE(MAGIC, 0);
  header.writeUInt32BE(index, 4);
  header.writeUInt32BE(parts, 8);
  header.writeUInt32BE(fileBytes, 12);
  return Buffer.concat([header, bytes]);
}

/** Null for an invalid or contradictory chunk. */
export function decodePart(payload: Uint8Array): Part | null {
  if (payload.length < CHUNK_HEADER_BYTES || payload.length > CHUNK_HEADER_BYTES + CHUNK_MAX_BYTES) return null;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  if (view.getUint32(0) !== MAGIC) return null;
  const index = view.getUint32(4);
  const parts = view.getUint32(8);
  const fileBytes = view.getUint32(12);
  const bytes = payload.subarray(CHUNK_HEADER_BYTES);
  if (parts === 0)
    return index === 0 && fileBytes === 0 && bytes.length === 0 ? { index, parts, fileBytes, bytes } : null;
  if (index >= parts || bytes.length > fileBytes || (bytes.length === 0 && fileBytes > 0)) return null;
  return { index, parts, fileBytes, bytes };
}

/** A file in parts of at most `partBytes`; one empty part for an empty file. */
export function* partsOf(file: Uint8Array, partBytes: number): Generator<Part> {
  const parts = Math.max(1, Math.ceil(file.length / partBytes));
  for (let index = 0; index < parts; index++)
    yield { index, parts, fileBytes: file.length, bytes: file.subarray(index * partBytes, (index + 1) * partBytes) };
}

export const NO_SUCH_FILE: Part = { index: 0, parts: 0, fileBytes: 0, bytes: new Uint8Array(0) };
