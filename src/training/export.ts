import { OnnxGraph } from '../bundles/onnx-writer';
import type { AudioFeaturesInput } from '../inference/card';
import { FEATURE_VERSION, MEL_BANDS, SAMPLE_RATE_HZ } from '../voice/features';
import { NORM_EPSILON } from './network';
import { CONTEXT_FRAMES, KERNEL_FRAMES, type Moments, type Network, type Parameter, STRIDE_FRAMES } from './parameters';

export const SCORES = 'scores';
const FEATURES = 'features';

/** The name of one member's own tensor: the first has the plain ones. */
export const ofMember = (name: string, member: number): string => (member === 0 ? name : `${name}_${member + 1}`);

/** What the card says of the input of networks that `exportOnnx` wrote. */
export function exportedInput(members: readonly Network[]): AudioFeaturesInput {
  const state = (name: string, dims: number[]) => ({ input: name, output: `${name}_next`, dims });
  const remembered = members.flatMap(({ shape: { units } }, member) => [
    state(`state${2 * member + 1}`, [1, 1, units]),
    state(`state${2 * member + 2}`, [1, 1, units]),
  ]);
  return {
    kind: 'audio-features',
    name: FEATURES,
    features: FEATURE_VERSION,
    sampleRateHz: SAMPLE_RATE_HZ,
    bands: MEL_BANDS,
    framesPerStep: STRIDE_FRAMES,
    states: [state('context', [1, CONTEXT_FRAMES, MEL_BANDS]), ...remembered],
  };
}

/**
 * The networks as one ONNX, streaming: features [1, 3 × steps, 40] and the states that the last run left, to scores [steps, 1] and the
 * next states. Of several the score is that of their mean logit: networks that were trained apart seldom mistake the same sound for the
 * word. Both batch normalisations are folded into the layer beside them: nothing is left of training.
 */
export function exportOnnx(members: readonly Network[]): Uint8Array {
  const input = exportedInput(members);
  const [context, ...remembered] = input.states;
  if (context === undefined || remembered.length === 0) throw new RangeError('no network');
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
  const logits = members.map((network, member) => addMember(graph, network, member, remembered.slice(2 * member)));
  if (logits.length > 1) graph.node('Mean', logits, ['mean_logits']);
  graph.node('Sigmoid', [logits.length > 1 ? 'mean_logits' : (logits[0] as string)], [SCORES]);
  graph.output(SCORES, ['steps', 1]);
  for (const { output, dims } of input.states) graph.output(output, dims);
  return graph.encode();
}

/** One network, from the frames that all share to its logits [steps, 1], whose name is returned. */
function addMember(
  graph: OnnxGraph,
  network: Network,
  member: number,
  [state1, state2]: readonly { readonly input: string; readonly output: string }[],
): string {
  const { parameters, norm1, norm2, shape } = network;
  if (state1 === undefined || state2 === undefined) throw new RangeError('two states');
  const own = (name: string): string => ofMember(name, member);
  const folded = foldIntoConvolution(
    parameters['conv.kernel'],
    parameters['norm1.gamma'],
    parameters['norm1.beta'],
    norm1,
  );
  const kernel = graph.initializer(own('conv_kernel'), [shape.channels, MEL_BANDS, KERNEL_FRAMES], folded.kernel);
  const bias = graph.initializer(own('conv_bias'), [shape.channels], folded.bias);
  graph.node('Conv', ['bands_first', kernel, bias], [own('convolved')], { strides: { ints: [STRIDE_FRAMES] } });
  graph.node('Relu', [own('convolved')], [own('active')]);
  graph.node('Transpose', [own('active')], [own('sequence')], { perm: { ints: [2, 0, 1] } });
  addGru(graph, network, 'gru1', own, { x: 'sequence', y: 'hidden1', state: state1 });
  addGru(graph, network, 'gru2', own, { x: 'hidden1', y: 'hidden2', state: state2 });
  const dense = foldIntoDense(network, norm2);
  const rows = graph.initializer(own('rows'), [2], BigInt64Array.from([-1n, BigInt(shape.units)]));
  graph.node('Reshape', [own('hidden2'), rows], [own('rows_of_units')]);
  const weights = graph.initializer(own('dense_kernel'), [shape.units, 1], dense.kernel);
  const offset = graph.initializer(own('dense_bias'), [1], dense.bias);
  graph.node('Gemm', [own('rows_of_units'), weights, offset], [own('logits')]);
  return own('logits');
}

function addGru(
  graph: OnnxGraph,
  { parameters, shape: { units } }: Network,
  layer: 'gru1' | 'gru2',
  own: (name: string) => string,
  { x, y, state }: { x: string; y: string; state: { readonly input: string; readonly output: string } },
): void {
  const kernel = parameters[`${layer}.kernel`];
  const [inputs] = kernel.dims;
  const wide = 3 * units;
  // Gates z, r, h in ONNX as here; its matrices have a row for each output.
  const w = graph.initializer(own(`${layer}_w`), [1, wide, inputs], transposed(kernel));
  const r = graph.initializer(own(`${layer}_r`), [1, wide, units], transposed(parameters[`${layer}.recurrent`]));
  const b = graph.initializer(own(`${layer}_b`), [1, 2 * wide], parameters[`${layer}.bias`].data);
  graph.node('GRU', [own(x), w, r, b, '', state.input], [own(`${layer}_y`), state.output], {
    hidden_size: { int: units },
    linear_before_reset: { int: 1 },
  });
  const direction = graph.initializer(own(`${layer}_direction`), [1], BigInt64Array.from([1n]));
  graph.node('Squeeze', [own(`${layer}_y`), direction], [own(y)]);
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
