import type { Scalar, Tensor2D, Tensor4D, Tf } from '../../inference/tfjs';

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

/**
 * Mean squared difference of neighbours, across and down: total variation, which Mahendran & Vedaldi ("Understanding Deep Image
 * Representations by Inverting Them", CVPR 2015; here with β = 2) need to find a picture from activations, and so does who begins from noise.
 * @param picture [1, height, width, channels], 2 × 2 or larger
 */
export function roughness(tf: Tf, picture: Tensor4D): Scalar {
  return tf.tidy(() => {
    const [, height, width, channels] = picture.shape;
    const part = (y: number, x: number, rows: number, columns: number): Tensor4D =>
      tf.slice(picture, [0, y, x, 0], [1, rows, columns, channels]);
    const across = tf.squaredDifference(part(0, 1, height, width - 1), part(0, 0, height, width - 1));
    const down = tf.squaredDifference(part(1, 0, height - 1, width), part(0, 0, height - 1, width));
    return tf.add(tf.mean(across), tf.mean(down));
  });
}
