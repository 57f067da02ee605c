/** The last samples of a stream, in a ring. */
export class SampleRing {
  private readonly ring: Float32Array;
  private total = 0;

  /** @param capacity how many samples it remembers */
  constructor(capacity: number) {
    this.ring = new Float32Array(capacity);
  }

  /** How many samples have come since it was made or reset. */
  get heard(): number {
    return this.total;
  }

  /** The next samples; of more than it remembers, the last ones are kept. In blocks: it is filled by every piece of sound. */
  add(samples: Float32Array, length = samples.length): void {
    const { ring } = this;
    const kept = samples.subarray(Math.max(0, length - ring.length), length);
    this.total += length;
    const at = (this.total - kept.length) % ring.length;
    const first = Math.min(kept.length, ring.length - at);
    ring.set(kept.subarray(0, first), at);
    ring.set(kept.subarray(first));
  }

  reset(): void {
    this.total = 0;
  }

  /**
   * A copy of the `length` samples before the last `ago`, oldest first; shorter if fewer were recorded. Both together
   * are at most the capacity.
   */
  last(length: number, ago = 0): Float32Array {
    const { ring } = this;
    const end = Math.max(0, this.total - ago);
    const count = Math.min(length, end);
    const start = (end - count) % ring.length;
    const first = Math.min(count, ring.length - start);
    const out = new Float32Array(count);
    out.set(ring.subarray(start, start + first));
    out.set(ring.subarray(0, count - first), first);
    return out;
  }
}
