import { seal, unseal } from '../keys/aead';
import { damaged } from '../keys/keyring';
import type { TemplateSource } from './member';

/** What a stored vector is bound to, so that sealed bytes cannot be moved. */
export interface TemplateBinding {
  readonly member: string;
  readonly space: string;
  /** If an adapted template could pass as an enrolled one, templates could drift away from the person. */
  readonly source: TemplateSource;
}

/** Version of the record inside the seal: float32, little-endian. It is authenticated. */
const RECORD_VERSION = 2;
const FLOAT_BYTES = 4;

/** Encodes a vector for the database; the only place where templates pass between memory and disk. */
export interface TemplateCodec {
  seal(vector: Float32Array, binding: TemplateBinding, memberKey: Uint8Array): Uint8Array;
  /** @throws UsherError `member-damaged` for bytes that were altered, or sealed for another member, space or version */
  open(bytes: Uint8Array, binding: TemplateBinding, memberKey: Uint8Array): Float32Array;
}

export const SEALED_CODEC: TemplateCodec = {
  seal(vector, { member, space, source }, memberKey) {
    const bytes = new Uint8Array(vector.length * 4);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < vector.length; i += 1) view.setFloat32(i * 4, vector[i] ?? 0, true);
    try {
      return seal(memberKey, bytes, ['template', member, space, RECORD_VERSION, source]);
    } finally {
      bytes.fill(0);
    }
  },

  open(bytes, { member, space, source }, memberKey) {
    const plain = unseal(memberKey, bytes, ['template', member, space, RECORD_VERSION, source]);
    if (plain === null) throw damaged(member, 'a template');
    try {
      if (plain.length === 0 || plain.length % FLOAT_BYTES !== 0) throw damaged(member, 'a template');
      return vectorOf(plain);
    } finally {
      plain.fill(0);
    }
  },
};

/** @param bytes float32, little-endian */
export function vectorOf(bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const vector = new Float32Array(bytes.length / 4);
  for (let i = 0; i < vector.length; i += 1) vector[i] = view.getFloat32(i * 4, true);
  return vector;
}
