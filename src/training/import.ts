import type { Card } from '../inference/card';
import { UsherError } from '../errors';
import { MEL_BANDS } from '../voice/features';
import { ofMember } from './export';
import { NORM_EPSILON } from './network';
import { createNetwork, KERNEL_FRAMES, type Network } from './parameters';
import { type OnnxTensor, readInitializers } from './onnx-initializers';

/**
 * Takes a shipped word apart again, to train it further: its network, or all whose mean it answers. Their batch normalisations are folded
 * into their neighbours and come back as ones that change nothing; `calibrate` gives them the statistics of real sound.
 * @returns one at least
 * @throws UsherError `model-invalid` for networks that this usher did not export
 */
export function importNetworks(onnx: Uint8Array, card: Pick<Card, 'name'>): Network[] {
  const tensors = readInitializers(onnx);
  const members: Network[] = [];
  do members.push(importMember(tensors, card, members.length));
  while (tensors.has(ofMember('conv_bias', members.length)));
  return members;
}

function importMember(tensors: ReadonlyMap<string, OnnxTensor>, { name }: Pick<Card, 'name'>, member: number): Network {
  const take = (plain: string, dims: readonly number[]): Float32Array => {
    const key = ofMember(plain, member);
    const tensor = tensors.get(key);
    if (tensor === undefined || tensor.data.length !== dims.reduce((a, b) => a * b, 1))
      throw new UsherError(
        'model-invalid',
        `${name} is no wake word that usher exported: ${key} is missing or of another size`,
        {
          remedy: 'Fine-tune a bundle that usher train wake-word wrote.',
        },
      );
    return tensor.data;
  };
  const channels = sizeOf(tensors, ofMember('conv_bias', member));
  const units = sizeOf(tensors, ofMember('dense_kernel', member));
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
  for (const layer of ['gru1', 'gru2'] as const) {
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

function sizeOf(tensors: ReadonlyMap<string, OnnxTensor>, name: string): number {
  return tensors.get(name)?.data.length ?? 8;
}

function transposed(data: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(data.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = data[i * columns + j] as number;
  return out;
}
