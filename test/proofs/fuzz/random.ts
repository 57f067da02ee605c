/** Draws for one input: the same seed and ordinal give the same input again, in any process. */
export class Draws {
  private state: number;

  constructor(seed: number, ordinal: number) {
    // Two rounds of a 32-bit mixer, so that neighbouring ordinals have nothing in common.
    this.state = mix(mix(seed >>> 0) ^ Math.imul(ordinal + 1, 0x9e3779b1)) | 1;
  }

  /** 0 ≤ x < n. (Marsaglia, "Xorshift RNGs", 2003.) */
  below(n: number): number {
    let x = this.state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.state = x;
    return (x >>> 0) % n;
  }

  chance(oneIn: number): boolean {
    return this.below(oneIn) === 0;
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    for (let at = 0; at < length; at++) bytes[at] = this.below(256);
    return bytes;
  }
}

function mix(value: number): number {
  let x = value;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}
