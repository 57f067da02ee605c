import type { Tensor2D, Tf } from '../../learning/tensorflow';
import type { Arena } from './arena';

/** Sequences of frames, one after the other: [batch, frames, bands]. */
export interface FrameBatch {
  readonly data: Float32Array;
  readonly batch: number;
  readonly frames: number;
  readonly bands: number;
}

/**
 * A strided convolution over time, without bias, as one differentiable operation: to [steps × batch, channels], time first. A
 * sequence's windows overlap in memory as they do in time, so they are multiplied where they lie instead of being unfolded; the
 * frames themselves have no gradient.
 *
 * @param kernel [width × bands, channels]
 */
export function conv1d(
  { tf, arena }: { tf: Tf; arena: Arena },
  input: FrameBatch,
  kernel: Tensor2D,
  { width, stride }: { width: number; stride: number },
): Tensor2D {
  const { batch, frames, bands, data } = input;
  const steps = Math.floor((frames - width) / stride) + 1;
  const [terms, channels] = kernel.shape;
  const x = arena.put(data);
  const clip = 4 * frames * bands;
  const hop = 4 * stride * bands;
  const row = 4 * batch * channels;
  const operation = tf.customGrad((...tensors) => {
    const weights = tensors[0] as Tensor2D;
    const w = arena.put(weights.dataSync<'float32'>());
    const y = arena.take(steps * batch * channels);
    const size = { m: steps, n: channels, k: terms };
    for (let i = 0; i < batch; i++)
      arena.multiply(
        { at: x + i * clip, row: hop, column: 4 },
        { at: w, row: 4 * channels },
        { at: y + 4 * i * channels, row },
        size,
        false,
      );
    const value = tf.tensor2d(arena.view(y, steps * batch * channels).slice(), [steps * batch, channels]);
    const gradFunc = (dy: Tensor2D): Tensor2D => {
      const gradient = arena.put(dy.dataSync<'float32'>());
      const dw = arena.take(terms * channels);
      for (let i = 0; i < batch; i++)
        arena.multiply(
          { at: x + i * clip, row: 4, column: hop },
          { at: gradient + 4 * i * channels, row },
          { at: dw, row: 4 * channels },
          { m: terms, n: channels, k: steps },
          i > 0,
        );
      return tf.tensor2d(arena.view(dw, terms * channels).slice(), [terms, channels]);
    };
    return { value, gradFunc };
  });
  return operation(kernel);
}
