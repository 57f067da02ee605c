import { OnnxGraph } from '../bundles/onnx-writer';
import type { AudioFeaturesInput } from '../inference/card';
import { FEATURE_VERSION, MEL_BANDS, SAMPLE_RATE_HZ } from '../voice/features';
import { NORM_EPSILON } from './network';
import { CONTEXT_FRAMES, KERNEL_FRAMES, type Moments, type Network, type Parameter, STRIDE_FRAMES } from './parameters';

export const SCORES = 'scores';
const FEATURES = 'features';

/** What the card says of the input of a network that `exportOnnx` wrote. */
export function exportedInput({ shape }: Network): AudioFeaturesInput {
  const state = (name: string, dims: number[]) => ({ input: name, output: `${name}_next`, dims });
  return {
    kind: 'audio-features',
    name: FEATURES,
    features: FEATURE_VERSION,
    sampleRateHz: SAMPLE_RATE_HZ,
    bands: MEL_BANDS,
    framesPerStep: STRIDE_FRAMES,
    states: [
      state('context', [1, CONTEXT_FRAMES, MEL_BANDS]),
      state('state1', [1, 1, shape.units]),
      state('state2', [1, 1, shape.units]),
    ],
  };
}

/**
 * The network as ONNX, streaming: features [1, 3 × steps, 40] and the states that the last run left, to scores [steps, 1] and the next
 * states. Both batch normalisations are folded into the layer beside them: nothing is left of training.
 */
export function exportOnnx(network: Network): Uint8Array {
  const { parameters, norm1, norm2, shape } = network;
  const input = exportedInput(network);
  const [context, state1, state2] = input.states;
  if (context === undefined || state1 === undefined || state2 === undefined) throw new RangeError('three states');
  const graph = new OnnxGraph('wake-word');
  graph.input(FEATURES, [1, 'frames', MEL_BANDS]);
  for (const { input: name, dims } of input.states) graph.input(name, dims);
  graph.node('Concat', [context.input, FEATURES], ['seen'], { axis: { int: 1 } });
  const ints = (name: string, values: bigint[]): string =>
    graph.initializer(name, [values.length], BigInt64Array.from(values));
  const past = ints('past', [BigInt(-CONTEXT_FRAMES)]);
  const end = ints('end', [2n ** 62n]);
  const time = ints('time', [1n]);
  graph.node('Slice', ['seen', past, end, time], [context.output]);
  graph.node('Transpose', ['seen'], ['bands_first'], { perm: { ints: [0, 2, 1] } });
  const folded = foldIntoConvolution(
    parameters['conv.kernel'],
    parameters['norm1.gamma'],
    parameters['norm1.beta'],
    norm1,
  );
  const kernel = graph.initializer('conv_kernel', [shape.channels, MEL_BANDS, KERNEL_FRAMES], folded.kernel);
  const bias = graph.initializer('conv_bias', [shape.channels], folded.bias);
  graph.node('Conv', ['bands_first', kernel, bias], ['convolved'], { strides: { ints: [STRIDE_FRAMES] } });
  graph.node('Relu', ['convolved'], ['active']);
  graph.node('Transpose', ['active'], ['sequence'], { perm: { ints: [2, 0, 1] } });
  addGru(graph, network, 'gru1', { x: 'sequence', y: 'hidden1', state: state1.input, next: state1.output });
  addGru(graph, network, 'gru2', { x: 'hidden1', y: 'hidden2', state: state2.input, next: state2.output });
  const dense = foldIntoDense(network, norm2);
  graph.node('Reshape', ['hidden2', ints('rows', [-1n, BigInt(shape.units)])], ['rows_of_units']);
  const weights = graph.initializer('dense_kernel', [shape.units, 1], dense.kernel);
  const offset = graph.initializer('dense_bias', [1], dense.bias);
  graph.node('Gemm', ['rows_of_units', weights, offset], ['logits']);
  graph.node('Sigmoid', ['logits'], [SCORES]);
  graph.output(SCORES, ['steps', 1]);
  for (const { output, dims } of input.states) graph.output(output, dims);
  return graph.encode();
}

function addGru(
  graph: OnnxGraph,
  { parameters, shape: { units } }: Network,
  layer: 'gru1' | 'gru2',
  names: { x: string; y: string; state: string; next: string },
): void {
  const kernel = parameters[`${layer}.kernel`];
  const [inputs] = kernel.dims;
  const wide = 3 * units;
  // Gates z, r, h in ONNX as here; its matrices have a row for each output.
  const w = graph.initializer(`${layer}_w`, [1, wide, inputs], transposed(kernel));
  const r = graph.initializer(`${layer}_r`, [1, wide, units], transposed(parameters[`${layer}.recurrent`]));
  const b = graph.initializer(`${layer}_b`, [1, 2 * wide], parameters[`${layer}.bias`].data);
  graph.node('GRU', [names.x, w, r, b, '', names.state], [`${layer}_y`, names.next], {
    hidden_size: { int: units },
    linear_before_reset: { int: 1 },
  });
  const direction = graph.initializer(`${layer}_direction`, [1], BigInt64Array.from([1n]));
  graph.node('Squeeze', [`${layer}_y`, direction], [names.y]);
}

/** y = γ (k·x − μ) / √(σ² + ε) + β as one kernel, [channels, bands, width] as ONNX has it, and one bias. */
function foldIntoConvolution(kernel: Parameter, gamma: Parameter, beta: Parameter, { mean, variance }: Moments) {
  const channels = mean.length;
  const gain = gainOf(gamma.data, variance);
  const folded = new Float32Array(kernel.data.length);
  for (let frame = 0; frame < KERNEL_FRAMES; frame++)
    for (let band = 0; band < MEL_BANDS; band++)
      for (let channel = 0; channel < channels; channel++)
        folded[(channel * MEL_BANDS + band) * KERNEL_FRAMES + frame] =
          (kernel.data[(frame * MEL_BANDS + band) * channels + channel] as number) * (gain[channel] as number);
  const bias = Float32Array.from(beta.data, (value, i) => value - (gain[i] as number) * (mean[i] as number));
  return { kernel: folded, bias };
}

function foldIntoDense({ parameters }: Network, { mean, variance }: Moments) {
  const gain = gainOf(parameters['norm2.gamma'].data, variance);
  const kernel = Float32Array.from(parameters['dense.kernel'].data, (value, i) => value * (gain[i] as number));
  let bias = parameters['dense.bias'].data[0] as number;
  parameters['norm2.beta'].data.forEach((beta, i) => {
    bias += beta * (parameters['dense.kernel'].data[i] as number) - (kernel[i] as number) * (mean[i] as number);
  });
  return { kernel, bias: Float32Array.of(bias) };
}

function gainOf(gamma: Float32Array, variance: Float32Array): Float64Array {
  return Float64Array.from(gamma, (value, i) => value / Math.sqrt((variance[i] as number) + NORM_EPSILON));
}

function transposed({ dims: [rows, columns], data }: Parameter): Float32Array {
  const out = new Float32Array(data.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = data[i * columns + j] as number;
  return out;
}
