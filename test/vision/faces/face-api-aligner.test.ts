import type { CardOutput, ImageInput } from '../../../src/inference/card';
import { AlignedFaceEncoder } from '../../../src/vision/faces/encoder';
import { alignmentBox, FaceApiAligner } from '../../../src/vision/faces/face-api-aligner';
import type { FaceShape } from '../../../src/vision/faces/faces';
import type { Point } from '../../../src/vision/picture/frame';
import { FixedModel, RUNNING } from '../../support/fixed-model';

const IMAGE: ImageInput = {
  kind: 'image',
  name: 'image',
  layout: 'NCHW',
  colour: 'RGB',
  width: 4,
  height: 4,
  multiple: 1,
  mean: [100, 100, 100],
  scale: [2, 2, 2],
};
const OUTPUT: CardOutput<'embedding'> = {
  decoding: 'embedding',
  output: 'embedding',
  dimensions: 2,
  space: 'test-space',
  normalise: false,
  mirror: false,
  thresholds: [{ fmr: 0.01, distance: 0.5, fnmr: null, measuredOn: 'nothing' }],
};
const frameOf = (width: number, height: number) => ({
  width,
  height,
  data: Uint8Array.from({ length: width * height * 3 }, (_, i) => (Math.floor(i / 3) % width) % 256),
});

/** Eyes 20 px apart on one line, the mouth's corners 18 px below and 20 px apart. */
function shapeAt(x: number, y: number): FaceShape {
  const leftEye = { x: x - 10, y };
  const rightEye = { x: x + 10, y };
  const mouth = [
    { x: x - 10, y: y + 18 },
    { x: x + 10, y: y + 18 },
  ] as const;
  const five = [leftEye, rightEye, { x, y: y + 10 }, ...mouth] as const;
  return { box: { x: x - 30, y: y - 30, width: 60, height: 60 }, five, points: five };
}

/** The first output is the input's first column, the second its last: they tell a mirrored face. */
function encoder(mirror: boolean, output = OUTPUT): { encoder: AlignedFaceEncoder; model: FixedModel } {
  const model: FixedModel = new FixedModel(() => {
    const { data } = model.asked.at(-1)!;
    return { embedding: { data: Float32Array.of(data[0]!, data[3]!), dims: [1, 2] } };
  });
  const aligner = new FaceApiAligner({ width: 4, height: 4 });
  return { encoder: new AlignedFaceEncoder({ running: RUNNING, model, image: IMAGE, output, aligner, mirror }), model };
}

describe('alignmentBox', () => {
  const eyeToMouth = Math.hypot(10, 18);
  const size = Math.floor(eyeToMouth / 0.45);

  it('is an upright square around the middle of eyes and mouth, in whole pixels', () => {
    const box = alignmentBox(shapeAt(100, 80), frameOf(300, 200));
    expect(box).toEqual({ x: Math.floor(100 - size / 2), y: Math.floor(86 - 0.43 * size), width: size, height: size });
  });

  it('takes the 68-point ranges where it has them', () => {
    const shape = shapeAt(100, 80);
    const points: Point[] = Array.from({ length: 68 }, (_, i) => {
      if (i < 36) return { x: -999, y: 999 };
      return i < 42 ? shape.five[0] : i < 48 ? shape.five[1] : { x: 100, y: 98 };
    });
    expect(alignmentBox({ ...shape, points }, frameOf(300, 200))).toEqual(alignmentBox(shape, frameOf(300, 200)));
  });

  it('starts inside the picture', () => {
    expect(alignmentBox(shapeAt(5, 5), frameOf(300, 200))).toMatchObject({ x: 0, y: 0 });
  });
});

describe('an encoder with the alignment of face-api', () => {
  it('cuts the face out in 0..255, and normalises on the way into the network', async () => {
    const { encoder: plain, model } = encoder(false);
    const aligned = plain.align(frameOf(200, 200), shapeAt(100, 80))!;
    expect(aligned).toMatchObject({ width: 4, height: 4 });
    const { x, width } = alignmentBox(shapeAt(100, 80), frameOf(200, 200));
    expect(aligned.data[1]).toBeCloseTo(x + width / 4, 4);
    expect([...(await plain.encode(aligned))]).toEqual([(aligned.data[0]! - 100) / 2, (aligned.data[3]! - 100) / 2]);
    expect(model.asked[0]!.dims).toEqual([1, 3, 4, 4]);
  });

  it('averages the face and its mirror image', async () => {
    const { encoder: mirrored, model } = encoder(true);
    const aligned = mirrored.align(frameOf(200, 200), shapeAt(100, 80))!;
    const embedding = await mirrored.encode(aligned);
    expect(model.asked).toHaveLength(2);
    expect(embedding[0]).toBeCloseTo(embedding[1]!, 5);
    expect(embedding[0]).toBeCloseTo((aligned.data[0]! + aligned.data[3]! - 200) / 4, 5);
  });

  it('brings the vector to length 1 where the card says so', async () => {
    const { encoder: unit } = encoder(false, { ...OUTPUT, normalise: true });
    const embedding = await unit.encode(unit.align(frameOf(200, 200), shapeAt(100, 80))!);
    expect(Math.hypot(...embedding)).toBeCloseTo(1, 5);
  });

  it('gives no face where the landmarks lie outside the picture, in one point or nowhere', () => {
    const { encoder: plain } = encoder(false);
    const point = { x: 50, y: 50 };
    const collapsed: FaceShape = { ...shapeAt(50, 50), five: [point, point, point, point, point], points: [] };
    const nowhere = { x: NaN, y: NaN };
    expect(plain.align(frameOf(100, 100), shapeAt(900, 50))).toBeNull();
    expect(plain.align(frameOf(100, 100), collapsed)).toBeNull();
    expect(
      plain.align(frameOf(100, 100), { ...collapsed, five: [nowhere, nowhere, nowhere, nowhere, nowhere] }),
    ).toBeNull();
  });

  it('refuses networks of another shape', async () => {
    const { encoder: other } = encoder(false, { ...OUTPUT, dimensions: 128 });
    const aligned = other.align(frameOf(200, 200), shapeAt(100, 80))!;
    await expect(other.encode(aligned)).rejects.toMatchObject({ code: 'model-invalid' });
    expect(() => new FaceApiAligner({ width: 4, height: 5 })).toThrow('square');
  });
});
