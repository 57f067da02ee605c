/** The shape of the vectors of one embedding space, from the encoder's card. */
export interface VectorShape {
  readonly dimensions: number;
  /** Vectors have length 1. */
  readonly normalise: boolean;
}

/** Longest vector of any encoder. */
export const DIMENSIONS_MAX = 4096;
/** How far the length of a normalised vector may be from 1: float32 rounding, with a margin. */
const UNIT_TOLERANCE = 0.01;
/** Lengths of vectors that are not normalised. Those of dlib's network have lengths around 1.4. */
const LENGTHS = { min: 0.01, max: 100 };

/**
 * Why a vector cannot be a face; null if it can. A short vector is dangerous: it lies within the threshold of every
 * vector of length 1, so every face would match it.
 * @param shape undefined if the space is not known: then only faults in every space are found
 */
export function vectorFault(vector: Float32Array, shape?: VectorShape): string | null {
  if (vector.length === 0 || vector.length > DIMENSIONS_MAX) return `${vector.length} dimensions`;
  if (shape !== undefined && vector.length !== shape.dimensions)
    return `${vector.length} dimensions instead of ${shape.dimensions}`;
  let squared = 0;
  for (const value of vector) squared += value * value;
  if (!Number.isFinite(squared)) return 'a value that is not a finite number';
  const length = Math.sqrt(squared);
  if (shape?.normalise === true)
    return Math.abs(length - 1) <= UNIT_TOLERANCE ? null : `length ${length.toFixed(3)} instead of 1`;
  return length >= LENGTHS.min && length <= LENGTHS.max ? null : `length ${length.toPrecision(3)}`;
}

/** L2 distance of two vectors of one space. */
export function l2Distance(a: Float32Array, b: Float32Array): number {
  let squares = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    squares += difference * difference;
  }
  return Math.sqrt(squares);
}
