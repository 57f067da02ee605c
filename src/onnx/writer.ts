import type { TensorData } from '../inference/model';
import { ProtoWriter } from './protobuf';

/** One attribute of an ONNX node; the key says the type, because ONNX tells 1 from 1.0 and one number from a list of one. */
export type OnnxAttribute =
  | { readonly int: number | bigint }
  | { readonly ints: readonly (number | bigint)[] }
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly string: string };

/** A fixed size, or the name of a free one. */
export type OnnxDim = number | string;

export type OnnxElementType = 'float32' | 'uint8' | 'int8' | 'int32' | 'int64';

/** Numbers of onnx.proto's `TensorProto.DataType`. */
const ELEMENT_TYPE: Record<OnnxElementType, number> = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7 };
const ATTRIBUTE_TYPE = { float: 1, int: 2, string: 3, floats: 6, ints: 7 } as const;
/** The newest file format that goes with each operator set that we write. */
const IR_VERSION = 8;

/**
 * Builds one ONNX model in memory. Field numbers are those of onnx.proto (github.com/onnx/onnx, v1.16). Nodes must be added in an
 * order in which every input is there before it is used; the runtime checks types and shapes at load.
 */
export class OnnxGraph {
  private readonly nodes: ProtoWriter[] = [];
  private readonly initializers: ProtoWriter[] = [];
  private readonly inputs: ProtoWriter[] = [];
  private readonly outputs: ProtoWriter[] = [];
  private readonly known = new Set<string>(['']);

  constructor(
    readonly name: string,
    readonly opset = 17,
  ) {}

  input(name: string, dims: readonly OnnxDim[], type: OnnxElementType = 'float32'): string {
    this.define(name);
    this.inputs.push(valueInfo(name, dims, type));
    return name;
  }

  output(name: string, dims: readonly OnnxDim[], type: OnnxElementType = 'float32'): void {
    this.require(name);
    this.outputs.push(valueInfo(name, dims, type));
  }

  /** A constant. `dims` [] is a scalar. The data's own type is the tensor's. */
  initializer(name: string, dims: readonly number[], data: TensorData): string {
    const count = dims.reduce((product, dim) => product * dim, 1);
    if (count !== data.length)
      throw new RangeError(`initializer ${name}: ${data.length} values for dims [${dims.join(', ')}]`);
    this.define(name);
    this.initializers.push(tensorProto(name, dims, data));
    return name;
  }

  /** An input named '' is an optional one left out. */
  node(
    opType: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
  ): void {
    inputs.forEach((input) => this.require(input));
    outputs.forEach((output) => this.define(output));
    const node = new ProtoWriter();
    inputs.forEach((input) => node.string(1, input));
    outputs.forEach((output) => node.string(2, output));
    node.string(3, `${opType}_${this.nodes.length}`).string(4, opType);
    for (const [name, attribute] of Object.entries(attributes)) node.message(5, encodeAttribute(name, attribute));
    this.nodes.push(node);
  }

  /** The bytes of the `.onnx` file. */
  encode(): Uint8Array {
    const graph = new ProtoWriter();
    this.nodes.forEach((node) => graph.message(1, node));
    graph.string(2, this.name);
    this.initializers.forEach((tensor) => graph.message(5, tensor));
    this.inputs.forEach((value) => graph.message(11, value));
    this.outputs.forEach((value) => graph.message(12, value));
    const operatorSet = new ProtoWriter().string(1, '').varint(2, this.opset);
    return new ProtoWriter()
      .varint(1, IR_VERSION)
      .string(2, 'usher')
      .message(7, graph)
      .message(8, operatorSet)
      .finish();
  }

  private define(name: string): void {
    if (name !== '' && this.known.has(name)) throw new RangeError(`graph ${this.name}: ${name} is defined twice`);
    this.known.add(name);
  }

  private require(name: string): void {
    if (!this.known.has(name)) throw new RangeError(`graph ${this.name}: ${name} is used before it is defined`);
  }
}

/** An `initializer` of a graph. */
export function tensorProto(name: string, dims: readonly number[], data: TensorData): ProtoWriter {
  const tensor = new ProtoWriter().packedVarints(1, dims).varint(2, ELEMENT_TYPE[elementTypeOf(data)]);
  return tensor.string(8, name).bytes(9, littleEndianBytes(data));
}

/** An `input` or `output` of a graph. */
export function valueInfo(name: string, dims: readonly OnnxDim[], type: OnnxElementType): ProtoWriter {
  const shape = new ProtoWriter();
  for (const dim of dims) {
    const dimension = new ProtoWriter();
    shape.message(1, typeof dim === 'number' ? dimension.varint(1, dim) : dimension.string(2, dim));
  }
  const tensorType = new ProtoWriter().varint(1, ELEMENT_TYPE[type]).message(2, shape);
  return new ProtoWriter().string(1, name).message(2, new ProtoWriter().message(1, tensorType));
}

function encodeAttribute(name: string, attribute: OnnxAttribute): ProtoWriter {
  const writer = new ProtoWriter().string(1, name);
  if ('float' in attribute) return writer.float(2, attribute.float).varint(20, ATTRIBUTE_TYPE.float);
  if ('int' in attribute) return writer.varint(3, attribute.int).varint(20, ATTRIBUTE_TYPE.int);
  if ('string' in attribute) return writer.string(4, attribute.string).varint(20, ATTRIBUTE_TYPE.string);
  if ('floats' in attribute) return writer.packedFloats(7, attribute.floats).varint(20, ATTRIBUTE_TYPE.floats);
  return writer.packedVarints(8, attribute.ints).varint(20, ATTRIBUTE_TYPE.ints);
}

function elementTypeOf(data: TensorData): OnnxElementType {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Uint8Array) return 'uint8';
  if (data instanceof Int8Array) return 'int8';
  return data instanceof Int32Array ? 'int32' : 'int64';
}

/** ONNX raw data is little-endian, as is every machine that onnxruntime-node is built for. */
function littleEndianBytes(data: TensorData): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
