import { Builder, type Offset } from 'flatbuffers';

export interface TestTensor {
  name: string;
  dims: number[];
  data: Int8Array | Int32Array;
  exponents: number[];
}
export interface TestNode {
  op: string;
  name: string;
  inputs: string[];
  output: string;
  ints?: Record<string, number[]>;
  int?: Record<string, number>;
  string?: Record<string, string>;
}
export interface TestModel {
  nodes: TestNode[];
  tensors: TestTensor[];
  input: string;
  output: string;
  /** Of activations in between, by name. */
  exponents?: Record<string, number>;
}

/** Writes an ESP-DL file by its published schema, with the official FlatBuffers builder: independent of our reader. */
export function buildEspdl(model: TestModel): Uint8Array {
  const b = new Builder(1024);
  const strings = (values: string[]): Offset =>
    offsets(
      b,
      values.map((value) => b.createString(value)),
    );
  const info = (name: string, exponent: number): Offset => {
    const nameAt = b.createString(name);
    const exponents = int64s(b, [exponent]);
    b.startObject(4);
    b.addFieldOffset(0, nameAt, 0);
    b.addFieldOffset(3, exponents, 0);
    return b.endObject();
  };
  const nodes = model.nodes.map((node) => {
    const attributes = offsets(b, [
      ...Object.entries(node.ints ?? {}).map(([name, value]) => attribute(b, name, 7, value)),
      ...Object.entries(node.int ?? {}).map(([name, value]) => attribute(b, name, 2, value)),
      ...Object.entries(node.string ?? {}).map(([name, value]) => attribute(b, name, 3, value)),
    ]);
    const [inputs, outputs, name, op] = [
      strings(node.inputs),
      strings([node.output]),
      b.createString(node.name),
      b.createString(node.op),
    ];
    b.startObject(7);
    [inputs, outputs, name, op].forEach((offset, slot) => b.addFieldOffset(slot, offset, 0));
    b.addFieldOffset(5, attributes, 0);
    return b.endObject();
  });
  const nodesAt = offsets(b, nodes);
  const tensorsAt = offsets(
    b,
    model.tensors.map((tensor) => tensorTable(b, tensor)),
  );
  const inputAt = offsets(b, [info(model.input, -6)]);
  const outputAt = offsets(b, [info(model.output, -5)]);
  const valuesAt = offsets(
    b,
    Object.entries(model.exponents ?? {}).map(([name, exponent]) => info(name, exponent)),
  );
  b.startObject(10);
  b.addFieldOffset(6, valuesAt, 0);
  b.addFieldOffset(0, nodesAt, 0);
  b.addFieldOffset(2, tensorsAt, 0);
  b.addFieldOffset(4, inputAt, 0);
  b.addFieldOffset(5, outputAt, 0);
  const graph = b.endObject();
  b.startObject(10);
  b.addFieldOffset(7, graph, 0);
  b.finish(b.endObject());
  return withHeader(b.asUint8Array());
}

export function withHeader(
  payload: Uint8Array,
  { magic = 'EDL2', mode = 0, length = payload.length } = {},
): Uint8Array {
  const header = Buffer.alloc(16);
  header.write(magic, 'latin1');
  header.writeUInt32LE(mode, 4);
  header.writeUInt32LE(length, 8);
  return Buffer.concat([header, payload]);
}

function attribute(b: Builder, name: string, type: number, value: number | string | number[]): Offset {
  const nameAt = b.createString(name);
  const vector =
    typeof value === 'string' ? b.createByteVector(Buffer.from(value)) : Array.isArray(value) ? int64s(b, value) : 0;
  b.startObject(16);
  b.addFieldOffset(0, nameAt, 0);
  b.addFieldInt32(3, type, 0);
  if (typeof value === 'number') {
    b.prep(8, 8);
    b.writeInt64(BigInt(value));
    b.addFieldStruct(5, b.offset(), 0);
  } else b.addFieldOffset(typeof value === 'string' ? 6 : 11, vector, 0);
  return b.endObject();
}

function tensorTable(b: Builder, tensor: TestTensor): Offset {
  const name = b.createString(tensor.name);
  const dims = int64s(b, tensor.dims);
  const exponents = int64s(b, tensor.exponents);
  const raw = new Uint8Array(Math.ceil(tensor.data.byteLength / 16) * 16);
  raw.set(new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength));
  b.startVector(16, raw.length / 16, 16);
  for (let i = raw.length - 1; i >= 0; i--) b.writeInt8(raw[i] as number);
  const data = b.endVector();
  b.startObject(14);
  b.addFieldOffset(0, dims, 0);
  b.addFieldInt32(1, tensor.data instanceof Int8Array ? 3 : 6, 0);
  b.addFieldOffset(6, name, 0);
  b.addFieldOffset(8, data, 0);
  b.addFieldOffset(13, exponents, 0);
  return b.endObject();
}

function int64s(b: Builder, values: number[]): Offset {
  b.startVector(8, values.length, 8);
  for (const value of [...values].reverse()) b.addInt64(BigInt(value));
  return b.endVector();
}

function offsets(b: Builder, values: Offset[]): Offset {
  b.startVector(4, values.length, 4);
  for (const value of [...values].reverse()) b.addOffset(value);
  return b.endVector();
}
