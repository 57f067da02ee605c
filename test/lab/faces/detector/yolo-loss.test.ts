import { loadTfjs, type Tensor2D, type Tf, type TfTensor } from '../../../../src/lab/learning/tensorflow';
import { decodeHead, yoloLoss, type YoloTarget } from '../../../../src/lab/faces/detector/yolo-loss';
import { seededRandom } from '../../../../src/random';

let tf: Tf;
beforeAll(async () => {
  ({ tf } = await loadTfjs('wasm'));
});

const CELLS = 4;
const BOXES = 2;
const CLASSES = 3;

interface Plain {
  readonly xy: number[][];
  readonly wh: number[][];
  readonly confidence: number[];
  readonly classes: number[][];
}

interface PlainTarget extends Plain {
  readonly responsible: number[];
  readonly occupied: number[];
}

/** Equation 3 of the paper, term by term, in double precision. */
function equation3(p: Plain, t: PlainTarget): number {
  let loss = 0;
  p.xy.forEach(([x, y], k) => {
    const [w, h] = p.wh[k]!;
    const C = (p.confidence[k]! - t.confidence[k]!) ** 2;
    if (t.responsible[k] !== 1) {
      loss += 0.5 * C;
      return;
    }
    loss += 5 * ((x! - t.xy[k]![0]!) ** 2 + (y! - t.xy[k]![1]!) ** 2);
    loss += 5 * ((Math.sqrt(w!) - Math.sqrt(t.wh[k]![0]!)) ** 2 + (Math.sqrt(h!) - Math.sqrt(t.wh[k]![1]!)) ** 2);
    loss += C;
  });
  p.classes.forEach((row, i) => {
    if (t.occupied[i] === 1) row.forEach((value, c) => (loss += (value - t.classes[i]![c]!) ** 2));
  });
  return loss;
}

function example(seed: number): { prediction: Plain; target: PlainTarget } {
  const random = seededRandom(seed);
  const rows = (count: number, width: number) =>
    Array.from({ length: count }, () => Array.from({ length: width }, () => random.between(0.05, 0.95)));
  const side = (): Plain => ({
    xy: rows(CELLS * BOXES, 2),
    wh: rows(CELLS * BOXES, 2),
    confidence: rows(CELLS * BOXES, 1).flat(),
    classes: rows(CELLS, CLASSES),
  });
  // Cell 1 and cell 3 hold an object; in each one box is responsible.
  const target = { ...side(), responsible: [0, 0, 1, 0, 0, 0, 0, 1], occupied: [0, 1, 0, 1] };
  target.responsible.forEach((one, k) => {
    if (one === 0) target.confidence[k] = 0;
  });
  return { prediction: side(), target };
}

const flatten = (p: Plain): number[] => [...p.xy.flat(), ...p.wh.flat(), ...p.confidence, ...p.classes.flat()];

function unflatten(values: readonly number[]): Plain {
  let at = 0;
  const rows = (count: number, width: number) => Array.from({ length: count }, () => values.slice(at, (at += width)));
  return {
    xy: rows(CELLS * BOXES, 2),
    wh: rows(CELLS * BOXES, 2),
    confidence: rows(CELLS * BOXES, 1).flat(),
    classes: rows(CELLS, CLASSES),
  };
}

function tensorsOf(t: PlainTarget): YoloTarget {
  const column = (values: number[]) => tf.tensor2d(values, [values.length, 1]);
  return {
    xy: tf.tensor2d(t.xy),
    wh: tf.tensor2d(t.wh),
    responsible: column(t.responsible),
    confidence: column(t.confidence),
    classes: { truth: tf.tensor2d(t.classes), occupied: column(t.occupied) },
  };
}

/** Largest difference, against the largest of the reference's values. */
function worst(actual: ArrayLike<number>, expected: readonly number[]): number {
  const scale = Math.max(...expected.map(Math.abs));
  return Math.max(...expected.map((value, i) => Math.abs(value - (actual[i] ?? NaN)))) / scale;
}

describe('the loss of YOLO', () => {
  test.each([1, 2, 3])('value and gradient are those of equation 3 by finite differences (%i)', (seed) => {
    const { prediction, target } = example(seed);
    tf.tidy(() => {
      const loss = (xy: TfTensor, wh: TfTensor, confidence: TfTensor, classes: TfTensor) =>
        yoloLoss(
          tf,
          {
            xy: xy as Tensor2D,
            wh: wh as Tensor2D,
            confidence: confidence as Tensor2D,
            classes: classes as Tensor2D,
          },
          tensorsOf(target),
        );
      const at = [
        tf.tensor2d(prediction.xy),
        tf.tensor2d(prediction.wh),
        tf.tensor2d(prediction.confidence, [CELLS * BOXES, 1]),
        tf.tensor2d(prediction.classes),
      ];
      const { value, grads } = tf.valueAndGrads(loss)(at);
      expect(value.dataSync()[0]).toBeCloseTo(equation3(prediction, target), 4);

      const flat = flatten(prediction);
      const step = 1e-5;
      const numeric = flat.map((_, i) => {
        const moved = (by: number) => equation3(unflatten(flat.map((v, k) => (k === i ? v + by : v))), target);
        return (moved(step) - moved(-step)) / (2 * step);
      });
      expect(
        worst(
          grads.flatMap((grad) => [...grad.dataSync()]),
          numeric,
        ),
      ).toBeLessThan(1e-4);
    });
  });

  test('why the roots: the same two pixels matter more on a small box', () => {
    const sizeError = (pixels: number, picture = 448): number =>
      tf.tidy(() => {
        const one = (value: number, width: number) => tf.tensor2d(Array<number>(width).fill(value), [1, width]);
        const box = (side: number) => ({
          xy: one(0.5, 2),
          wh: one(side / picture, 2),
          confidence: one(1, 1),
          classes: null,
        });
        return yoloLoss(tf, box(pixels + 2), { ...box(pixels), responsible: one(1, 1) }).dataSync()[0]!;
      });
    const [small, large] = [sizeError(20), sizeError(200)];
    // (√(w+2) − √w)² ≈ 1/w: ten times the size, a tenth of the loss. Without the roots both would be (2/448)².
    expect(small / large).toBeGreaterThan(9);
    expect(small / large).toBeLessThan(11);
  });

  test('the head’s values as a prediction: gradient through the decoding', () => {
    const random = seededRandom(5);
    const { target } = example(4);
    const raw = Array.from({ length: CELLS * BOXES * 5 }, () => random.normal());
    const anchors = [
      [0.1, 0.2],
      [0.4, 0.3],
    ];
    const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
    const decode = (values: readonly number[]): Plain => {
      const rows = Array.from({ length: CELLS * BOXES }, (_, k) => values.slice(5 * k, 5 * k + 5));
      return {
        xy: rows.map(([x, y]) => [sigmoid(x!), sigmoid(y!)]),
        wh: rows.map(([, , w, h], k) => [Math.exp(w!) * anchors[k % 2]![0]!, Math.exp(h!) * anchors[k % 2]![1]!]),
        confidence: rows.map(([, , , , c]) => sigmoid(c!)),
        classes: [],
      };
    };
    const step = 1e-5;
    const numeric = raw.map((_, i) => {
      const moved = (by: number) => equation3(decode(raw.map((v, k) => (k === i ? v + by : v))), target);
      return (moved(step) - moved(-step)) / (2 * step);
    });
    tf.tidy(() => {
      const all = tf.tensor2d(Array.from({ length: CELLS }, () => anchors).flat());
      const grad = tf.grad((grid) =>
        yoloLoss(tf, decodeHead(tf, grid as Tensor2D, all), { ...tensorsOf(target), classes: null }),
      )(tf.tensor2d(raw, [CELLS, BOXES * 5]));
      expect(worst(grad.dataSync(), numeric)).toBeLessThan(1e-4);
    });
  });
});
