import { OnnxGraph } from '../bundles/onnx-writer';
import { joinFloats } from '../evaluation/float32';
import type { AudioFeaturesInput } from '../inference/card';
import { FEATURE_VERSION, MEL_BANDS, SAMPLE_RATE_HZ } from '../voice/features';
import { NORM_EPSILON } from './network';
import {
  CONTEXT_FRAMES,
  GRU_LAYERS,
  type GruLayer,
  KERNEL_FRAMES,
  type Network,
  type Parameter,
  STRIDE_FRAMES,
} from './parameters';

export const SCORES = 'scores';
const FEATURES = 'features';

/** The name of one member's own tensor: the first has the plain ones. */
export const ofMember = (name: string, member: number): string => (member === 0 ? name : `${name}_${member + 1}`);

/** What the card says of the input of networks that `exportOnnx` wrote. */
export function exportedInput(members: readonly Network[]): AudioFeaturesInput {
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
      // Of all recurrences in one tensor: handing each over costs more than taking them apart within.
      state('state', [1, 1, sum(members.map(({ shape }) => GRU_LAYERS.length * shape.units))]),
    ],
  };
}

/**
 * The networks as one ONNX, streaming: features [1, 3 × steps, 40] and the states that the last run left, to scores [steps, 1] and the
 * next states. Of several the score is that of their mean logit: networks that were trained apart seldom mistake the same sound for the
 * word. They share the convolution and the last layer, in which each has channels and weights of its own; only the recurrences are apart.
 * Both batch normalisations are folded into the layer beside them: nothing is left of training.
 */
export function exportOnnx(members: readonly Network[]): Uint8Array {
  if (members.length === 0) throw new RangeError('no network');
  const input = exportedInput(members);
  const graph = new OnnxGraph('wake-word');
  graph.input(FEATURES, [1, 'frames', MEL_BANDS]);
  for (const { input: name, dims } of input.states) graph.input(name, dims);
  const ints = (name: string, values: readonly (number | bigint)[]): string =>
    graph.initializer(name, [values.length], BigInt64Array.from(values.map(BigInt)));
  const split = (whole: string, name: string, sizes: readonly number[]): string[] => {
    const parts = sizes.map((_, i) => ofMember(name, i));
    if (parts.length === 1) return [whole];
    graph.node('Split', [whole, ints(`${name}_sizes`, sizes)], parts, { axis: { int: 2 } });
    return parts;
  };
  const join = (parts: readonly string[], name: string): string => {
    if (parts.length === 1) return parts[0] as string;
    graph.node('Concat', parts, [name], { axis: { int: 2 } });
    return name;
  };

  graph.node('Concat', ['context', FEATURES], ['seen'], { axis: { int: 1 } });
  const range = [ints('past', [-CONTEXT_FRAMES]), ints('end', [2n ** 62n]), ints('time', [1])];
  graph.node('Slice', ['seen', ...range], ['context_next']);
  graph.node('Transpose', ['seen'], ['bands_first'], { perm: { ints: [0, 2, 1] } });
  const channels = members.map(({ shape }) => shape.channels);
  const folded = members.map(foldIntoConvolution);
  const kernels = joinFloats(folded.map(({ kernel }) => kernel));
  const kernel = graph.initializer('conv_kernel', [sum(channels), MEL_BANDS, KERNEL_FRAMES], kernels);
  const bias = graph.initializer('conv_bias', [sum(channels)], joinFloats(folded.map((one) => one.bias)));
  graph.node('Conv', ['bands_first', kernel, bias], ['convolved'], { strides: { ints: [STRIDE_FRAMES] } });
  graph.node('Relu', ['convolved'], ['active']);
  graph.node('Transpose', ['active'], ['sequence'], { perm: { ints: [2, 0, 1] } });

  const units = members.flatMap(({ shape }) => GRU_LAYERS.map(() => shape.units));
  const states = split('state', 'state_before', units);
  const nexts = states.map((_, i) => ofMember('state_after', i));
  const sequences = split('sequence', 'member_sequence', channels);
  const hidden = members.map((network, member) =>
    GRU_LAYERS.reduce((x, layer, i) => {
      const at = GRU_LAYERS.length * member + i;
      return addGru(graph, network, member, layer, { x, state: states[at] as string, next: nexts[at] as string });
    }, sequences[member] as string),
  );
  graph.node('Concat', nexts, ['state_next'], { axis: { int: 2 } });

  const dense = members.map(foldIntoDense);
  const wide = sum(members.map(({ shape }) => shape.units));
  const mean = (values: Float32Array): Float32Array => values.map((value) => value / members.length);
  graph.node('Reshape', [join(hidden, 'hidden'), ints('rows', [-1, wide])], ['rows_of_units']);
  const weights = graph.initializer('dense_kernel', [wide, 1], mean(joinFloats(dense.map((one) => one.kernel))));
  const offset = graph.initializer('dense_bias', [1], mean(Float32Array.of(sum(dense.map((one) => one.bias)))));
  graph.node('Gemm', ['rows_of_units', weights, offset], ['logits']);
  graph.node('Sigmoid', ['logits'], [SCORES]);
  graph.output(SCORES, ['steps', 1]);
  for (const { output, dims } of input.states) graph.output(output, dims);
  return graph.encode();
}

/** @returns the name of what it gives at every step, [steps, 1, units] */
function addGru(
  graph: OnnxGraph,
  { parameters, shape: { units } }: Network,
  member: number,
  layer: GruLayer,
  { x, state, next }: { x: string; state: string; next: string },
): string {
  const own = (name: string): string => ofMember(`${layer}_${name}`, member);
  const kernel = parameters[`${layer}.kernel`];
  const [inputs] = kernel.dims;
  const wide = 3 * units;
  // Gates z, r, h in ONNX as here; its matrices have a row for each output.
  const w = graph.initializer(own('w'), [1, wide, inputs], transposed(kernel));
  const r = graph.initializer(own('r'), [1, wide, units], transposed(parameters[`${layer}.recurrent`]));
  const b = graph.initializer(own('b'), [1, 2 * wide], parameters[`${layer}.bias`].data);
  graph.node('GRU', [x, w, r, b, '', state], [own('y'), next], {
    hidden_size: { int: units },
    linear_before_reset: { int: 1 },
  });
  const direction = graph.initializer(own('direction'), [1], BigInt64Array.from([1n]));
  graph.node('Squeeze', [own('y'), direction], [own('hidden')]);
  return own('hidden');
}

/** y = γ (k·x − μ) / √(σ² + ε) + β as one kernel, [channels, bands, width] as ONNX has it, and one bias. */
function foldIntoConvolution({ parameters, norm1: { mean, variance } }: Network) {
  const kernel = parameters['conv.kernel'];
  const channels = mean.length;
  const gain = gainOf(parameters['norm1.gamma'].data, variance);
  const folded = new Float32Array(kernel.data.length);
  for (let frame = 0; frame < KERNEL_FRAMES; frame++)
    for (let band = 0; band < MEL_BANDS; band++)
      for (let channel = 0; channel < channels; channel++)
        folded[(channel * MEL_BANDS + band) * KERNEL_FRAMES + frame] =
          (kernel.data[(frame * MEL_BANDS + band) * channels + channel] as number) * (gain[channel] as number);
  const bias = Float32Array.from(
    parameters['norm1.beta'].data,
    (value, i) => value - (gain[i] as number) * (mean[i] as number),
  );
  return { kernel: folded, bias };
}

function foldIntoDense({ parameters, norm2: { mean, variance } }: Network) {
  const gain = gainOf(parameters['norm2.gamma'].data, variance);
  const kernel = Float32Array.from(parameters['dense.kernel'].data, (value, i) => value * (gain[i] as number));
  let bias = parameters['dense.bias'].data[0] as number;
  parameters['norm2.beta'].data.forEach((beta, i) => {
    bias += beta * (parameters['dense.kernel'].data[i] as number) - (kernel[i] as number) * (mean[i] as number);
  });
  return { kernel, bias };
}

function gainOf(gamma: Float32Array, variance: Float32Array): Float64Array {
  return Float64Array.from(gamma, (value, i) => value / Math.sqrt((variance[i] as number) + NORM_EPSILON));
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

function transposed({ dims: [rows, columns], data }: Parameter): Float32Array {
  const out = new Float32Array(data.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = data[i * columns + j] as number;
  return out;
}
