import { readFile } from 'node:fs/promises';
import { UsherError } from '../errors';
import { type Bundle, readBundle } from './bundle';

/**
 * A linear map from one embedding space into another: e' = normalise(e · M). It has no bias and no nonlinearity, so it
 * commutes with scaling and sums. It therefore does not matter whether it is applied to the encoder's raw output inside
 * the network, to the sum of a face and its mirror image, or to a template that was normalised and stored years ago.
 * Mapping a stored template gives the same as encoding the enrolment picture again, up to rounding.
 */
export interface EmbeddingHead {
  readonly fromSpace: string;
  readonly toSpace: string;
  readonly dimensions: number;
  /** dimensions × dimensions, row by row; a vector is a row, multiplied from the left. */
  readonly matrix: Float32Array;
}

/** @throws UsherError `data-invalid` for a vector of another length, or one that maps to zero */
export function applyHead({ dimensions, matrix, fromSpace }: EmbeddingHead, vector: Float32Array): Float32Array {
  if (vector.length !== dimensions)
    throw new UsherError('data-invalid', `a vector of ${vector.length} values is not of space "${fromSpace}"`);
  const sums = new Float64Array(dimensions);
  for (let row = 0; row < dimensions; row++) {
    const value = vector[row] as number;
    for (let column = 0, at = row * dimensions; column < dimensions; column++, at++)
      sums[column] = (sums[column] as number) + value * (matrix[at] as number);
  }
  let squares = 0;
  for (const sum of sums) squares += sum * sum;
  const gain = 1 / Math.sqrt(squares);
  if (!(squares > 0 && Number.isFinite(gain)))
    throw new UsherError('data-invalid', 'the head cannot map this vector: the result is zero or not finite');
  return Float32Array.from(sums, (sum) => sum * gain);
}

/**
 * The head of an encoder bundle that `usher train face-head` made. Checks its digest.
 * @throws UsherError `model-missing`, `model-invalid`, `usage` (the bundle is not an encoder with a head)
 */
export async function readHead(dir: string): Promise<EmbeddingHead> {
  const bundle = await readBundle(dir);
  const { card } = bundle;
  const { head, output } = card;
  if (head === undefined || output.decoding !== 'embedding')
    throw new UsherError('usage', `${dir} is not an encoder with a head: its space is not a map of another`, {
      remedy: 'Name a bundle that `usher train face-head` made, or enrol the members again.',
    });
  const matrix = await readMatrix(bundle, head.file, output.dimensions ** 2);
  return { fromSpace: head.fromSpace, toSpace: output.space, dimensions: output.dimensions, matrix };
}

async function readMatrix({ dir, card }: Bundle, name: string, length: number): Promise<Float32Array> {
  const invalid = (why: string): UsherError => new UsherError('model-invalid', `${dir}: the head ${name} ${why}`);
  if (!Object.hasOwn(card.files, name)) throw invalid('is not among the files of the card');
  const bytes = await readFile(`${dir}/${name}`);
  if (bytes.byteLength !== length * 4) throw invalid(`has ${bytes.byteLength} bytes, expected ${length * 4}`);
  const matrix = new Float32Array(length);
  for (let i = 0; i < length; i++) matrix[i] = bytes.readFloatLE(4 * i);
  if (!matrix.every(Number.isFinite)) throw invalid('contains a value that is not a finite number');
  return matrix;
}
