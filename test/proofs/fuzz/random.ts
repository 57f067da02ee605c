import { type Random, seededRandom, streamSeed } from '../../../src/random';

/** Draws for one input: the same seed and ordinal give the same input again, in any process. */
export class Draws {
  private readonly random: Random;

  constructor(seed: number, ordinal: number) {
    this.random = seededRandom(streamSeed(seed, ordinal));
  }

  /** 0 ≤ x < n. */
  below(n: number): number {
    return this.random.below(n);
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
