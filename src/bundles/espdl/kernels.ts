import { UsherError } from '../../errors';
import type { EspdlTensor } from './container';

/** Integers of a weight tensor in ONNX order, with the scale 2^exponent of each output channel. */
export interface Kernel {
  /** Output channels, input channels per group, height, width. */
  readonly dims: readonly [number, number, number, number];
  readonly data: EspdlTensor['data'];
  /** One entry, or one per output channel. */
  readonly exponents: readonly number[];
}

/** ESP-DL keeps 16 output channels side by side, for its vector unit. */
const BLOCK = 16;

/**
 * Reorders a stored [h, w, c, o] kernel to OIHW. In the file, output channels come in blocks of 16: (⌊o/16⌋, h, w, c, 16), then
 * the remainder as (h, w, c, o mod 16). Of a depthwise kernel (groups > 1, o = 1) the channels c take the place of o.
 * @throws UsherError model-invalid when the tensor is no kernel.
 */
export function toOihw(tensor: EspdlTensor, groups: number): Kernel {
  const [height, width, channels, outputs, ...rest] = tensor.dims;
  if (height === undefined || width === undefined || channels === undefined || outputs === undefined || rest.length > 0)
    throw new UsherError('model-invalid', `weight ${tensor.name} has ${tensor.dims.length} dimensions instead of 4`);
  const depthwise = groups > 1 && outputs === 1;
  const [o, i] = depthwise ? [channels, 1] : [outputs, channels];
  if (tensor.exponents.length !== 1 && tensor.exponents.length !== o)
    throw new UsherError(
      'model-invalid',
      `weight ${tensor.name} has ${tensor.exponents.length} scales for ${o} channels`,
    );
  return { dims: [o, i, height, width], data: reorder(tensor.data, o, i, height * width), exponents: tensor.exponents };
}

function reorder(stored: EspdlTensor['data'], o: number, i: number, positions: number): EspdlTensor['data'] {
  const data = stored.slice();
  const blocked = o - (o % BLOCK);
  for (let output = 0; output < o; output++) {
    const lanes = output < blocked ? BLOCK : o - blocked;
    const first = output < blocked ? output - (output % BLOCK) : blocked;
    const base = first * i * positions + (output - first);
    for (let position = 0; position < positions; position++)
      for (let input = 0; input < i; input++)
        data[(output * i + input) * positions + position] = stored[base + (position * i + input) * lanes] as number;
  }
  return data;
}

/** real = integer × 2^exponent, the exponents spread evenly over the values in order; none means 2^0. */
export function toFloats(data: EspdlTensor['data'], exponents: readonly number[]): Float32Array {
  const floats = new Float32Array(data.length);
  const perExponent = Math.ceil(data.length / Math.max(1, exponents.length));
  for (let start = 0; start < data.length; start += perExponent) {
    const scale = 2 ** (exponents[start / perExponent] ?? 0);
    const end = Math.min(start + perExponent, data.length);
    for (let index = start; index < end; index++) floats[index] = (data[index] as number) * scale;
  }
  return floats;
}
