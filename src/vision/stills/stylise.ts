import type { Box } from '../../events';
import type { Scalar, Tensor2D, Tensor4D, Tf } from '../../inference/tfjs';
import type { Frame } from '../picture/frame';
import { brushStyle } from './brush-style';
import { faceMask, lightOf, withoutFeatures } from './face-regions';
import { contentLoss, gramMatrix, roughness, styleLoss } from './style-loss';
import { type Activations, CONTENT_LAYER, STYLE_LAYERS, type StyleNetwork } from './style-network';

export interface StyliseOptions {
  /** null: brush strokes in the content's own colours. */
  readonly style: Frame | null;
  readonly from: 'content' | 'noise';
  readonly steps: number;
  /** Faces in `content`: their features are taken out before, and there the content is not asked for. */
  readonly faces: readonly Box[];
  /** α and β of the paper's equation 7; α a position and channel, so that the picture's size changes nothing. */
  readonly contentWeight: number;
  readonly styleWeight: number;
  /** Weight of `roughness`: what differs from pixel to pixel, the network's first mean hardly sees, and noise would stay. */
  readonly smoothness: number;
  /** Adam's step, of a picture that goes from 0 to 1. */
  readonly rate: number;
  readonly seed: number;
  /** @param step from 1 */
  readonly onStep?: (step: number, loss: number) => void | Promise<void>;
}

export const STYLISE_DEFAULTS = {
  style: null,
  from: 'content',
  steps: 20,
  contentWeight: 1,
  styleWeight: 1000,
  smoothness: 0,
  rate: 0.02,
  seed: 1,
} as const;

/**
 * Weights that suit where the pixels begin. Content that is there already survives a style that weighs a thousand times more; out of
 * noise it has to be found first, against a style that noise nearly satisfies: with the same weights nothing but texture came of it.
 */
export function styliseDefaults(from: StyliseOptions['from']): Omit<StyliseOptions, 'faces'> {
  return from === 'content'
    ? STYLISE_DEFAULTS
    : { ...STYLISE_DEFAULTS, from, steps: 200, styleWeight: 20, smoothness: 1e-3, rate: 0.05 };
}

/** All layers that stylising looks at, in the network's order. */
export const LAYERS = [...new Set([...STYLE_LAYERS, CONTENT_LAYER])].sort((a, b) => a - b);

/** What the pixels are trained towards. */
export interface StyleGoal {
  /** Activations at the content layer, and the weight of each position. */
  readonly content: Tensor2D;
  readonly weight: Tensor2D;
  /** Gram matrices over the number of positions, in the order of `STYLE_LAYERS`. */
  readonly style: readonly Tensor2D[];
}

/** Equation 7: α · content + β · style, the layers of the style weighted alike; and what keeps the pixels together, if asked for. */
export function totalLoss(
  tf: Tf,
  network: StyleNetwork,
  picture: Tensor4D,
  goal: StyleGoal,
  { contentWeight, styleWeight, smoothness }: Pick<StyliseOptions, 'contentWeight' | 'styleWeight' | 'smoothness'>,
): Scalar {
  return tf.tidy(() => {
    const layers = byLayer(network.run(picture));
    const shown = layers(CONTENT_LAYER).values;
    const content = tf.mul(contentWeight / shown.size, contentLoss(tf, shown, goal.content, goal.weight));
    const styles = STYLE_LAYERS.map((layer, i) => styleLoss(tf, layers(layer).values, goal.style[i] as Tensor2D));
    const loss: Scalar = tf.add(content, tf.mul(styleWeight / STYLE_LAYERS.length, tf.addN(styles)));
    return smoothness === 0 ? loss : tf.add(loss, tf.mul(smoothness, roughness(tf, picture)));
  });
}

/** Tensors of the caller's, to be disposed of. `faces` in pixels of `content`. */
export function goalOf(tf: Tf, network: StyleNetwork, content: Frame, style: Frame, faces: readonly Box[]): StyleGoal {
  const [values, weight, ...grams] = tf.tidy(() => {
    const shown = byLayer(network.run(pictureOf(tf, content)))(CONTENT_LAYER);
    const styled = byLayer(network.run(pictureOf(tf, style)));
    const mask = tf.tensor4d(faceMask(content.width, content.height, faces), [1, content.height, content.width, 1]);
    const wanted = tf.sub(1, tf.image.resizeBilinear(mask, [shown.rows, shown.columns]));
    const flat: Tensor2D = tf.reshape(wanted, [shown.rows * shown.columns, 1]);
    const perPosition = STYLE_LAYERS.map((layer): Tensor2D => {
      const { values: activations } = styled(layer);
      return tf.div(gramMatrix(tf, activations), activations.shape[0]);
    });
    return [shown.values, flat, ...perPosition];
  });
  return { content: values, weight, style: grams };
}

/**
 * Paints `content` anew: its pixels are trained, by Adam, until a network sees the content's things in the style's manner. Faces lose
 * their features first (`withoutFeatures`), and where they are the style alone speaks.
 *
 * @returns of the content's size
 */
export async function stylise(tf: Tf, network: StyleNetwork, content: Frame, options: StyliseOptions): Promise<Frame> {
  const { faces, from, steps, rate, onStep } = options;
  const light = lightOf(content);
  const faceless = withoutFeatures(content, faces, light);
  if (steps === 0 && from === 'content') return faceless;
  const goal = goalOf(tf, network, faceless, options.style ?? brushStyle(faceless), faces);
  const start = from === 'content' ? pictureOf(tf, faceless) : noiseLike(tf, faceless, options.seed);
  const picture = tf.variable(start);
  const optimiser = tf.train.adam(rate);
  try {
    for (let step = 1; step <= steps; step++) {
      const loss = tf.tidy(() => {
        const value = optimiser.minimize(() => totalLoss(tf, network, picture, goal, options), true, [picture]);
        picture.assign(tf.clipByValue(picture, 0, 1));
        return value?.dataSync()[0] as number;
      });
      await onStep?.(step, loss);
    }
    return withoutFeatures(frameOf(tf, picture), faces, light);
  } finally {
    tf.dispose([picture, start, goal.content, goal.weight, ...goal.style]);
    optimiser.dispose();
  }
}

function byLayer(activations: readonly Activations[]): (layer: number) => Activations {
  return (layer) => activations[LAYERS.indexOf(layer)] as Activations;
}

export function pictureOf(tf: Tf, { width, height, data }: Frame): Tensor4D {
  return tf.tidy(() => tf.div(tf.tensor4d(Float32Array.from(data), [1, height, width, 3]), 255));
}

/** Noise about mid grey. Faint: what the network's means hide from the losses would only have to be smoothed away again. */
function noiseLike(tf: Tf, { width, height }: Frame, seed: number): Tensor4D {
  return tf.randomUniform([1, height, width, 3], 0.45, 0.55, 'float32', seed);
}

function frameOf(tf: Tf, picture: Tensor4D): Frame {
  const [, height, width] = picture.shape;
  const values = tf.tidy(() => tf.mul(picture, 255).dataSync());
  return { width, height, data: Uint8Array.from(values, (value) => Math.round(value)) };
}
