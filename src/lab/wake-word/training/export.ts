import { OnnxGraph } from '../../../onnx/writer';
import type { AudioFeaturesInput } from '../../../inference/card';
import { FEATURE_VERSION, MEL_BANDS, SAMPLE_RATE_HZ } from '../../../voice/features/features';
import { NORM_EPSILON } from '../network/network';
import {
  CONTEXT_FRAMES,
  GRU_LAYERS,
  type GruLayer,
  KERNEL_FRAMES,
  type Network,
  type Parameter,
  STRIDE_FRAMES,
} from '../network/parameters';

export const SCORES = 'scores';
export const LOGITS = 'logits';
const FEATURES = 'features';

/** What a card says of the input of a network that `exportOnnx` wrote. */
export function exportedInput({ shape }: Pick<Network, 'shape'>): AudioFeaturesInput {
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
      // Of both recurrences in one tensor: handing each over costs more than taking them apart within.
      state('state', [1, 1, GRU_LAYERS.length * shape.units]),
    ],
  };
}

/**
 * When companions listen. With the first network at 0.05 no certainty of another makes the mean reach a threshold. With a memory of 10 s
 * “jarvis” answered as with companions that are always awake, false accept for false accept; with 3.6 s some scores differed by 0.001.
 * Where people talk all the time, waking adds half of what one network computes.
 */
export const COMPANION_RULES = { logits: LOGITS, wakeScore: 0.05, memoryMs: 10_000, restMs: 300 };

/**
 * The network as ONNX, streaming: features [1, 3 × steps, 40] and the states that the last run left, to scores [steps, 1], their logits
 * and the next states. Both batch normalisations are folded into the adjacent layer, so that nothing of training is left.
 */
export function exportOnnx(network: Network): Uint8Array {
  const { channels, units } = network.shape;
  const { states } = exportedInput(network);
  const graph = new OnnxGraph('wake-word');
  graph.input(FEATURES, [1, 'frames', MEL_BANDS]);
  for (const { input, dims } of states) graph.input(input, dims);
  const ints = (name: string, values: readonly (number | bigint)[]): string =>
    graph.initializer(name, [values.length], BigInt64Array.from(values.map(BigInt)));

  graph.node('Concat', ['context', FEATURES], ['seen'], { axis: { int: 1 } });
  const range = [ints('past', [-CONTEXT_FRAMES]), ints('end', [2n ** 62n]), ints('time', [1])];
  graph.node('Slice', ['seen', ...range], ['context_next']);
  graph.node('Transpose', ['seen'], ['bands_first'], { perm: { ints: [0, 2, 1] } });
  const folded = foldIntoConvolution(network);
  const kernel = graph.initializer('conv_kernel', [channels, MEL_BANDS, KERNEL_FRAMES], folded.kernel);
  const bias = graph.initializer('conv_bias', [channels], folded.bias);
  graph.node('Conv', ['bands_first', kernel, bias], ['convolved'], { strides: { ints: [STRIDE_FRAMES] } });
  graph.node('Relu', ['convolved'], ['active']);
  graph.node('Transpose', ['active'], ['sequence'], { perm: { ints: [2, 0, 1] } });

  const before = GRU_LAYERS.map((layer) => `${layer}_before`);
  const after = GRU_LAYERS.map((layer) => `${layer}_after`);
  const sizes = ints('state_sizes', [units, units]);
  graph.node('Split', ['state', sizes], before, { axis: { int: 2 } });
  const hidden = GRU_LAYERS.reduce(
    (x, layer, i) => addGru(graph, network, layer, { x, state: before[i] as string, next: after[i] as string }),
    'sequence',
  );
  graph.node('Concat', after, ['state_next'], { axis: { int: 2 } });

  const dense = foldIntoDense(network);
  graph.node('Reshape', [hidden, ints('rows', [-1, units])], ['rows_of_units']);
  const weights = graph.initializer('dense_kernel', [units, 1], dense.kernel);
  const offset = graph.initializer('dense_bias', [1], Float32Array.of(dense.bias));
  graph.node('Gemm', ['rows_of_units', weights, offset], [LOGITS]);
  graph.node('Sigmoid', [LOGITS], [SCORES]);
  for (const name of [SCORES, LOGITS]) graph.output(name, ['steps', 1]);
  for (const { output, dims } of states) graph.output(output, dims);
  return graph.encode();
}

/** @returns the name of what it gives at every step, [steps, 1, units] */
function addGru(
  graph: OnnxGraph,
  { parameters, shape: { units } }: Network,
  layer: GruLayer,
  { x, state, next }: { x: string; state: string; next: string },
): string {
  const kernel = parameters[`${layer}.kernel`];
  const [inputs] = kernel.dims;
  const wide = 3 * units;
  // Gates z, r, h in ONNX as here; its matrices have a row for each output.
  const w = graph.initializer(`${layer}_w`, [1, wide, inputs], transposed(kernel));
  const r = graph.initializer(`${layer}_r`, [1, wide, units], transposed(parameters[`${layer}.recurrent`]));
  const b = graph.initializer(`${layer}_b`, [1, 2 * wide], parameters[`${layer}.bias`].data);
  graph.node('GRU', [x, w, r, b, '', state], [`${layer}_y`, next], {
    hidden_size: { int: units },
    linear_before_reset: { int: 1 },
  });
  const direction = graph.initializer(`${layer}_direction`, [1], BigInt64Array.from([1n]));
  graph.node('Squeeze', [`${layer}_y`, direction], [`${layer}_hidden`]);
  return `${layer}_hidden`;
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

function transposed({ dims: [rows, columns], data }: Parameter): Float32Array {
  const out = new Float32Array(data.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = data[i * columns + j] as number;
  return out;
}
