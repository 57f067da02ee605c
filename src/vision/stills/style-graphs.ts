import { GradientGraph, type LayerPass, type Planes } from './gradient-graph';
import { contentLoss, gramMatrix, type Loss, roughness, styleLoss } from './style-loss';
import type { StyleLayer } from './style-network';

/** Layers at a half, a quarter, … of the picture's side: all of them for the style, one for the content. */
export const STYLE_LAYERS = 4;
export const CONTENT_LAYER = 1;

export interface LossWeights {
  /** α and β of the paper's equation 7; α a position and channel, so that the picture's size changes nothing. */
  readonly contentWeight: number;
  readonly styleWeight: number;
  /** Weight of `roughness`: what differs from pixel to pixel, the network's first mean hardly sees, and noise would stay. */
  readonly smoothness: number;
}

/**
 * What a network sees in a picture: from `picture` to `content`, the activations of the content layer, and the Gram matrices `style0`
 * to `style3`.
 */
export function viewGraph(network: readonly StyleLayer[], width: number, height: number): Uint8Array {
  const to = new GradientGraph('view');
  const seen = see(to, network, to.input('picture', 3, height, width)).map(({ result }) => result);
  for (const [i, activations] of seen.entries()) {
    to.output(gramMatrix(to, activations), `style${i}`, [activations.channels, activations.channels]);
    if (i === CONTENT_LAYER) to.output(activations.name, 'content', shapeOf(activations));
  }
  return to.encode();
}

/**
 * Equation 7, α · content + β · style, the layers of the style weighted alike; and what keeps the pixels together, if asked for. From
 * `picture`, what `viewGraph` found in others, and `weight`, [1, 1, rows, columns] of the content layer, to `loss` and its `gradient` at
 * the picture.
 */
export function lossGraph(
  network: readonly StyleLayer[],
  width: number,
  height: number,
  { contentWeight, styleWeight, smoothness }: LossWeights,
): Uint8Array {
  const to = new GradientGraph('loss');
  const picture = to.input('picture', 3, height, width);
  const passes = see(to, network, picture);
  const losses = passes.map(({ result }, i): Loss[] => {
    const { channels, rows, columns } = result;
    const style = to.graph.input(`style${i}`, [channels, channels]);
    const parts = [styleLoss(to, result, style, styleWeight / passes.length)];
    if (i !== CONTENT_LAYER) return parts;
    const content = to.input('content', channels, rows, columns).name;
    const weight = to.input('weight', 1, rows, columns).name;
    return [...parts, contentLoss(to, result, content, weight, contentWeight / (channels * rows * columns))];
  });
  const pixels = smoothness === 0 ? [] : [roughness(to, picture, smoothness)];

  let gradients: string[] = [];
  for (const [i, pass] of [...passes.entries()].reverse()) {
    gradients.push(...(losses[i] ?? []).map(({ gradient }) => gradient));
    gradients = [to.layerBack(to.sum(gradients), pass, network[i] as StyleLayer)];
  }
  const all = [...losses.flat(), ...pixels];
  to.output(to.sum(all.map(({ loss }) => loss)), 'loss', []);
  to.output(to.sum([...gradients, ...pixels.map(({ gradient }) => gradient)]), 'gradient', shapeOf(picture));
  return to.encode();
}

function see(to: GradientGraph, network: readonly StyleLayer[], picture: Planes): LayerPass[] {
  let at = picture;
  return network.map((layer) => {
    const pass = to.layer(at, layer);
    at = pass.result;
    return pass;
  });
}

const shapeOf = ({ channels, rows, columns }: Planes): number[] => [1, channels, rows, columns];
