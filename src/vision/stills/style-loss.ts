import type { GradientGraph, Planes } from './gradient-graph';
import type { Convolution } from './style-network';

/**
 * The losses of Gatys, Ecker, Bethge: "Image Style Transfer Using Convolutional Neural Networks" (CVPR 2016), as nodes of a graph, each
 * with its gradient. Nothing in the network is trained: the gradient goes to the picture. Activations of a layer are N channels of
 * M positions.
 */
export interface Loss {
  /** A number, times its factor. */
  readonly loss: string;
  /** To what it is computed from, in the same shape. */
  readonly gradient: string;
}

/**
 * Equation 1, ½ Σ (F − P)², with a weight for each position: at a face, nothing is to be kept.
 * @param content like `generated`
 * @param weight [1, 1, rows, columns], 0..1
 */
export function contentLoss(
  to: GradientGraph,
  generated: Planes,
  content: string,
  weight: string,
  factor: number,
): Loss {
  const difference = to.node('Sub', [generated.name, content]);
  const weighted = to.node('Mul', [difference, weight]);
  const sum = to.node('ReduceSum', [to.node('Mul', [difference, weighted])], { keepdims: { int: 0 } });
  return {
    loss: to.node('Mul', [sum, to.constant(factor / 2)]),
    gradient: to.node('Mul', [weighted, to.constant(factor)]),
  };
}

/**
 * Equation 3 over the number of positions: the correlations of the channels, [channels, channels]; where in the picture is forgotten.
 * @param less a matrix that is taken away from it
 */
export function gramMatrix(to: GradientGraph, activations: Planes, less?: string): string {
  const matrix = to.matrix(activations);
  const inputs = less === undefined ? [matrix, matrix] : [matrix, matrix, less];
  const alpha = 1 / (activations.rows * activations.columns);
  return to.node('Gemm', inputs, { alpha: { float: alpha }, beta: { float: -1 }, transB: { int: 1 } });
}

/**
 * Equation 4 for one layer, Σ (G − A)² / (4 N² M²). The style picture may be of another size than the generated one, and so each Gram
 * matrix is divided by its own number of positions; with equal sizes that is the paper's. The gradient is equation 6.
 * @param style the style picture's `gramMatrix`
 */
export function styleLoss(to: GradientGraph, generated: Planes, style: string, factor: number): Loss {
  const { channels, rows, columns } = generated;
  const difference = gramMatrix(to, generated, style);
  const sum = to.node('ReduceSumSquare', [difference], { keepdims: { int: 0 } });
  const slope = to.node('Gemm', [difference, to.matrix(generated)], {
    alpha: { float: factor / (channels * channels * rows * columns) },
  });
  return {
    loss: to.node('Mul', [sum, to.constant(factor / (4 * channels * channels))]),
    gradient: to.planes(slope, generated),
  };
}

/**
 * Mean squared difference of neighbours, across and down: total variation, which Mahendran & Vedaldi ("Understanding Deep Image
 * Representations by Inverting Them", CVPR 2015; here with β = 2) need to find a picture from activations, and so does who begins from noise.
 * @param picture 2 × 2 or larger
 */
export function roughness(to: GradientGraph, picture: Planes, factor: number): Loss {
  const directions = [differences(picture.channels, 1, 2), differences(picture.channels, 2, 1)].map((kernel) => {
    const difference = to.convolve(picture, kernel);
    const share = factor / (difference.channels * difference.rows * difference.columns);
    const sum = to.node('ReduceSumSquare', [difference.name], { keepdims: { int: 0 } });
    const slope = to.node('Mul', [difference.name, to.constant(2 * share)]);
    return {
      loss: to.node('Mul', [sum, to.constant(share)]),
      gradient: to.convolveBack(slope, difference, picture, kernel),
    };
  });
  return {
    loss: to.sum(directions.map(({ loss }) => loss)),
    gradient: to.sum(directions.map(({ gradient }) => gradient)),
  };
}

/** The next pixel less this one, in each channel. */
function differences(channels: number, height: number, width: number): Convolution {
  const weights = Float32Array.from({ length: 2 * channels }, (_, i) => (i % 2 === 0 ? -1 : 1));
  return { dims: [channels, 1, height, width], weights, bias: null, group: channels, stride: 1, padding: 0 };
}
