import { seededRandom } from '../../../random';
import type { Scalar, Tensor2D, Tf, Variable } from '../../learning/tensorflow';
import { intersectionOverUnion } from '../../../vision/picture/boxes';
import { decodeHead, YOLO_WEIGHTS, yoloLoss, type YoloTarget, type YoloWeights } from './yolo-loss';

/** The last 1×1 convolution: [channels × values] row by row, and [values], value = anchor × 5 + (x, y, w, h, confidence). */
export interface HeadWeights {
  readonly kernel: Float32Array;
  readonly bias: Float32Array;
}

/** A box in cells: centre and size. */
export interface CellBox {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Output of the frozen layers for one picture, and where its faces are. */
export interface HeadPicture {
  /** [rows × columns, channels]. */
  readonly features: Float32Array;
  readonly columns: number;
  readonly rows: number;
  /** Cells on the side of the whole (padded) picture; sizes are shares of this. */
  readonly side: number;
  readonly faces: readonly CellBox[];
}

export interface HeadOptions {
  /** (width, height) in cells. */
  readonly anchors: readonly (readonly [number, number])[];
  readonly epochs: number;
  readonly batch: number;
  /** Adam's step. */
  readonly rate: number;
  readonly seed: number;
  readonly weights?: YoloWeights;
  /** After each epoch, losses a picture. */
  readonly onEpoch?: (epoch: number, training: number, validation: number) => void;
}

export interface TrainedHead {
  readonly weights: HeadWeights;
  /** The epoch that was kept, 0 being the start: the one with the least loss on the validation pictures. */
  readonly epoch: number;
  /** Validation loss a picture, from epoch 0 on. */
  readonly validation: readonly number[];
}

const VALUES = 5;

/**
 * Trains only the head, from its present weights, with the loss of YOLO. Keeps the epoch with the least validation
 * loss. That may be the start, if there was nothing to learn.
 */
export function trainHead(
  tf: Tf,
  training: readonly HeadPicture[],
  validation: readonly HeadPicture[],
  start: HeadWeights,
  options: HeadOptions,
): TrainedHead {
  const values = start.bias.length;
  const channels = start.kernel.length / values;
  const random = seededRandom(options.seed);
  const initial = [tf.tensor2d(start.kernel, [channels, values]), tf.tensor1d(start.bias)] as const;
  const kernel = tf.variable(initial[0]);
  const bias = tf.variable(initial[1]);
  const optimiser = tf.train.adam(options.rate);
  const run = (features: Tensor2D): Tensor2D => tf.add(tf.matMul(features, kernel as unknown as Tensor2D), bias);
  /**
   * The mean loss of some pictures as a function of the head. Which predictor is responsible for which face is decided
   * before.
   */
  const lossOf = (pictures: readonly HeadPicture[]): (() => Scalar) => {
    const features = tf.concat(
      pictures.map((picture) => tf.tensor2d(picture.features, [picture.rows * picture.columns, channels])),
    );
    const grid = run(features).dataSync() as Float32Array;
    const target = targetFor(tf, pictures, grid, options.anchors);
    const anchors = anchorsOf(tf, pictures, options.anchors);
    return () => {
      const prediction = decodeHead(tf, run(features), anchors);
      return tf.div(yoloLoss(tf, prediction, target, options.weights ?? YOLO_WEIGHTS), pictures.length);
    };
  };
  const batches = (pictures: readonly HeadPicture[]) => batchesOf(pictures, options.batch);
  const meanLoss = (pictures: readonly HeadPicture[]): number =>
    batches(pictures).reduce(
      (sum, batch) => sum + batch.length * tf.tidy(() => lossOf(batch)().dataSync()[0] as number),
      0,
    ) / Math.max(1, pictures.length);
  const snapshot = (): HeadWeights => ({
    kernel: Float32Array.from(kernel.dataSync()),
    bias: Float32Array.from(bias.dataSync()),
  });

  try {
    const losses = [meanLoss(validation)];
    let best = { weights: snapshot(), epoch: 0 };
    for (let epoch = 1; epoch <= options.epochs; epoch++) {
      let sum = 0;
      for (const batch of batches(shuffled(training, (n) => random.below(n))))
        sum += batch.length * tf.tidy(() => minimise(optimiser, lossOf(batch), [kernel, bias]));
      const loss = meanLoss(validation);
      if (loss < Math.min(...losses)) best = { weights: snapshot(), epoch };
      losses.push(loss);
      options.onEpoch?.(epoch, sum / training.length, loss);
    }
    return { ...best, validation: losses };
  } finally {
    tf.dispose([kernel, bias, ...initial]);
    optimiser.dispose();
  }
}

function batchesOf<T>(items: readonly T[], size: number): (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}

function minimise(optimiser: ReturnType<Tf['train']['adam']>, loss: () => Scalar, variables: Variable[]): number {
  return optimiser.minimize(loss, true, variables)?.dataSync()[0] as number;
}

/** For every predictor of every picture, as a share of the picture's side. */
function anchorsOf(tf: Tf, pictures: readonly HeadPicture[], anchors: HeadOptions['anchors']): Tensor2D {
  const count = pictures.reduce((sum, { rows, columns }) => sum + rows * columns, 0) * anchors.length;
  const shares = new Float32Array(2 * count);
  let at = 0;
  for (const { rows, columns, side } of pictures)
    for (let cell = 0; cell < rows * columns; cell++)
      for (const [width, height] of anchors) {
        shares[at++] = width / side;
        shares[at++] = height / side;
      }
  return tf.tensor2d(shares, [count, 2]);
}

/**
 * Assigns faces to predictors: in the cell with the face's centre, the predictor whose box overlaps it most at present.
 * Its confidence should be that overlap. Two faces in one cell get two predictors. Faces whose centre lies outside are
 * left out.
 * @param grid [cells, anchors × 5], the head's present output
 */
export function assignFaces(
  picture: Omit<HeadPicture, 'features'>,
  grid: Float32Array,
  anchors: HeadOptions['anchors'],
): { readonly predictor: number; readonly face: CellBox; readonly overlap: number }[] {
  const { columns, rows, faces } = picture;
  const taken = new Set<number>();
  return faces.flatMap((face) => {
    const column = Math.floor(face.x);
    const row = Math.floor(face.y);
    if (column < 0 || row < 0 || column >= columns || row >= rows) return [];
    const cell = row * columns + column;
    const truth = cornered(face);
    const candidates = anchors.flatMap(([width, height], anchor) => {
      const predictor = cell * anchors.length + anchor;
      if (taken.has(predictor)) return [];
      const [x, y, w, h] = [0, 1, 2, 3].map((k) => grid[predictor * VALUES + k] as number) as [
        number,
        number,
        number,
        number,
      ];
      const box = {
        x: column + sigmoid(x),
        y: row + sigmoid(y),
        width: Math.exp(w) * width,
        height: Math.exp(h) * height,
      };
      return [{ predictor, face, overlap: intersectionOverUnion(cornered(box), truth) }];
    });
    const [first] = candidates;
    if (first === undefined) return [];
    const best = candidates.reduce((most, next) => (next.overlap > most.overlap ? next : most), first);
    taken.add(best.predictor);
    return [best];
  });
}

/** @param grid of all pictures, one after the other */
function targetFor(
  tf: Tf,
  pictures: readonly HeadPicture[],
  grid: Float32Array,
  anchors: HeadOptions['anchors'],
): YoloTarget {
  const count = grid.length / VALUES;
  const xy = new Float32Array(2 * count);
  // Above 0 for predictors without a face, since the root's gradient must stay finite there.
  const wh = new Float32Array(2 * count).fill(1);
  const responsible = new Float32Array(count);
  const confidence = new Float32Array(count);
  let first = 0;
  for (const picture of pictures) {
    const own = picture.rows * picture.columns * anchors.length;
    const seen = grid.subarray(first * VALUES, (first + own) * VALUES);
    for (const { predictor, face, overlap } of assignFaces(picture, seen, anchors)) {
      const at = first + predictor;
      xy.set([face.x - Math.floor(face.x), face.y - Math.floor(face.y)], 2 * at);
      wh.set([face.width / picture.side, face.height / picture.side], 2 * at);
      responsible[at] = 1;
      confidence[at] = overlap;
    }
    first += own;
  }
  return {
    xy: tf.tensor2d(xy, [count, 2]),
    wh: tf.tensor2d(wh, [count, 2]),
    responsible: tf.tensor2d(responsible, [count, 1]),
    confidence: tf.tensor2d(confidence, [count, 1]),
    classes: null,
  };
}

const cornered = ({ x, y, width, height }: CellBox): CellBox => ({
  x: x - width / 2,
  y: y - height / 2,
  width,
  height,
});
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** Fisher and Yates. */
function shuffled<T>(items: readonly T[], below: (n: number) => number): T[] {
  const order = [...items];
  for (let i = order.length - 1; i > 0; i--) {
    const j = below(i + 1);
    [order[i], order[j]] = [order[j] as T, order[i] as T];
  }
  return order;
}
