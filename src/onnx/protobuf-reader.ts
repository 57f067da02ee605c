/**
 * The protocol-buffers wire format, read (protobuf.dev/programming-guides/encoding). Lengths are checked against the bytes, so that
 * a damaged file ends in a RangeError, not in nonsense.
 */
export interface ProtoField {
  readonly number: number;
  readonly wireType: 0 | 1 | 2 | 5;
  /** Of wire type 0. */
  readonly varint: bigint;
  /** Of wire types 1, 2 and 5: a view into the message. */
  readonly bytes: Uint8Array;
  /** The whole field with its tag, as it lies in the message. */
  readonly raw: Uint8Array;
}

const NOTHING = new Uint8Array(0);

/** @throws RangeError where the message is cut off or not of this format */
export function readFields(message: Uint8Array): ProtoField[] {
  const fields: ProtoField[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = message[at++];
      if (byte === undefined) break;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError('a number is cut off');
  };
  const take = (length: number): Uint8Array => {
    if (!(length <= message.length - at)) throw new RangeError('a field is cut off');
    at += length;
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const start = at;
    const tag = Number(varint());
    const wireType = tag % 8;
    let value = 0n;
    let bytes: Uint8Array = NOTHING;
    if (wireType === 0) value = varint();
    else if (wireType === 1) bytes = take(8);
    else if (wireType === 2) bytes = take(Number(varint()));
    else if (wireType === 5) bytes = take(4);
    else throw new RangeError(`wire type ${wireType} is unknown`);
    const number = Math.floor(tag / 8);
    fields.push({ number, wireType, varint: value, bytes, raw: message.subarray(start, at) });
  }
  return fields;
}

export const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

/** A repeated integer: packed, or one field each. */
export function integersOf(fields: readonly ProtoField[], number: number): number[] {
  return fields
    .filter((field) => field.number === number)
    .flatMap(({ wireType, varint, bytes }) => (wireType === 0 ? [varint] : unpack(bytes)))
    .map((value) => Number(BigInt.asIntN(64, value)));
}

/** Consecutive varints without tags. */
function unpack(bytes: Uint8Array): bigint[] {
  const values: bigint[] = [];
  let value = 0n;
  let shift = 0n;
  for (const byte of bytes) {
    value |= BigInt(byte & 0x7f) << shift;
    shift += 7n;
    if (byte >= 0x80) continue;
    values.push(value);
    value = 0n;
    shift = 0n;
  }
  return values;
}
