export interface OnnxTensor {
  readonly data: Float32Array;
}

const WIRE_VARINT = 0;
const WIRE_64 = 1;
const WIRE_BYTES = 2;
const WIRE_32 = 5;
/** Field numbers of onnx.proto: ModelProto.graph, GraphProto.initializer, TensorProto.data_type, .name and .raw_data. */
const GRAPH = 7;
const INITIALIZER = 5;
const DATA_TYPE = 2;
const NAME = 8;
const RAW_DATA = 9;
const FLOAT = 1;

/** The float32 constants of an ONNX file as `OnnxGraph` writes them, by name. Empty for bytes that are none. */
export function readInitializers(onnx: Uint8Array): ReadonlyMap<string, OnnxTensor> {
  const found = new Map<string, OnnxTensor>();
  for (const graph of fieldsOf(onnx))
    if (graph.number === GRAPH && graph.bytes !== null)
      for (const tensor of fieldsOf(graph.bytes))
        if (tensor.number === INITIALIZER && tensor.bytes !== null) addTensor(tensor.bytes, found);
  return found;
}

function addTensor(bytes: Uint8Array, found: Map<string, OnnxTensor>): void {
  let name = '';
  let type = 0;
  let raw = new Uint8Array(0);
  for (const field of fieldsOf(bytes)) {
    if (field.number === NAME && field.bytes !== null) name = Buffer.from(field.bytes).toString('utf8');
    if (field.number === DATA_TYPE) type = field.value;
    if (field.number === RAW_DATA && field.bytes !== null) raw = Uint8Array.from(field.bytes);
  }
  if (type === FLOAT && raw.length % 4 === 0) found.set(name, { data: new Float32Array(raw.buffer) });
}

interface Field {
  readonly number: number;
  readonly value: number;
  readonly bytes: Uint8Array | null;
}

/** The fields of one message; ends at the first thing that is none. */
function* fieldsOf(message: Uint8Array): Iterable<Field> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; at < message.length; scale *= 128) {
      const byte = message[at++] as number;
      value += (byte & 127) * scale;
      if (byte < 128) break;
    }
    return value;
  };
  while (at < message.length) {
    const key = varint();
    const number = Math.floor(key / 8);
    switch (key % 8) {
      case WIRE_VARINT:
        yield { number, value: varint(), bytes: null };
        break;
      case WIRE_BYTES: {
        const length = varint();
        if (at + length > message.length) return;
        yield { number, value: 0, bytes: message.subarray(at, at + length) };
        at += length;
        break;
      }
      case WIRE_64:
        at += 8;
        break;
      case WIRE_32:
        at += 4;
        break;
      default:
        return;
    }
  }
}
