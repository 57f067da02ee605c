import type { ImageInput } from '../../../src/inference/card';
import { fiveOf, Landmarks68 } from '../../../src/vision/faces/landmarks68';
import { FixedModel, RUNNING } from '../../support/fixed-model';

const IMAGE: ImageInput = {
  kind: 'image',
  name: 'image',
  layout: 'NCHW',
  colour: 'RGB',
  width: 8,
  height: 8,
  multiple: 1,
  mean: [0, 0, 0],
  scale: [1, 1, 1],
};
const OUTPUT = { decoding: 'face-api-landmarks-68', output: 'landmarks' } as const;
const FRAME = { width: 200, height: 100, data: new Uint8Array(60_000).fill(9) };

function landmarkerWith(values: Float32Array): Landmarks68 {
  const model = new FixedModel(() => ({ landmarks: { data: values, dims: [1, values.length] } }));
  return new Landmarks68(RUNNING, model, IMAGE, OUTPUT);
}

describe('Landmarks68', () => {
  it.each([
    // The square around a box is as large as its longer side, and centred on it.
    ['wide', { x: 20, y: 30, width: 40, height: 20 }, { x: 20 + 0.5 * 40, y: 30 + 0.5 * 40 - 10 }],
    ['tall', { x: 20, y: 30, width: 20, height: 40 }, { x: 20 + 0.5 * 40 - 10, y: 30 + 0.5 * 40 }],
    // Over the edge: the crop starts at 0, the library shifts by the box all the same.
    ['cut', { x: -10, y: 30, width: 40, height: 40 }, { x: -10 + 0.5 * 40 - 5, y: 30 + 0.5 * 40 }],
  ])('maps the middle of the input back from a %s box', async (_, box, middle) => {
    const shape = await landmarkerWith(new Float32Array(136).fill(0.5)).locate(FRAME, box);
    expect(shape.points).toHaveLength(68);
    for (const point of [...shape.points, ...shape.five]) {
      expect(point.x).toBeCloseTo(middle.x, 5);
      expect(point.y).toBeCloseTo(middle.y, 5);
    }
    expect(shape.box).toBe(box);
  });

  it('refuses a box beside the picture and a network of another shape', async () => {
    const landmarker = landmarkerWith(new Float32Array(136));
    await expect(landmarker.locate(FRAME, { x: 300, y: 0, width: 10, height: 10 })).rejects.toMatchObject({
      code: 'face-unsuitable',
    });
    await expect(
      landmarkerWith(new Float32Array(10)).locate(FRAME, { x: 0, y: 0, width: 10, height: 10 }),
    ).rejects.toMatchObject({ code: 'model-invalid' });
    const model = new FixedModel(() => ({}));
    expect(() => new Landmarks68(RUNNING, model, { ...IMAGE, width: null }, OUTPUT)).toThrow('fixed square');
  });
});

describe('fiveOf', () => {
  it('takes the middles of the eyes, the nose tip and the mouth’s corners', () => {
    const points = Array.from({ length: 68 }, (_, i) => ({ x: i, y: -i }));
    expect(fiveOf(points).map(({ x }) => Math.round(x * 10) / 10)).toEqual([38.5, 44.5, 30, 48, 54]);
  });
});
