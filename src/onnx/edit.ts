import { UsherError } from '../errors';
import { type ProtoField, readFields, textOf } from './protobuf-reader';
import { ProtoWriter } from './protobuf';

const GRAPH = 7;
const GRAPH_INITIALIZER = 5;
const GRAPH_OUTPUT = 12;
const TENSOR_NAME = 8;
const TENSOR_RAW = 9;
const FLOAT32 = 1;

/**
 * The same network with one more output, the value called `tensor`; the runtime infers its shape. With it a network's last layer
 * can be trained on what the frozen rest computes.
 */
export function exposeTensor(model: Uint8Array, tensor: string): Uint8Array {
  return editGraph(model, (fields) => {
    const type = new ProtoWriter().message(1, new ProtoWriter().varint(1, FLOAT32));
    const output = new ProtoWriter().string(1, tensor).message(2, type);
    return [...fields.map(({ raw }) => raw), new ProtoWriter().message(GRAPH_OUTPUT, output).finish()];
  });
}

/**
 * The same network with other values in some of its float32 constants; everything else stays as it is to the byte.
 * @throws UsherError `model-invalid` when a constant is not there, or has another number of values
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

function editGraph(model: Uint8Array, edit: (fields: readonly ProtoField[]) => Uint8Array[]): Uint8Array {
  const parts = readFields(model).map(({ number, bytes, raw }) =>
    number === GRAPH ? new ProtoWriter().bytes(GRAPH, Buffer.concat(edit(readFields(bytes)))).finish() : raw,
  );
  return Buffer.concat(parts);
}
