import { OnnxGraph, type OnnxAttribute, type OnnxDim } from '../../onnx/writer';
import type { EspdlModel, EspdlNode } from './container';
import { toFloats, toOihw } from './kernels';
import {
  biasOf,
  endsOf,
  invalid,
  numberAttribute,
  outputOf,
  refusingDamage,
  requireLayoutChange,
  spatial,
  tensorOf,
} from './nodes';
import { addPRelu } from './prelu';

export interface TargetShape {
  /** NCHW. */
  readonly input: readonly OnnxDim[];
  readonly output: readonly OnnxDim[];
}

/** Names of the input and output of every graph that `espdlToOnnx` writes. */
export const INPUT = 'input';
export const OUTPUT = 'output';

/** The channel axis comes last in ESP-DL, second in ONNX. */
const CONCAT_AXIS = new Map([
  [0, 0],
  [3, 1],
  [1, 2],
  [2, 3],
]);

/**
 * Decodes a quantised ESP-DL network into a float32 ONNX graph in NCHW: every weight becomes integer × 2^exponent, activations
 * are no longer rounded. Layout transposes vanish, because ONNX is channels-first throughout.
 * @throws UsherError model-invalid for an operator or an arrangement that is not known here.
 */
export function espdlToOnnx(model: EspdlModel, name: string, shape: TargetShape): OnnxGraph {
  return refusingDamage(() => new FloatImport(model, name).run(shape));
}

class FloatImport {
  private readonly graph: OnnxGraph;
  /** ESP-DL value → the name that holds it in the graph. */
  private readonly values = new Map<string, string>();

  constructor(
    private readonly model: EspdlModel,
    name: string,
  ) {
    this.graph = new OnnxGraph(name);
  }

  run(shape: TargetShape): OnnxGraph {
    const { input, output } = endsOf(this.model);
    this.values.set(input, this.graph.input(INPUT, shape.input));
    for (const node of this.model.nodes) this.convert(node);
    this.graph.node('Identity', [this.value(output, 'the network output')], [OUTPUT]);
    this.graph.output(OUTPUT, shape.output);
    return this.graph;
  }

  private convert(node: EspdlNode): void {
    switch (node.opType) {
      case 'Conv':
        return this.conv(node);
      case 'Gemm':
        return this.gemm(node);
      case 'PRelu':
        return this.pRelu(node);
      case 'Add':
      case 'Mul':
        return this.emit(node, node.opType, [this.input(node, 0), this.input(node, 1)]);
      case 'Relu':
      case 'Sigmoid':
      case 'GlobalAveragePool':
        return this.emit(node, node.opType, [this.input(node, 0)]);
      case 'Flatten':
        return this.emit(node, 'Flatten', [this.input(node, 0)], { axis: { int: 1 } });
      case 'AveragePool':
        return this.emit(
          node,
          'AveragePool',
          [this.input(node, 0)],
          spatial(node, ['kernel_shape', 'pads', 'strides']),
        );
      case 'Concat':
        return this.concat(node);
      case 'Transpose':
        return this.transpose(node);
      default:
        throw invalid(`node ${node.name}: the operator ${node.opType} is not known`);
    }
  }

  private conv(node: EspdlNode): void {
    const group = numberAttribute(node, 'group', 1);
    const kernel = toOihw(tensorOf(this.model, node, 1), group);
    const weight = this.graph.initializer(`${node.name}:weight`, kernel.dims, toFloats(kernel.data, kernel.exponents));
    const attributes = spatial(node, ['kernel_shape', 'pads', 'strides', 'dilations']);
    this.emit(node, 'Conv', [this.input(node, 0), weight, ...this.bias(node, kernel.dims[0])], {
      ...attributes,
      group: { int: group },
    });
  }

  private gemm(node: EspdlNode): void {
    if (numberAttribute(node, 'alpha', 1) !== 1 || numberAttribute(node, 'beta', 1) !== 1)
      throw invalid(`node ${node.name}: a Gemm with alpha or beta is not known`);
    const { dims, data, exponents } = toOihw(tensorOf(this.model, node, 1), 1);
    const [outputs, channels, height, width] = dims;
    const weight = this.graph.initializer(
      `${node.name}:weight`,
      [outputs, channels * height * width],
      toFloats(data, exponents),
    );
    this.emit(node, 'Gemm', [this.input(node, 0), weight, ...this.bias(node, outputs)], { transB: { int: 1 } });
  }

  private pRelu(node: EspdlNode): void {
    const slope = tensorOf(this.model, node, 1);
    const output = `${node.name}:out`;
    addPRelu(this.graph, this.input(node, 0), toFloats(slope.data, slope.exponents), output);
    this.values.set(outputOf(node), output);
  }

  private concat(node: EspdlNode): void {
    const axis = CONCAT_AXIS.get(numberAttribute(node, 'axis', -1));
    if (axis === undefined) throw invalid(`node ${node.name}: Concat over an unknown axis`);
    const inputs = node.inputs.map((_, index) => this.input(node, index));
    this.emit(node, 'Concat', inputs, { axis: { int: axis } });
  }

  private transpose(node: EspdlNode): void {
    requireLayoutChange(node);
    this.values.set(outputOf(node), this.input(node, 0));
  }

  /** Adds the node, and the activation that ESP-DL fuses into it. */
  private emit(
    node: EspdlNode,
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
  ): void {
    const activation = node.attributes.get('activation') ?? 'Linear';
    if (activation !== 'Linear' && activation !== 'Relu')
      throw invalid(`node ${node.name}: the activation ${String(activation)} is not known`);
    const output = `${node.name}:out`;
    const linear = activation === 'Linear' ? output : `${node.name}:linear`;
    this.graph.node(opType, inputs, [linear], attributes);
    if (activation === 'Relu') this.graph.node('Relu', [linear], [output]);
    this.values.set(outputOf(node), output);
  }

  private bias(node: EspdlNode, channels: number): string[] {
    const bias = biasOf(this.model, node, channels);
    return bias === null ? [] : [this.graph.initializer(`${node.name}:bias`, [channels], bias)];
  }

  private input(node: EspdlNode, index: number): string {
    return this.value(node.inputs[index] ?? '', `node ${node.name}`);
  }

  private value(name: string, user: string): string {
    const value = this.values.get(name);
    if (value === undefined) throw invalid(`${user} reads "${name}", which nothing before it makes`);
    return value;
  }
}
