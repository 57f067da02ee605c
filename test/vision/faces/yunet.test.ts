import type { CardOutput, ImageInput } from '../../../src/inference/card';
import { CPU_ONE_THREAD } from '../../../src/inference/model';
import type { Tensors } from '../../../src/inference/model';
import type { FaceDetector } from '../../../src/vision/faces/faces';
import type { Frame } from '../../../src/vision/picture/frame';
import { loadAnalyser } from '../../../src/vision/faces/load';
import { readPicture } from '../../../src/vision/picture/picture';
import { WHOLE_FRAME } from '../../../src/vision/faces/quality';
import { YuNetDetector } from '../../../src/vision/faces/yunet';
import { CameraConfig } from '../../../src/config/schema/cameras';
import { describeWithLondon, installedModels, london, plainFrame } from '../../support/faces';
import { FixedModel, RUNNING } from '../../support/fixed-model';

const IMAGE: ImageInput = {
  ...{ kind: 'image', name: 'image', layout: 'NCHW', colour: 'BGR', multiple: 32 },
  ...{ width: null, height: null, mean: [0, 0, 0], scale: [1, 1, 1] },
};
const OUTPUT: CardOutput<'yunet'> = { decoding: 'yunet', strides: [8, 16, 32], scoreThreshold: 0.5, iouThreshold: 0.3 };

interface Cell {
  readonly stride: number;
  readonly column: number;
  readonly row: number;
  readonly cls: number;
  readonly obj: number;
  /** Centre offset in cells, and logarithm of the size in cells. */
  readonly bbox?: readonly [number, number, number, number];
}

/** A detector whose network sees faces in these cells and nowhere else. */
function detectorWith(cells: readonly Cell[], image: ImageInput = IMAGE) {
  const model = new FixedModel(([, , height, width]) => {
    const outputs: Record<string, Tensors[string]> = {};
    for (const stride of OUTPUT.strides) {
      const columns = width! / stride;
      const count = columns * (height! / stride);
      const heads = { cls: 1, obj: 1, bbox: 4, kps: 10 };
      const data = Object.fromEntries(
        Object.entries(heads).map(([head, size]) => [head, new Float32Array(count * size)]),
      ) as Record<keyof typeof heads, Float32Array>;
      for (const cell of cells.filter((one) => one.stride === stride)) {
        const at = cell.row * columns + cell.column;
        data.cls[at] = cell.cls;
        data.obj[at] = cell.obj;
        data.bbox.set(cell.bbox ?? [0.5, 0.5, Math.log(4), Math.log(5)], at * 4);
        data.kps.set([-1, -1, 1, -1, 0, 0, -0.5, 1, 0.5, 1], at * 10);
      }
      for (const [head, size] of Object.entries(heads))
        outputs[`${head}_${stride}`] = { data: data[head as keyof typeof heads], dims: [1, count, size] };
    }
    return outputs;
  });
  return { detector: new YuNetDetector(RUNNING, model, image, OUTPUT), model };
}

describe('decoding', () => {
  test('a cell becomes a box and five landmarks in pixels of the frame', async () => {
    const { detector } = detectorWith([{ stride: 16, column: 3, row: 2, cls: 0.9, obj: 0.9 }]);
    const [face, ...others] = await detector.detect(plainFrame(320, 320), 28);
    expect(others).toEqual([]);
    expect(face!.score).toBeCloseTo(0.9, 5);
    expect(face!.box.x).toBeCloseTo(3.5 * 16 - 32, 4);
    expect(face!.box.y).toBeCloseTo(2.5 * 16 - 40, 4);
    expect(face!.box.width).toBeCloseTo(64, 4);
    expect(face!.box.height).toBeCloseTo(80, 4);
    const points = [-1, -1, 1, -1, 0, 0, -0.5, 1, 0.5, 1];
    expect(face!.landmarks!.flatMap(({ x, y }) => [x, y])).toEqual(
      points.map((v, i) => (v + (i % 2 === 0 ? 3 : 2)) * 16),
    );
  });

  test('a frame that was made smaller gives boxes of its own size', async () => {
    const { detector, model } = detectorWith([{ stride: 8, column: 1, row: 1, cls: 1, obj: 1 }]);
    const [face] = await detector.detect(plainFrame(1280, 720), 112);
    // 28 network pixels for 112 of the frame: a quarter, then up to multiples of 32.
    expect(model.asked[0]!.dims).toEqual([1, 3, 192, 320]);
    expect(face!.box.width).toBeCloseTo(4 * 8 * 4, 3);
  });

  test('score is the geometric mean of class and objectness; what is under the threshold, negative or NaN is none', async () => {
    const at = (column: number, cls: number, obj: number): Cell => ({ stride: 32, column, row: 1, cls, obj });
    const { detector } = detectorWith([at(0, 1, 0.26), at(4, 0.5, 0.49), at(6, NaN, 1), at(8, -1, -1), at(9, 1, NaN)]);
    const faces = await detector.detect(plainFrame(640, 640), 28);
    expect(faces.map(({ score }) => score.toFixed(3))).toEqual(['0.510']);
  });

  test('of boxes that overlap the surest is kept, whatever stride it came from', async () => {
    const { detector } = detectorWith([
      { stride: 8, column: 10, row: 10, cls: 0.8, obj: 0.8, bbox: [0, 0, Math.log(8), Math.log(8)] },
      { stride: 16, column: 5, row: 5, cls: 0.9, obj: 0.9, bbox: [0, 0, Math.log(4), Math.log(4)] },
      { stride: 32, column: 8, row: 8, cls: 0.7, obj: 0.7 },
    ]);
    const faces = await detector.detect(plainFrame(640, 640), 28);
    expect(faces.map(({ score }) => Number(score.toFixed(2)))).toEqual([0.9, 0.7]);
  });

  test('a network without the outputs of its card is told by name', async () => {
    const model = new FixedModel(() => ({}));
    const detector = new YuNetDetector(RUNNING, model, IMAGE, OUTPUT);
    await expect(detector.detect(plainFrame(64, 64), 28)).rejects.toMatchObject({ message: 'fixed: no output cls_8' });
  });
});

describe('what the network is shown', () => {
  test('blue first, rows from the top, black beyond the frame', async () => {
    const { detector, model } = detectorWith([]);
    await detector.detect(plainFrame(40, 20, [10, 20, 30]), 28);
    const { data, dims } = model.asked[0]!;
    expect(dims).toEqual([1, 3, 32, 64]);
    const plane = 32 * 64;
    expect([data[0], data[plane], data[2 * plane]]).toEqual([30, 20, 10]);
    expect([data[39], data[40], data[19 * 64], data[20 * 64]]).toEqual([30, 0, 30, 0]);
  });

  test('a network of fixed size sees the whole frame, its shape kept', async () => {
    const { detector, model } = detectorWith([{ stride: 8, column: 0, row: 0, cls: 1, obj: 1 }], {
      ...IMAGE,
      width: 64,
      height: 64,
    });
    const [face] = await detector.detect(plainFrame(128, 64, [1, 2, 3]), 28);
    const { data, dims } = model.asked[0]!;
    expect(dims).toEqual([1, 3, 64, 64]);
    expect([data[31 * 64], data[32 * 64]]).toEqual([3, 0]);
    expect(face!.box.width).toBeCloseTo(64, 3);
  });
});

describeWithLondon('YuNet-n on people', () => {
  let detector: FaceDetector;
  let dispose: () => Promise<void>;
  beforeAll(async () => {
    const analyser = await loadAnalyser({
      ...{ modelsDir: installedModels, models: { detector: 'yunet-n', encoder: 'mobilefacenet' } },
      ...{
        execution: CPU_ONE_THREAD,
        region: WHOLE_FRAME,
        minFacePx: 80,
        gates: CameraConfig.shape.quality.parse(undefined),
      },
    });
    detector = (analyser as unknown as { detector: FaceDetector }).detector;
    dispose = () => analyser.dispose();
  });
  afterAll(() => dispose());

  const shifted = (frame: Frame, dx: number, dy: number): Frame => {
    const moved = plainFrame(frame.width, frame.height, [200, 200, 200]);
    for (let y = 0; y < frame.height - dy; y++) {
      const from = frame.data.subarray(y * frame.width * 3, (y + 1) * frame.width * 3 - dx * 3);
      moved.data.set(from, ((y + dy) * frame.width + dx) * 3);
    }
    return moved;
  };

  test.each([1, 20, 40, 60, 80, 100])(
    'person %i: one face, eyes above nose above mouth, both looks',
    async (person) => {
      for (const look of ['neutral', 'smiling'] as const) {
        const frame = await readPicture(london(person, look));
        const faces = await detector.detect(frame, 80);
        expect(faces).toHaveLength(1);
        const { box, landmarks } = faces[0]!;
        expect(box.width).toBeGreaterThan(150);
        const [leftEye, rightEye, nose, leftMouth, rightMouth] = landmarks!;
        expect(rightEye.x - leftEye.x).toBeGreaterThan(box.width / 4);
        for (const eye of [leftEye, rightEye]) expect(eye.y).toBeLessThan(nose.y);
        for (const corner of [leftMouth, rightMouth]) expect(corner.y).toBeGreaterThan(nose.y);
      }
    },
  );

  test('a face that moves takes its box and its landmarks along', async () => {
    const frame = await readPicture(london(20, 'neutral'));
    const [still] = await detector.detect(frame, 80);
    const [moved] = await detector.detect(shifted(frame, 32, 16), 80);
    const slack = 0.06 * still!.box.width;
    expect(Math.abs(moved!.box.x - still!.box.x - 32)).toBeLessThan(slack);
    expect(Math.abs(moved!.box.y - still!.box.y - 16)).toBeLessThan(slack);
    for (let k = 0; k < 5; k++) {
      expect(Math.abs(moved!.landmarks![k]!.x - still!.landmarks![k]!.x - 32)).toBeLessThan(slack);
      expect(Math.abs(moved!.landmarks![k]!.y - still!.landmarks![k]!.y - 16)).toBeLessThan(slack);
    }
  });

  test('no faces in grey, white, and noise', async () => {
    const noise = plainFrame(640, 360);
    let state = 1;
    for (let i = 0; i < noise.data.length; i++) noise.data[i] = (state = (state * 48271) % 2147483647) & 255;
    for (const frame of [plainFrame(640, 360), plainFrame(640, 360, [255, 255, 255]), noise])
      expect(await detector.detect(frame, 80)).toEqual([]);
  });
});
