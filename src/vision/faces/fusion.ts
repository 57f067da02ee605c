/** Scales `vector` to length 1. A zero vector stays zero, and then matches no member within any threshold of a card. */
export function normaliseInPlace(vector: Float32Array): void {
  let squares = 0;
  for (const value of vector) squares += value * value;
  if (!(squares > 0)) return;
  const gain = 1 / Math.sqrt(squares);
  for (let i = 0; i < vector.length; i++) vector[i] = (vector[i] as number) * gain;
}

/**
 * Quality-weighted mean of the last few embeddings of one person: noise, blur and light differ from frame to frame and
 * average out, the person does not. Only the last `capacity` frames count, so that what is seen now prevails.
 */
export class FusedEmbedding {
  private readonly vectors: Float32Array[];
  private readonly weights: Float32Array;
  private count = 0;

  /** @param normalise the space's vectors have length 1, so the mean is brought back to it */
  constructor(
    private readonly dimensions: number,
    private readonly normalise: boolean,
    private readonly capacity = 5,
  ) {
    this.vectors = Array.from({ length: capacity }, () => new Float32Array(dimensions));
    this.weights = new Float32Array(capacity);
  }

  /** Frames that the mean rests on, at most `capacity`. */
  get frames(): number {
    return Math.min(this.count, this.capacity);
  }

  reset(): void {
    this.count = 0;
  }

  /** @param weight above 0, e.g. the frame's quality score */
  add(vector: Float32Array, weight: number): void {
    const slot = this.count % this.capacity;
    (this.vectors[slot] as Float32Array).set(vector);
    this.weights[slot] = Math.max(weight, 1e-3);
    this.count++;
  }

  /** The mean as a fresh array; zeros when nothing was added. */
  mean(): Float32Array {
    const mean = new Float32Array(this.dimensions);
    let total = 0;
    for (let slot = 0; slot < this.frames; slot++) total += this.weights[slot] as number;
    for (let slot = 0; slot < this.frames; slot++) {
      const vector = this.vectors[slot] as Float32Array;
      const weight = (this.weights[slot] as number) / total;
      for (let i = 0; i < mean.length; i++) mean[i] = (mean[i] as number) + weight * (vector[i] as number);
    }
    if (this.normalise) normaliseInPlace(mean);
    return mean;
  }
}
