import type { Card } from '../inference/card';
import { UsherError } from '../errors';
import { MEL_BANDS } from '../voice/features';
import { ofMember } from './export';
import { NORM_EPSILON } from './network';
import { createNetwork, GRU_LAYERS, KERNEL_FRAMES, type Network, type NetworkShape } from './parameters';
import { type OnnxTensor, readInitializers } from './onnx-initializers';

/**
 * Takes a shipped word apart again, to train it further: its network, or all whose mean it answers. Their batch normalisations are folded
 * into their neighbours and come back as ones that change nothing; `calibrate` gives them the statistics of real sound.
 * @returns one at least
 * @throws UsherError `model-invalid` for networks that this usher did not export
 */
export function importNetworks(onnx: Uint8Array, { name }: Pick<Card, 'name'>): Network[] {
  const tensors = readInitializers(onnx);
  const take = (key: string, length: number): Float32Array => {
    const tensor = tensors.get(key);
    if (tensor?.data.length !== length)
      throw new UsherError(
        'model-invalid',
        `${name} is no wake word that usher exported: ${key} is missing or of another size`,
        {
          remedy: 'Fine-tune a bundle that usher train wake-word wrote.',
        },
      );
    return tensor.data;
  };
  const shapes = shapesOf(tensors);
  const sums = shapes.reduce((a, b) => ({ channels: a.channels + b.channels, units: a.units + b.units }));
  const kernel = take('conv_kernel', sums.channels * MEL_BANDS * KERNEL_FRAMES);
  const bias = take('conv_bias', sums.channels);
  const dense = take('dense_kernel', sums.units);
  const offset = take('dense_bias', 1);
  const first = { channel: 0, unit: 0 };
  return shapes.map((shape, member) => {
    const { channels, units } = shape;
    const network = createNetwork(shape, MEL_BANDS, 0);
    const { parameters, norm1, norm2 } = network;
    for (let frame = 0; frame < KERNEL_FRAMES; frame++)
      for (let band = 0; band < MEL_BANDS; band++)
        for (let channel = 0; channel < channels; channel++)
          parameters['conv.kernel'].data[(frame * MEL_BANDS + band) * channels + channel] = kernel[
            ((first.channel + channel) * MEL_BANDS + band) * KERNEL_FRAMES + frame
          ] as number;
    parameters['norm1.beta'].data.set(bias.subarray(first.channel, first.channel + channels));
    for (const layer of GRU_LAYERS) {
      const inputs = layer === 'gru1' ? channels : units;
      const own = (part: string, length: number): Float32Array => take(ofMember(`${layer}_${part}`, member), length);
      const wide = 3 * units;
      parameters[`${layer}.kernel`].data.set(transposed(own('w', wide * inputs), wide, inputs));
      parameters[`${layer}.recurrent`].data.set(transposed(own('r', wide * units), wide, units));
      parameters[`${layer}.bias`].data.set(own('b', 2 * wide));
    }
    // What is shipped is a mean's share.
    parameters['dense.kernel'].data.set(
      dense.subarray(first.unit, first.unit + units).map((value) => value * shapes.length),
    );
    parameters['dense.bias'].data.set(offset);
    // y = γ (x − 0) / √(1 − ε + ε) + β with γ = 1.
    for (const { variance } of [norm1, norm2]) variance.fill(1 - NORM_EPSILON);
    first.channel += channels;
    first.unit += units;
    return network;
  });
}

/** By the recurrences, of which each member has its own. Of one that has none the smallest, which nothing fits. */
function shapesOf(tensors: ReadonlyMap<string, OnnxTensor>): [NetworkShape, ...NetworkShape[]] {
  const sizeOf = (name: string, member: number): number => tensors.get(ofMember(name, member))?.data.length ?? 0;
  const shapeOf = (member: number): NetworkShape => {
    const units = Math.max(8, Math.round(Math.sqrt(sizeOf('gru1_r', member) / 3)));
    return { channels: Math.max(8, Math.round(sizeOf('gru1_w', member) / (3 * units))), units };
  };
  const shapes: [NetworkShape, ...NetworkShape[]] = [shapeOf(0)];
  while (sizeOf('gru1_r', shapes.length) > 0) shapes.push(shapeOf(shapes.length));
  return shapes;
}

function transposed(data: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(data.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = data[i * columns + j] as number;
  return out;
}
