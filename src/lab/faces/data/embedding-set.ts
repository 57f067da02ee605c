import { UsherError } from '../../../errors';

/** The role of a picture: enrolled, probe against the enrolled, or (LFW style) compared with every other picture. */
export type Role = 'enrolled' | 'probe' | 'any';

export interface LabelledPicture {
  readonly file: string;
  /** Index into the data set's persons. */
  readonly person: number;
  readonly role: Role;
}

/** Pictures with their embeddings; row i of `vectors` is picture i. Rows of pictures without a usable face are zero. */
export interface EmbeddingSet {
  readonly pictures: readonly LabelledPicture[];
  readonly dimensions: number;
  /** pictures × dimensions, row by row. */
  readonly vectors: Float32Array;
  /** 1 where a face was found and encoded. */
  readonly acquired: Uint8Array;
}

/**
 * @param embeddings one a picture, null without a face
 * @throws UsherError `model-invalid` if a vector differs in length from the first or is not finite: every distance
 * computed from it would be silently wrong
 */
export function embeddingSet(
  pictures: readonly LabelledPicture[],
  embeddings: readonly (Float32Array | null)[],
): EmbeddingSet {
  const dimensions = embeddings.find((embedding) => embedding !== null)?.length ?? 0;
  const vectors = new Float32Array(pictures.length * dimensions);
  const acquired = new Uint8Array(pictures.length);
  embeddings.forEach((embedding, i) => {
    if (embedding === null) return;
    if (embedding.length !== dimensions || !embedding.every(Number.isFinite))
      throw new UsherError(
        'model-invalid',
        `the encoder returned ${embedding.length} values, or values that are not finite, for ${pictures[i]?.file ?? '?'}`,
        { remedy: 'Verify the model bundle: usher models verify' },
      );
    vectors.set(embedding, i * dimensions);
    acquired[i] = 1;
  });
  return { pictures, dimensions, vectors, acquired };
}

export function vectorOf(set: EmbeddingSet, picture: number): Float32Array | null {
  return set.acquired[picture] === 1
    ? set.vectors.subarray(picture * set.dimensions, (picture + 1) * set.dimensions)
    : null;
}
