const bits = new DataView(new ArrayBuffer(4));

/** The bit pattern of a non-negative float32; patterns order as the numbers do. */
export function bitsOf(value: number): number {
  bits.setFloat32(0, value);
  return bits.getUint32(0);
}

export function fromBits(pattern: number): number {
  bits.setUint32(0, pattern);
  return bits.getFloat32(0);
}

/** The largest float32 below `value` (≥ 0); for 0, the negative number nearest to it. */
export function nextBelow(value: number): number {
  const rounded = Math.fround(value);
  if (rounded > value) return nextBelow(rounded);
  if (rounded < value) return rounded;
  return rounded <= 0 ? -fromBits(1) : fromBits(bitsOf(rounded) - 1);
}

/** How many values of an ascending array are at most `limit`. */
export function countUpTo(ascending: ArrayLike<number>, limit: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] as number) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** One array after the other, as one. */
export function joinFloats(arrays: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const out = new Float32Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const array of arrays) {
    out.set(array, at);
    at += array.length;
  }
  return out;
}
