import { UsherError } from '../../errors';
import type { OnnxAttribute } from '../../onnx/writer';
import type { EspdlModel, EspdlNode, EspdlTensor } from './container';
import { toFloats } from './kernels';

/** Reading of one node, as all conversions need it; what is not there or not understood is `model-invalid`. */

export function outputOf(node: EspdlNode): string {
  const [output] = node.outputs;
  if (output === undefined) throw invalid(`node ${node.name} makes nothing`);
  return output;
}

export function spatial(node: EspdlNode, names: readonly string[]): Record<string, OnnxAttribute> {
  const entries = names.flatMap((name) => {
    const value = node.attributes.get(name);
    return Array.isArray(value) ? [[name, { ints: value as readonly number[] }] as const] : [];
  });
  return Object.fromEntries(entries);
}

export function numberAttribute(node: EspdlNode, name: string, otherwise: number): number {
  const value = node.attributes.get(name) ?? otherwise;
  if (typeof value !== 'number') throw invalid(`node ${node.name}: ${name} is no number`);
  return value;
}

export function invalid(what: string): UsherError {
  return new UsherError('model-invalid', `cannot convert the ESP-DL model: ${what}`);
}

export function tensorOf(model: EspdlModel, node: EspdlNode, index: number): EspdlTensor {
  const tensor = model.initializers.get(node.inputs[index] ?? '');
  if (tensor === undefined) throw invalid(`node ${node.name}: its input ${index} is no stored tensor`);
  return tensor;
}

/** The single input and output of a network. */
export function endsOf(model: EspdlModel): { input: string; output: string } {
  const [input, ...moreInputs] = model.inputs;
  const [output, ...moreOutputs] = model.outputs;
  if (input === undefined || output === undefined || moreInputs.length + moreOutputs.length > 0)
    throw invalid('the network must have one input and one output');
  return { input, output };
}

/** Real values of a bias, one for each channel; null where the node has none. */
export function biasOf(model: EspdlModel, node: EspdlNode, channels: number): Float32Array | null {
  if (node.inputs.length < 3) return null;
  const bias = tensorOf(model, node, 2);
  if (bias.data.length !== channels)
    throw invalid(`node ${node.name}: ${bias.data.length} bias values for ${channels} channels`);
  return toFloats(bias.data, bias.exponents);
}

const LAYOUT_PERMUTATIONS = ['0,3,1,2', '0,2,3,1'];

/** Refuses a Transpose that does more than move the channels between last and second. */
export function requireLayoutChange(node: EspdlNode): void {
  const permutation = node.attributes.get('perm');
  if (!Array.isArray(permutation) || !LAYOUT_PERMUTATIONS.includes(permutation.join()))
    throw invalid(`node ${node.name}: a Transpose that does more than change the layout`);
}

/** The graph refuses names that are defined twice and data that does not fit its dims: the file's fault, not ours. */
export function refusingDamage<T>(build: () => T): T {
  try {
    return build();
  } catch (error) {
    if (error instanceof RangeError) throw invalid(error.message);
    throw error;
  }
}
