import { UsherError } from '../errors';
import { type ProtoField, ProtoWriter, readFields, textOf } from './protobuf';
import { readModel, refusingDamage } from './reader';
import { tensorProto, valueInfo } from './writer';

/** Of onnx.proto: `ModelProto.graph`, and what is edited of `GraphProto` and `TensorProto`. */
const GRAPH = 7;
const GRAPH_NODE = 1;
const GRAPH_INITIALIZER = 5;
const GRAPH_OUTPUT = 12;
const TENSOR_NAME = 8;
const TENSOR_RAW = 9;
const FLOAT32 = 1;

/**
 * The same network with one more output, the value called `tensor`; the runtime infers its shape. With it a network's last layer
 * can be trained on what the frozen rest computes.
 * @throws UsherError `model-invalid`
 */
export function exposeTensor(model: Uint8Array, tensor: string): Uint8Array {
  return editGraph(model, (fields) => {
    const type = new ProtoWriter().message(1, new ProtoWriter().varint(1, FLOAT32));
    const output = new ProtoWriter().string(1, tensor).message(2, type);
    return [...fields.map(({ raw }) => raw), new ProtoWriter().message(GRAPH_OUTPUT, output).finish()];
  });
}

export interface MatrixProduct {
  /** The value of the network that is multiplied: [1, rows]. */
  readonly input: string;
  /** Name of the result; the only output of the new network. */
  readonly output: string;
  readonly rows: number;
  readonly columns: number;
  /** rows × columns, row by row. */
  readonly matrix: Float32Array;
}

/**
 * A network followed by a matrix product: output = input · matrix.
 * @throws UsherError `model-invalid`
 */
export function appendMatrixProduct(model: Uint8Array, product: MatrixProduct): Uint8Array {
  const { input, output, rows, columns, matrix } = product;
  const weight = `${output}:weight`;
  const node = new ProtoWriter().string(1, input).string(1, weight).string(2, output);
  const added = new ProtoWriter()
    .message(GRAPH_NODE, node.string(3, `${output}:product`).string(4, 'MatMul'))
    .message(GRAPH_INITIALIZER, tensorProto(weight, [rows, columns], matrix))
    .message(GRAPH_OUTPUT, valueInfo(output, [1, columns], 'float32'));
  return editGraph(model, (fields) => [
    ...fields.filter(({ number }) => number !== GRAPH_OUTPUT).map(({ raw }) => raw),
    added.finish(),
  ]);
}

/**
 * The same network with other values in some of its float32 constants.
 * @throws UsherError `model-invalid` also where a constant is not there, or has another number of values
 */
export function replaceConstants(model: Uint8Array, values: ReadonlyMap<string, Float32Array>): Uint8Array {
  const left = new Set(values.keys());
  const edited = editGraph(model, (fields) =>
    fields.map((field) => {
      if (field.number !== GRAPH_INITIALIZER) return field.raw;
      const tensor = readFields(field.bytes);
      const name = textOf(tensor.find(({ number }) => number === TENSOR_NAME)?.bytes ?? new Uint8Array(0));
      const data = values.get(name);
      if (data === undefined) return field.raw;
      left.delete(name);
      return new ProtoWriter().bytes(GRAPH_INITIALIZER, withValues(name, tensor, data)).finish();
    }),
  );
  if (left.size > 0) throw new UsherError('model-invalid', `the network has no constant ${[...left].join(', ')}`);
  return edited;
}

function withValues(name: string, tensor: readonly ProtoField[], data: Float32Array): Uint8Array {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const raw = tensor.find(({ number }) => number === TENSOR_RAW);
  if (raw?.bytes.length !== bytes.length)
    throw new UsherError('model-invalid', `${name} does not hold ${data.length} floats as raw data`);
  const kept = tensor.filter((field) => field !== raw).map((field) => field.raw);
  return Buffer.concat([...kept, new ProtoWriter().bytes(TENSOR_RAW, bytes).finish()]);
}

/** Everything that `edit` does not change stays as it is to the byte, whatever program wrote the file. */
function editGraph(model: Uint8Array, edit: (fields: readonly ProtoField[]) => Uint8Array[]): Uint8Array {
  return refusingDamage('the network', () => {
    const parts = readModel(model).map(({ number, bytes, raw }) =>
      number === GRAPH ? new ProtoWriter().bytes(GRAPH, Buffer.concat(edit(readFields(bytes)))).finish() : raw,
    );
    return Buffer.concat(parts);
  });
}
