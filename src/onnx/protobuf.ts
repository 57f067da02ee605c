/**
 * The part of the protocol-buffers wire format that writing an ONNX file needs: varints, 32-bit floats and
 * length-delimited fields (protobuf.dev/programming-guides/encoding). Fields are written in the order of the calls.
 */
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

  private tag(field: number, wireType: 0 | 2 | 5): void {
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
