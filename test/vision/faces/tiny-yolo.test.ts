import type { CardOutput, ImageInput } from '../../../src/inference/card';
import { TinyYoloDetector } from '../../../src/vision/faces/tiny-yolo';
import { FixedModel, RUNNING } from '../../support/fixed-model';

const IMAGE: ImageInput = {
  kind: 'image',
  name: 'image',
  layout: 'NCHW',
  colour: 'RGB',
  width: null,
  height: null,
  multiple: 32,
  mean: [0, 0, 0],
  scale: [1, 1, 1],
};
const OUTPUT: CardOutput<'tiny-yolo-v2'> = {
  decoding: 'tiny-yolo-v2',
  output: 'grid',
  anchors: [
    [1, 2],
    [3, 3],
  ],
  cellPx: 32,
  scoreThreshold: 0.5,
  iouThreshold: 0.4,
};
const frameOf = (width: number, height: number) => ({ width, height, data: new Uint8Array(width * height * 3) });
type Hit = readonly [anchor: number, row: number, column: number, logit: number];

/** A detector whose network sees `hits`, each box centred in its cell and as large as its anchor. */
function detectorWith(hits: readonly Hit[]): { detector: TinyYoloDetector; model: FixedModel } {
  const model = new FixedModel(([, , height, width]) => {
    const columns = width! / 32;
    const plane = columns * (height! / 32);
    const data = new Float32Array(10 * plane);
    for (let anchor = 0; anchor < 2; anchor++) data.fill(-20, (anchor * 5 + 4) * plane, (anchor * 5 + 5) * plane);
    for (const [anchor, row, column, logit] of hits) data[(anchor * 5 + 4) * plane + row * columns + column] = logit;
    return { grid: { data, dims: [1, 10, height! / 32, columns] } };
  });
  return { detector: new TinyYoloDetector(RUNNING, model, IMAGE, OUTPUT), model };
}

describe('TinyYoloDetector', () => {
  it('turns grid cells into boxes of the frame, best first', async () => {
    const { detector } = detectorWith([
      [0, 1, 2, 1],
      [1, 4, 8, 3],
    ]);
    const faces = await detector.detectAt(frameOf(832, 832), 416);
    expect(faces.map(({ box }) => box)).toEqual([
      { x: 8.5 * 64 - 96, y: 4.5 * 64 - 96, width: 192, height: 192 },
      { x: 2.5 * 64 - 32, y: 1.5 * 64 - 64, width: 64, height: 128 },
    ]);
    expect(faces[0]!.score).toBeCloseTo(1 / (1 + Math.exp(-3)), 6);
    expect(faces[0]!.landmarks).toBeNull();
  });

  it('suppresses what overlaps, and leaves out what scores no more than the threshold', async () => {
    const { detector } = detectorWith([
      [1, 3, 3, 2],
      [1, 3, 4, 1],
      [0, 8, 8, 0],
    ]);
    expect(await detector.detectAt(frameOf(416, 416), 416)).toHaveLength(1);
  });

  it('drops faces that lie in the padding', async () => {
    const { detector } = detectorWith([[0, 5, 1, 4]]);
    expect(await detector.detectAt(frameOf(320, 64), 320)).toEqual([]);
  });

  it('keeps as much padding as the picture’s last cells see, and no more', async () => {
    const { detector, model } = detectorWith([]);
    await detector.detectAt(frameOf(1280, 720), 704);
    await detector.detectAt(frameOf(720, 1280), 704);
    await detector.detectAt(frameOf(720, 700), 224);
    expect(model.asked.map(({ dims }) => dims)).toEqual([
      [1, 3, 512, 704],
      [1, 3, 704, 512],
      [1, 3, 224, 224],
    ]);
  });

  it.each([
    [1280, 720, 80, 704],
    [1280, 720, 160, 352],
    [1280, 720, 24, 1280],
    [640, 480, 20, 640],
    [320, 240, 300, 128],
  ])('in %i×%i finds faces of %i px at %i', (width, height, face, size) => {
    expect(detectorWith([]).detector.sizeFor(frameOf(width, height), face)).toBe(size);
  });

  it.each([0, -32, 100, NaN])('refuses the size %d', async (size) => {
    await expect(detectorWith([]).detector.detectAt(frameOf(64, 64), size)).rejects.toThrow(RangeError);
  });

  it('refuses a network of another shape', async () => {
    const model = new FixedModel(() => ({ grid: { data: new Float32Array(7), dims: [7] } }));
    const detector = new TinyYoloDetector(RUNNING, model, IMAGE, OUTPUT);
    await expect(detector.detectAt(frameOf(64, 64), 64)).rejects.toMatchObject({ code: 'model-invalid' });
    expect(() => new TinyYoloDetector(RUNNING, model, { ...IMAGE, width: 416 }, OUTPUT)).toThrow('free NCHW');
    await detector.dispose();
    expect(model.disposed).toBe(true);
  });
});
