import { UsherError } from '../errors';

/** What a stored vector is bound to. */
export interface TemplateBinding {
  readonly member: string;
  readonly space: string;
}

/**
 * How a vector lies in the database. The one place where templates pass between memory and disk, so that sealing them
 * (member and space as associated data) means another implementation of this interface and nothing else.
 */
export interface TemplateCodec {
  seal(vector: Float32Array, binding: TemplateBinding): Uint8Array;
  /** @throws UsherError `store-unavailable` for bytes that `seal` cannot have made */
  open(bytes: Uint8Array, binding: TemplateBinding): Float32Array;
}

/** float32, little-endian, nothing around it. */
export const PLAIN_CODEC: TemplateCodec = {
  seal(vector) {
    const bytes = new Uint8Array(vector.length * 4);
    const view = new DataView(bytes.buffer);
    vector.forEach((value, i) => view.setFloat32(i * 4, value, true));
    return bytes;
  },

  open(bytes, { member }) {
    if (bytes.length === 0 || bytes.length % 4 !== 0)
      throw new UsherError('store-unavailable', `a template of member ${member} is damaged (${bytes.length} bytes)`, {
        remedy: `Enrol the member again: usher enroll --replace --id ${member} …`,
      });
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const vector = new Float32Array(bytes.length / 4);
    for (let i = 0; i < vector.length; i += 1) vector[i] = view.getFloat32(i * 4, true);
    return vector;
  },
};
