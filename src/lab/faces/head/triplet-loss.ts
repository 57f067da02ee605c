import type { Scalar, Tensor2D, Tf } from '../../learning/tensorflow';

/** Rows of a batch that form triplets: anchor, another picture of the same person, a picture of another person. */
export interface Triplets {
  readonly anchor: Int32Array;
  readonly positive: Int32Array;
  readonly negative: Int32Array;
}

/**
 * Triplet loss (Schroff, Kalenichenko & Philbin, "FaceNet", 2015, eq. 2), mean over the triplets:
 *
 *     L = mean max(0, ‖e(A) − e(P)‖² − ‖e(A) − e(N)‖² + α)
 *
 * α is what keeps the encoder from the useless answer. Without it every constant encoder has the loss 0, the least there is; and it
 * is not only allowed but sought: L is then homogeneous of degree 2 in the embeddings, so that ⟨e, ∂L/∂e⟩ = 2L > 0, and each
 * step of gradient descent makes all embeddings shorter until they are one point. With α that point costs α.
 *
 * @param embeddings batch × dimensions
 * @param margin α, in squared L2 distance
 * @throws RangeError without triplets: a mean of nothing would be NaN, and NaN would spread to the weights
 */
export function tripletLoss(tf: Tf, embeddings: Tensor2D, triplets: Triplets, margin: number): Scalar {
  const rows = embeddings.shape[0];
  if (triplets.anchor.length === 0) throw new RangeError('triplet loss needs at least one triplet');
  return tf.tidy(() => {
    // A product with one-hot rows, since the WebAssembly backend has no gradient of gather.
    const pick = (index: Int32Array): Tensor2D =>
      tf.matMul(tf.cast(tf.oneHot(tf.tensor1d(index, 'int32'), rows), 'float32'), embeddings);
    const anchor = pick(triplets.anchor);
    const squared = (other: Tensor2D): Tensor2D => tf.sum(tf.square(tf.sub(anchor, other)), 1);
    const gap = tf.sub(squared(pick(triplets.positive)), squared(pick(triplets.negative)));
    return tf.mean(tf.relu(tf.add(gap, margin)));
  });
}

/** Rows scaled to length 1; a row of zeros stays zero. */
export function normaliseRows(tf: Tf, rows: Tensor2D): Tensor2D {
  return tf.tidy(() => tf.div(rows, tf.sqrt(tf.add(tf.sum(tf.square(rows), 1, true), 1e-12))));
}
