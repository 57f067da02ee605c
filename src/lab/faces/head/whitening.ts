import type { Tensor2D, Tf } from '../../learning/tensorflow';

/** Steps of the iteration below. Each squares the error, which starts at 1 − 1/condition. */
const NEWTON_STEPS = 24;

/**
 * A^(−1/2) of a symmetric positive definite matrix, by the coupled Newton–Schulz iteration (Higham, "Functions of Matrices", 2008,
 * section 6.7): products alone, which is what a tensor library is fast at, and no eigenvectors.
 */
export function inverseSquareRoot(tf: Tf, matrix: Tensor2D): Tensor2D {
  return tf.tidy(() => {
    const identity = tf.eye(matrix.shape[0]);
    // Scaled by an upper bound of the largest eigenvalue, so that all lie in (0, 1].
    const norm = tf.max(tf.sum(tf.abs(matrix), 1));
    let y = tf.div<Tensor2D>(matrix, norm);
    let z: Tensor2D = identity;
    for (let step = 0; step < NEWTON_STEPS; step++) {
      const factor = tf.mul<Tensor2D>(tf.sub(tf.mul(identity, 3), tf.matMul(z, y)), 0.5);
      y = tf.matMul(y, factor);
      z = tf.matMul(factor, z);
    }
    return tf.div(z, tf.sqrt(norm));
  });
}

/**
 * Where the training of a head begins: within-class covariance normalisation (Hatch, Kajarekar & Stolcke 2006), shrunk towards the
 * identity. Directions along which pictures of one person differ (blur, light, noise: whatever the site's pictures show) are
 * made shorter, so that distances are made of what tells persons apart: M = (S / mean eigenvalue of S + λ·I)^(−1/2).
 *
 * Triplets alone, from the identity, learn the same from a few hundred persons; from sixty they learn the persons.
 *
 * @param rows samples × dimensions
 * @param shrinkage λ; large leaves the space as it is
 */
export function whitening(tf: Tf, rows: Tensor2D, persons: Int32Array, shrinkage: number): Tensor2D {
  return tf.tidy(() => {
    const [count, dimensions] = rows.shape;
    const people = persons.reduce((most, person) => Math.max(most, person + 1), 0);
    const member = tf.cast(tf.oneHot(tf.tensor1d(persons, 'int32'), people), 'float32') as Tensor2D;
    const sizes = tf.maximum(tf.sum(member, 0), 1);
    const means = tf.div<Tensor2D>(tf.matMul(member, rows, true), tf.reshape(sizes, [people, 1]));
    const within = tf.sub<Tensor2D>(rows, tf.matMul(member, means));
    const covariance = tf.div<Tensor2D>(tf.matMul(within, within, true), count);
    const mean = tf.maximum(tf.div(tf.sum(tf.mul(covariance, tf.eye(dimensions))), dimensions), 1e-12);
    return inverseSquareRoot(tf, tf.add(tf.div(covariance, mean), tf.mul(tf.eye(dimensions), shrinkage)));
  });
}
