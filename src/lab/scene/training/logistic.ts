import type { Scalar, TfTensor, Tf } from '../../learning/tensorflow';

/**
 * Logistic loss (binary cross-entropy) of logits z against targets t in 0..1, each label on its own, mean over all:
 * L = max(z, 0) − z·t + ln(1 + e^(−|z|)), which is −t·ln σ(z) − (1 − t)·ln(1 − σ(z)) written so that no z overflows.
 * Convex in z; dL/dz = (σ(z) − t) / count.
 *
 * One column is a yes or no (day or night); several are a multi-hot head, where more than one label may hold.
 */
export function logisticLoss(tf: Tf, logits: TfTensor, targets: TfTensor): Scalar {
  return tf.tidy(() => {
    const loss = tf.add(
      tf.sub(tf.relu(logits), tf.mul(logits, targets)),
      tf.log(tf.add(1, tf.exp(tf.neg(tf.abs(logits))))),
    );
    return tf.mean(loss);
  });
}
