import type { OnnxGraph } from '../../onnx/writer';
import type { EspdlModel, EspdlNode } from './container';
import { type Kernel, toFloats, toOihw } from './kernels';
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
import { QdqGraph } from './qdq-graph';
import { INPUT, OUTPUT, type TargetShape } from './to-onnx';

/** Up to so many products per output a convolution is cheaper to run twice than an elementwise pass over its output is. */
const CHEAP_PRODUCTS = 27;

/**
 * Converts a quantised ESP-DL network into an ONNX graph of 8-bit arithmetic, with the activation scales of the file.
 *
 * onnxruntime has no 8-bit PRelu, and one in float between integer layers costs more than all of them together (measured: 11
 * of 17 ms). So PRelu(x) becomes relu((1 − slope)·x) + slope·x: two 8-bit convolutions and an Add. Where the convolution in
 * front is cheap (depthwise, few input channels) it is run twice instead, with the factors in its weights; behind others
 * stand two depthwise 1×1. Slopes above 1 (19 of MBF's 7,744) become 1. The last layer's output stays float.
 * @throws UsherError model-invalid for an operator or an arrangement that is not known here.
 */
export function espdlToInt8Onnx(model: EspdlModel, name: string, shape: TargetShape): OnnxGraph {
  return refusingDamage(() => new Int8Import(model, name).run(shape));
}

class Int8Import {
  private readonly qdq: QdqGraph;
  private readonly values = new Map<string, string>();
  private readonly pReluOf: ReadonlyMap<string, EspdlNode>;

  constructor(
    private readonly model: EspdlModel,
    name: string,
  ) {
    this.qdq = new QdqGraph(name);
    this.pReluOf = new Map(
      model.nodes.filter((node) => node.opType === 'PRelu').map((node) => [node.inputs[0] ?? '', node]),
    );
  }

  run(shape: TargetShape): OnnxGraph {
    const { input, output } = endsOf(this.model);
    const { graph } = this.qdq;
    this.values.set(input, this.qdq.round(graph.input(INPUT, shape.input), this.exponent(input)));
    for (const node of this.model.nodes) this.convert(node);
    graph.node('Identity', [this.value(output)], [OUTPUT]);
    graph.output(OUTPUT, shape.output);
    return graph;
  }

  private convert(node: EspdlNode): void {
    if ((node.attributes.get('activation') ?? 'Linear') !== 'Linear')
      throw invalid(`node ${node.name}: no 8-bit form of a fused activation is known`);
    const output = outputOf(node);
    switch (node.opType) {
      case 'Conv':
        return this.conv(node);
      case 'PRelu':
        // Done already where the convolution in front was run twice.
        if (!this.values.has(output)) this.values.set(output, this.pRelu(node));
        return;
      case 'Add':
        this.values.set(output, this.qdq.add(this.input(node, 0), this.input(node, 1), this.exponent(output)));
        return;
      case 'Transpose':
        requireLayoutChange(node);
        this.values.set(output, this.input(node, 0));
        return;
      case 'Flatten':
        return this.flatten(node);
      case 'Gemm':
        return this.gemm(node);
      default:
        throw invalid(`node ${node.name}: no 8-bit form of the operator ${node.opType} is known`);
    }
  }

  private conv(node: EspdlNode): void {
    const group = numberAttribute(node, 'group', 1);
    const kernel = toOihw(tensorOf(this.model, node, 1), group);
    const bias = biasOf(this.model, node, kernel.dims[0]);
    const attributes = {
      ...spatial(node, ['kernel_shape', 'pads', 'strides', 'dilations']),
      group: { int: group },
    };
    const input = { name: this.input(node, 0), exponent: this.exponent(node.inputs[0]) };
    const output = outputOf(node);
    const pRelu = this.pReluOf.get(output);
    if (pRelu === undefined || kernel.data.length / kernel.dims[0] > CHEAP_PRODUCTS) {
      this.values.set(output, this.qdq.conv(input, kernel, bias, attributes, { exponent: this.exponent(output) }));
      return;
    }
    const { slope, rest } = this.slopes(pRelu, kernel.dims[0]);
    const exponent = this.exponent(outputOf(pRelu));
    const bent = this.qdq.conv(input, kernel, bias, attributes, { exponent, positive: true }, rest);
    const straight = this.qdq.conv(input, kernel, bias, attributes, { exponent }, slope);
    this.values.set(outputOf(pRelu), this.qdq.add(straight, bent, exponent));
  }

  private pRelu(node: EspdlNode): string {
    const channels = tensorOf(this.model, node, 1).data.length;
    const { slope, rest } = this.slopes(node, channels);
    // Ones as 64 × 2^-6, scaled per channel.
    const ones: Kernel = { dims: [channels, 1, 1, 1], data: new Int8Array(channels).fill(64), exponents: [-6] };
    const attributes = { group: { int: channels }, kernel_shape: { ints: [1, 1] } };
    const input = { name: this.input(node, 0), exponent: this.exponent(node.inputs[0]) };
    const exponent = this.exponent(outputOf(node));
    const bent = this.qdq.conv(input, ones, null, attributes, { exponent, positive: true }, rest);
    const straight = this.qdq.conv(input, ones, null, attributes, { exponent }, slope);
    return this.qdq.add(straight, bent, exponent);
  }

  private slopes(node: EspdlNode, channels: number): { slope: Float32Array; rest: Float32Array } {
    const stored = tensorOf(this.model, node, 1);
    if (stored.data.length !== channels)
      throw invalid(`node ${node.name}: ${stored.data.length} slopes for ${channels} channels`);
    const slope = toFloats(stored.data, stored.exponents).map((a) => Math.min(1, a));
    return { slope, rest: slope.map((a) => 1 - a) };
  }

  private flatten(node: EspdlNode): void {
    const flat = this.qdq.fresh('f');
    this.qdq.graph.node('Flatten', [this.input(node, 0)], [flat], { axis: { int: 1 } });
    this.values.set(outputOf(node), this.qdq.round(flat, this.exponent(outputOf(node))));
  }

  private gemm(node: EspdlNode): void {
    const kernel = toOihw(tensorOf(this.model, node, 1), 1);
    const input = { name: this.input(node, 0), exponent: this.exponent(node.inputs[0]) };
    this.values.set(outputOf(node), this.qdq.gemm(input, kernel, biasOf(this.model, node, kernel.dims[0])));
  }

  private input(node: EspdlNode, index: number): string {
    return this.value(node.inputs[index] ?? '');
  }

  private value(name: string): string {
    const value = this.values.get(name);
    if (value === undefined) throw invalid(`"${name}" is used, but nothing before it makes it`);
    return value;
  }

  private exponent(name = ''): number {
    const [exponent, ...more] = this.model.exponents.get(name) ?? [];
    if (exponent === undefined || more.length > 0) throw invalid(`the activation "${name}" has no single scale`);
    return exponent;
  }
}
