import { UsherError } from '../errors';
import { tensorProto, valueInfo } from './writer';
import { ProtoWriter } from './protobuf';

/** Of onnx.proto: `ModelProto.graph`, and of `GraphProto` what is added to or left out. */
const MODEL_GRAPH = 7;
const GRAPH_NODE = 1;
const GRAPH_INITIALIZER = 5;
const GRAPH_OUTPUT = 12;

export interface MatrixProduct {
  /** The value of the network that is multiplied: [1, rows]. */
  readonly input: string;
  /** What the result is called; the only output of the new network. */
  readonly output: string;
  readonly rows: number;
  readonly columns: number;
  /** rows × columns, row by row. */
  readonly matrix: Float32Array;
}

/**
 * A network followed by a matrix product: output = input · matrix. All other content of the file is copied byte by
 * byte, whatever program wrote it.
 * @throws UsherError `model-invalid` for bytes that are not an ONNX network
 */
export function appendMatrixProduct(model: Uint8Array, product: MatrixProduct): Uint8Array {
  const { input, output, rows, columns, matrix } = product;
  const weight = `${output}:weight`;
  const graph = new ProtoWriter();
  const node = new ProtoWriter().string(1, input).string(1, weight).string(2, output);
  graph.message(GRAPH_NODE, node.string(3, `${output}:product`).string(4, 'MatMul'));
  graph.message(GRAPH_INITIALIZER, tensorProto(weight, [rows, columns], matrix));
  graph.message(GRAPH_OUTPUT, valueInfo(output, [1, columns], 'float32'));

  const fields = fieldsOf(model);
  if (!fields.some(({ field, content }) => field === MODEL_GRAPH && content !== null))
    throw invalid('it holds no graph');
  const parts = fields.map(({ field, raw, content }) => {
    if (field !== MODEL_GRAPH || content === null) return raw;
    const kept = fieldsOf(content).filter((part) => part.field !== GRAPH_OUTPUT);
    const whole = Buffer.concat([...kept.map((part) => part.raw), graph.finish()]);
    return new ProtoWriter().bytes(MODEL_GRAPH, whole).finish();
  });
  return Buffer.concat(parts);
}

interface Field {
  readonly field: number;
  /** Tag and value, as they stand in the file. */
  readonly raw: Uint8Array;
  /** Of a length-delimited field. */
  readonly content: Uint8Array | null;
}

/** The fields of one message (protobuf.dev/programming-guides/encoding). */
function fieldsOf(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = bytes[at++];
      if (byte === undefined || shift > 2 ** 63) throw invalid('it ends in the middle of a field');
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const start = at;
    const tag = varint();
    let content: Uint8Array | null = null;
    const wireType = tag % 8;
    if (wireType === 0) varint();
    else if (wireType === 1) at += 8;
    else if (wireType === 5) at += 4;
    else if (wireType === 2) {
      const length = varint();
      content = bytes.subarray(at, at + length);
      at += length;
    } else throw invalid(`a field of the unknown wire type ${wireType}`);
    if (at > bytes.length) throw invalid('it ends in the middle of a field');
    fields.push({ field: Math.floor(tag / 8), raw: bytes.subarray(start, at), content });
  }
  return fields;
}

function invalid(why: string): UsherError {
  return new UsherError('model-invalid', `no ONNX network: ${why}`, {
    remedy: 'Fetch or build it again: usher models ensure',
  });
}
