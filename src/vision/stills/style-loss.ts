import type { Scalar, Tensor2D, Tf } from '../../inference/tfjs';

/**
 * The losses of Gatys, Ecker, Bethge: "Image Style Transfer Using Convolutional Neural Networks" (CVPR 2016). Activations of a layer
 * are [positions, channels], M × N. Nothing in the network is trained: the gradient goes to the picture.
 */

/**
 * Equation 1, ½ Σ (F − P)², with a weight for each position: where a face is, nothing of it is to be kept.
 * @param weight [positions, 1], 0..1
 */
export function contentLoss(tf: Tf, generated: Tensor2D, content: Tensor2D, weight: Tensor2D): Scalar {
  return tf.tidy(() => tf.mul(0.5, tf.sum(tf.mul(tf.squaredDifference(generated, content), weight))));
}

/** Equation 3: the correlations of the channels over all positions, [channels, channels]; where in the picture is forgotten. */
export function gramMatrix(tf: Tf, activations: Tensor2D): Tensor2D {
  return tf.matMul(activations, activations, true, false);
}

/**
 * Equation 4 for one layer, Σ (G − A)² / (4 N² M²). The style picture may be of another size than the generated one, and so each Gram
 * matrix is divided by its own number of positions; with equal sizes that is the paper's.
 * @param style the style picture's Gram matrix over its number of positions
 */
export function styleLoss(tf: Tf, generated: Tensor2D, style: Tensor2D): Scalar {
  return tf.tidy(() => {
    const [positions, channels] = generated.shape;
    const mean: Tensor2D = tf.div(gramMatrix(tf, generated), positions);
    return tf.div(tf.sum(tf.squaredDifference(mean, style)), 4 * channels * channels);
  });
}
