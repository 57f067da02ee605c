import { messageOf, UsherError } from '../errors';
import { integersOf, type ProtoField, readFields, textOf } from './protobuf';

/** A constant of an ONNX graph. Element types that no network here computes with are left as no data. */
export interface OnnxTensor {
  readonly dims: readonly number[];
  readonly data: Float32Array | BigInt64Array | null;
}

export interface OnnxNode {
  readonly opType: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly ints: Readonly<Record<string, readonly number[]>>;
  readonly floats: Readonly<Record<string, number>>;
}

/** What an `.onnx` file holds, as far as rebuilding or retouching a network needs it. */
export interface OnnxFile {
  readonly nodes: readonly OnnxNode[];
  readonly tensors: ReadonlyMap<string, OnnxTensor>;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

const FLOAT32 = 1;
const INT64 = 7;

/** Of onnx.proto's `ModelProto`. */
const GRAPH = 7;
const OPERATOR_SETS = 8;

/**
 * Reads nodes and constants (field numbers of onnx.proto, github.com/onnx/onnx, v1.16).
 * @throws UsherError `model-invalid` when the bytes are no ONNX model, or not all of one
 */
export function readOnnxFile(bytes: Uint8Array, name: string): OnnxFile {
  return refusingDamage(name, () => {
    const graph = readFields(graphOf(readModel(bytes)));
    const of = (number: number): ProtoField[][] =>
      graph.filter((field) => field.number === number).map(({ bytes: message }) => readFields(message));
    return {
      nodes: of(1).map(nodeOf),
      tensors: new Map(of(5).map((fields) => [textIn(fields, 8), tensorOf(fields)])),
      inputs: of(11).map((fields) => textIn(fields, 1)),
      outputs: of(12).map((fields) => textIn(fields, 1)),
    };
  });
}

/** The fields of a whole model: a file that ends behind its graph lacks the operator sets. @throws RangeError */
export function readModel(bytes: Uint8Array): readonly ProtoField[] {
  const model = readFields(bytes);
  for (const [number, what] of [
    [GRAPH, 'graph'],
    [OPERATOR_SETS, 'operator set'],
  ] as const)
    if (!model.some((field) => field.number === number)) throw new RangeError(`there is no ${what} in it`);
  return model;
}

/** @throws UsherError `model-invalid` where the work finds bytes that are no ONNX model */
export function refusingDamage<T>(name: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof UsherError) throw error;
    throw new UsherError('model-invalid', `${name} cannot be read as an ONNX model: ${messageOf(error)}`, {
      remedy: 'Fetch or build it again: usher models ensure',
      cause: error,
    });
  }
}

const graphOf = (model: readonly ProtoField[]): Uint8Array =>
  model.find(({ number }) => number === GRAPH)?.bytes ?? new Uint8Array(0);

function nodeOf(fields: readonly ProtoField[]): OnnxNode {
  const ints: Record<string, readonly number[]> = {};
  const floats: Record<string, number> = {};
  for (const { number, bytes } of fields) {
    if (number !== 5) continue;
    const attribute = readFields(bytes);
    const name = textIn(attribute, 1);
    const float = attribute.find((field) => field.number === 2);
    if (float !== undefined) floats[name] = Buffer.from(float.bytes).readFloatLE();
    const integers = [...integersOf(attribute, 8), ...integersOf(attribute, 3)];
    if (integers.length > 0) ints[name] = integers;
  }
  return { opType: textIn(fields, 4), inputs: textsIn(fields, 1), outputs: textsIn(fields, 2), ints, floats };
}

function tensorOf(fields: readonly ProtoField[]): OnnxTensor {
  const dims = integersOf(fields, 1);
  const count = dims.reduce((product, dim) => product * dim, 1);
  const [type] = integersOf(fields, 2);
  const raw = fields.find(({ number }) => number === 9)?.bytes;
  const packed = fields.find(({ number }) => number === 4)?.bytes;
  if (type === FLOAT32) {
    const source = raw ?? packed;
    if (source?.length !== count * 4) throw new RangeError(`a constant of ${count} floats holds other bytes`);
    return { dims, data: new Float32Array(aligned(source)) };
  }
  if (type === INT64 && raw !== undefined) {
    if (raw.length !== count * 8) throw new RangeError(`a constant of ${count} integers holds other bytes`);
    return { dims, data: new BigInt64Array(aligned(raw)) };
  }
  return { dims, data: null };
}

/** A copy that begins where typed arrays may. ONNX data is little-endian, as are the machines that we run on. */
function aligned(bytes: Uint8Array): ArrayBuffer {
  const copy = new ArrayBuffer(bytes.length);
  new Uint8Array(copy).set(bytes);
  return copy;
}

const textsIn = (fields: readonly ProtoField[], number: number): string[] =>
  fields.filter((field) => field.number === number).map(({ bytes }) => textOf(bytes));
const textIn = (fields: readonly ProtoField[], number: number): string => textsIn(fields, number)[0] ?? '';
