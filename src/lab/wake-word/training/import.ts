import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Bundle } from '../../../inference/bundle';
import { type Card, networksOf } from '../../../inference/card';
import { UsherError } from '../../../errors';
import { readOnnxFile } from '../../../onnx/reader';
import { MEL_BANDS } from '../../../voice/features/features';
import { NORM_EPSILON } from '../network/network';
import { createNetwork, GRU_LAYERS, KERNEL_FRAMES, type Network } from '../network/parameters';

/** The networks of a shipped word: the one that listens always, then its companions. @throws UsherError as `importNetwork` */
export async function readNetworks({ dir, card }: Bundle): Promise<[Network, ...Network[]]> {
  const files = networksOf(card).map(({ model }) => readFile(path.join(dir, model)));
  const networks = (await Promise.all(files)).map((onnx) => importNetwork(onnx, card));
  return networks as [Network, ...Network[]];
}

/**
 * Takes a shipped network apart again, to train it further. Its batch normalisations are folded into their neighbours and come back
 * as ones that change nothing; `calibrate` gives them the statistics of real sound.
 * @throws UsherError `model-invalid` for a network that this usher did not export
 */
export function importNetwork(onnx: Uint8Array, { name }: Pick<Card, 'name'>): Network {
  const { tensors } = readOnnxFile(onnx, name);
  const take = (key: string, dims: readonly number[]): Float32Array => {
    const data = tensors.get(key)?.data;
    if (!(data instanceof Float32Array) || data.length !== dims.reduce((a, b) => a * b, 1))
      throw new UsherError(
        'model-invalid',
        `${name} is not a wake word that usher exported: ${key} is missing or has another size`,
        {
          remedy: 'Fine-tune a bundle that usher train wake-word wrote.',
        },
      );
    return data;
  };
  // A constant that is missing is named by `take`.
  const sizeOf = (key: string): number => tensors.get(key)?.data?.length ?? 8;
  const [channels, units] = [sizeOf('conv_bias'), sizeOf('dense_kernel')];
  const network = createNetwork({ channels, units }, MEL_BANDS, 0);
  const { parameters, norm1, norm2 } = network;
  const kernel = take('conv_kernel', [channels, MEL_BANDS, KERNEL_FRAMES]);
  for (let frame = 0; frame < KERNEL_FRAMES; frame++)
    for (let band = 0; band < MEL_BANDS; band++)
      for (let channel = 0; channel < channels; channel++)
        parameters['conv.kernel'].data[(frame * MEL_BANDS + band) * channels + channel] = kernel[
          (channel * MEL_BANDS + band) * KERNEL_FRAMES + frame
        ] as number;
  parameters['norm1.beta'].data.set(take('conv_bias', [channels]));
  for (const layer of GRU_LAYERS) {
    const inputs = layer === 'gru1' ? channels : units;
    parameters[`${layer}.kernel`].data.set(transposed(take(`${layer}_w`, [3 * units, inputs]), 3 * units, inputs));
    parameters[`${layer}.recurrent`].data.set(transposed(take(`${layer}_r`, [3 * units, units]), 3 * units, units));
    parameters[`${layer}.bias`].data.set(take(`${layer}_b`, [2, 3 * units]));
  }
  parameters['dense.kernel'].data.set(take('dense_kernel', [units]));
  parameters['dense.bias'].data.set(take('dense_bias', [1]));
  // y = γ (x − 0) / √(1 − ε + ε) + β with γ = 1.
  for (const { variance } of [norm1, norm2]) variance.fill(1 - NORM_EPSILON);
  return network;
}

function transposed(data: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(data.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = data[i * columns + j] as number;
  return out;
}
