import type { Tensor2D, Tf, TfTensor } from '../../learning/tensorflow';

const { abs, exp, log1p, max } = Math;

/**
 * Mean binary cross-entropy of logits, each step by its weight, as one operation. From logits, so that a sure answer neither loses its
 * gradient nor becomes infinite.
 */
export function weightedCrossEntropy(tf: Tf, logits: Tensor2D, targets: Float32Array, weights: Float32Array): TfTensor {
  const total = weights.reduce((sum, weight) => sum + weight, 0) || 1;
  const operation = tf.customGrad((...tensors) => {
    const [input] = tensors as [Tensor2D];
    const values = input.dataSync<'float32'>();
    let loss = 0;
    const gradient = new Float32Array(values.length);
    for (let i = 0; i < values.length; i++) {
      const weight = weights[i] as number;
      if (weight === 0) continue;
      const x = values[i] as number;
      const target = targets[i] as number;
      const small = exp(-abs(x));
      loss += weight * (max(x, 0) - x * target + log1p(small));
      const probability = x >= 0 ? 1 / (1 + small) : small / (1 + small);
      gradient[i] = (weight * (probability - target)) / total;
    }
    return {
      value: tf.scalar(loss / total),
      gradFunc: (dy: TfTensor) => tf.mul(dy, tf.tensor2d(gradient, input.shape)),
    };
  });
  return operation(logits);
}
