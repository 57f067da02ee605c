import type { Scalar, Tensor2D, Tf } from '../../learning/tensorflow';

/** Weights of the terms. */
export interface YoloWeights {
  /** λ_coord: a box's position and size count this much more than its confidence. */
  readonly coord: number;
  /** λ_noobj: most predictors see nothing; their many small errors must not outweigh the few that do. */
  readonly noObject: number;
}
/** Those of the paper. */
export const YOLO_WEIGHTS: YoloWeights = { coord: 5, noObject: 0.5 };

/**
 * Output of the network, one row a predictor (box j of cell i), and one row a cell for its classes. x and y: the box's
 * centre, from the corner of its cell, in cells. w and h: the box's size as a share of the picture's, above 0.
 */
export interface YoloPrediction {
  readonly xy: Tensor2D;
  readonly wh: Tensor2D;
  /** [predictors, 1]. */
  readonly confidence: Tensor2D;
  /** [cells, classes]; null for a detector of one class that has no class output. */
  readonly classes: Tensor2D | null;
}

/** The correct output. */
export interface YoloTarget {
  readonly xy: Tensor2D;
  readonly wh: Tensor2D;
  /** [predictors, 1]: 1 where a predictor is responsible for an object (1ᵢⱼᵒᵇʲ), else 0. */
  readonly responsible: Tensor2D;
  /** [predictors, 1]: for responsible ones the IoU of their box with the object's, a constant; 0 for the others. */
  readonly confidence: Tensor2D;
  /** [cells, classes] of 0 and 1, and [cells, 1]: 1 where an object's centre lies in the cell (1ᵢᵒᵇʲ). */
  readonly classes: { readonly truth: Tensor2D; readonly occupied: Tensor2D } | null;
}

/**
 * The loss of YOLO (Redmon, Divvala, Girshick, Farhadi: "You Only Look Once", CVPR 2016, equation 3), summed over all predictors:
 *
 *     λ_coord Σ 1ᵒᵇʲ [(x − x̂)² + (y − ŷ)²]
 *   + λ_coord Σ 1ᵒᵇʲ [(√w − √ŵ)² + (√h − √ĥ)²]
 *   + Σ 1ᵒᵇʲ (C − Ĉ)² + λ_noobj Σ 1ⁿᵒᵒᵇʲ (C − Ĉ)²
 *   + Σ_cells 1ᵒᵇʲ Σ_classes (p(c) − p̂(c))²
 *
 * The roots make an error of two pixels matter more on a small box than on a large one.
 */
export function yoloLoss(
  tf: Tf,
  prediction: YoloPrediction,
  target: YoloTarget,
  { coord, noObject }: YoloWeights = YOLO_WEIGHTS,
): Scalar {
  return tf.tidy(() => {
    const { responsible } = target;
    const rows = (a: Tensor2D, b: Tensor2D): Tensor2D => tf.sum(tf.squaredDifference(a, b), 1, true);
    const ofResponsible = (errors: Tensor2D): Scalar => tf.sum(tf.mul(errors, responsible));
    const error = tf.squaredDifference<Tensor2D>(prediction.confidence, target.confidence);
    const terms: Scalar[] = [
      tf.mul(coord, ofResponsible(rows(prediction.xy, target.xy))),
      tf.mul(coord, ofResponsible(rows(tf.sqrt(prediction.wh), tf.sqrt(target.wh)))),
      ofResponsible(error),
      tf.mul(noObject, tf.sum(tf.mul(error, tf.sub(1, responsible)))),
    ];
    if (prediction.classes !== null && target.classes !== null)
      terms.push(tf.sum(tf.mul(rows(prediction.classes, target.classes.truth), target.classes.occupied)));
    return tf.addN(terms);
  });
}

/**
 * The head of Tiny YOLOv2 as a prediction of equation 3: a logistic centre inside the cell, anchors times an exponential for the
 * size (Redmon & Farhadi, "YOLO9000", 2017), a logistic confidence.
 *
 * To be called within `tf.tidy`.
 *
 * @param grid [cells, anchors × 5], raw; of each anchor x, y, w, h, confidence
 * @param anchors [cells × anchors, 2]: width and height as shares of the picture's, those of each cell one after the other
 */
export function decodeHead(tf: Tf, grid: Tensor2D, anchors: Tensor2D): YoloPrediction {
  const values: Tensor2D = tf.reshape(grid, [anchors.shape[0], 5]);
  return {
    xy: tf.sigmoid(tf.slice(values, [0, 0], [-1, 2])),
    wh: tf.mul(tf.exp(tf.slice(values, [0, 2], [-1, 2])), anchors),
    confidence: tf.sigmoid(tf.slice(values, [0, 4], [-1, 1])),
    classes: null,
  };
}
