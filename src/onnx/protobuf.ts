/**
 * The protocol-buffers wire format, as far as ONNX files need it (protobuf.dev/programming-guides/encoding). A library would
 * bring the whole of onnx.proto as generated code, and would drop or reorder the fields of files that are only retouched.
 */

type WireType = 0 | 1 | 2 | 5;

/** Writes one message; its fields come in the order of the calls. */
export class ProtoWriter {
  private readonly chunks: Uint8Array[] = [];
  private length = 0;

  /** A signed or unsigned integer; negative ones take ten bytes, as int64 does on the wire. */
  varint(field: number, value: number | bigint): this {
    this.tag(field, 0);
    return this.push(encodeVarint(value));
  }

  float(field: number, value: number): this {
    this.tag(field, 5);
    return this.push(littleEndianFloats([value]));
  }

  string(field: number, value: string): this {
    return this.bytes(field, Buffer.from(value, 'utf8'));
  }

  /** Length-delimited bytes. Not copied until `finish`: do not change them before. */
  bytes(field: number, value: Uint8Array): this {
    this.tag(field, 2);
    this.push(encodeVarint(value.length));
    return this.push(value);
  }

  message(field: number, message: ProtoWriter): this {
    return this.bytes(field, message.finish());
  }

  packedVarints(field: number, values: readonly (number | bigint)[]): this {
    return this.bytes(field, Buffer.concat(values.map(encodeVarint)));
  }

  packedFloats(field: number, values: readonly number[]): this {
    return this.bytes(field, littleEndianFloats(values));
  }

  finish(): Uint8Array {
    return Buffer.concat(this.chunks, this.length);
  }

  private tag(field: number, wireType: WireType): void {
    this.push(encodeVarint(field * 8 + wireType));
  }

  private push(chunk: Uint8Array): this {
    this.chunks.push(chunk);
    this.length += chunk.length;
    return this;
  }
}

/** Throws RangeError for a number that is not an integer. */
export function encodeVarint(value: number | bigint): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

function littleEndianFloats(values: readonly number[]): Uint8Array {
  const buffer = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => buffer.writeFloatLE(value, index * 4));
  return buffer;
}

export interface ProtoField {
  readonly number: number;
  readonly wireType: WireType;
  /** Of wire type 0. */
  readonly varint: bigint;
  /** Of wire types 1, 2 and 5: a view into the message. */
  readonly bytes: Uint8Array;
  /** The whole field with its tag, as it lies in the message. */
  readonly raw: Uint8Array;
}

const NOTHING = new Uint8Array(0);

/**
 * The fields of one message. Lengths are checked against the bytes: a damaged file is an error, not nonsense.
 * @throws RangeError where the message is cut off or not of this format
 */
export function readFields(message: Uint8Array): ProtoField[] {
  const fields: ProtoField[] = [];
  const reader = new ByteReader(message);
  while (!reader.isAtEnd) {
    const start = reader.at;
    const tag = Number(reader.varint());
    const number = Math.floor(tag / 8);
    const wireType = (tag % 8) as WireType;
    const varint = wireType === 0 ? reader.varint() : 0n;
    const bytes = wireType === 0 ? NOTHING : reader.take(lengthOf(wireType, reader));
    fields.push({ number, wireType, varint, bytes, raw: message.subarray(start, reader.at) });
  }
  return fields;
}

function lengthOf(wireType: number, reader: ByteReader): number {
  if (wireType === 1) return 8;
  if (wireType === 2) return Number(reader.varint());
  if (wireType === 5) return 4;
  throw new RangeError(`wire type ${wireType} is unknown`);
}

export const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

/** A repeated integer: packed, or one field each. @throws RangeError where a number is cut off */
export function integersOf(fields: readonly ProtoField[], number: number): number[] {
  return fields
    .filter((field) => field.number === number)
    .flatMap(({ wireType, varint, bytes }) => (wireType === 0 ? [varint] : unpack(bytes)))
    .map((value) => Number(BigInt.asIntN(64, value)));
}

/** Consecutive varints without tags. */
function unpack(bytes: Uint8Array): bigint[] {
  const values: bigint[] = [];
  const reader = new ByteReader(bytes);
  while (!reader.isAtEnd) values.push(reader.varint());
  return values;
}

/** A varint has at most ten bytes of seven bits. */
const VARINT_BITS = 70n;

class ByteReader {
  at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  get isAtEnd(): boolean {
    return this.at >= this.bytes.length;
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < VARINT_BITS; shift += 7n) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) break;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError('a number is cut off');
  }

  take(length: number): Uint8Array {
    if (!(length <= this.bytes.length - this.at)) throw new RangeError('a field is cut off');
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
}
