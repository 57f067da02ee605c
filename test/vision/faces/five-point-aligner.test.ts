import type { Card, CardOutput, ImageInput } from '../../../src/inference/card';
import { CPU_ONE_THREAD } from '../../../src/inference/model';
import { CameraConfig } from '../../../src/config/schema/cameras';
import type { FaceAnalyser } from '../../../src/vision/faces/analyser';
import type { FaceShape } from '../../../src/vision/faces/faces';
import { AlignedFaceEncoder, fixedSizeOf } from '../../../src/vision/faces/encoder';
import { FivePointAligner } from '../../../src/vision/faces/five-point-aligner';
import type { FiveLandmarks, Frame } from '../../../src/vision/picture/frame';
import { l2Distance } from '../../../src/store/members/vector';
import { loadAnalyser, readEncoderCard } from '../../../src/vision/faces/load';
import { readPicture } from '../../../src/vision/picture/picture';
import { WHOLE_FRAME } from '../../../src/vision/faces/quality';
import { describeWithLondon, frontalFive, installedModels, london, plainFrame } from '../../support/faces';
import { FixedModel, RUNNING } from '../../support/fixed-model';

const IMAGE: ImageInput = {
  ...{ kind: 'image', name: 'image', layout: 'NCHW', colour: 'RGB', multiple: 1 },
  ...{ width: 112, height: 112, mean: [127.5, 127.5, 127.5], scale: [127.5, 127.5, 127.5] },
};
const OUTPUT: CardOutput<'embedding'> = {
  ...{ decoding: 'embedding', output: 'output', dimensions: 2, space: 'test-1', normalise: true, mirror: false },
  thresholds: [{ fmr: 0.01, distance: 1, fnmr: null, measuredOn: 'nothing: for tests' }],
};
const ALIGNMENT: Extract<NonNullable<Card['alignment']>, { kind: 'five-point' }> = {
  kind: 'five-point',
  template: frontalFive(0, 0, 112).map(({ x, y }) => [x, y]) as unknown as [
    [number, number],
    [number, number],
    [number, number],
    [number, number],
    [number, number],
  ],
};
const shapeOf = (five: FiveLandmarks): FaceShape => ({
  box: { x: 0, y: 0, width: 112, height: 112 },
  five,
  points: five,
});
const encoderWith = (
  answer: (call: number) => Float32Array,
  {
    image = IMAGE,
    output = OUTPUT,
    mirror = false,
  }: { image?: ImageInput; output?: typeof OUTPUT; mirror?: boolean } = {},
) => {
  let calls = 0;
  const model = new FixedModel(() => ({ output: { data: answer(calls++), dims: [1, 2] } }));
  const aligner = new FivePointAligner(ALIGNMENT, fixedSizeOf(image, 'fixed'));
  return { model, encoder: new AlignedFaceEncoder({ running: RUNNING, model, image, output, aligner, mirror }) };
};
/** Left half red, right half blue. */
const halves = (): Frame => {
  const frame = plainFrame(112, 112, [255, 0, 0]);
  for (let i = 0; i < 112 * 112; i++) if (i % 112 >= 56) frame.data.set([0, 0, 255], i * 3);
  return frame;
};
const PLANE = 112 * 112;

describe('alignment', () => {
  test('a face in the template’s place is cut out as it is; one elsewhere, larger and turned, alike', () => {
    const { encoder } = encoderWith(() => Float32Array.of(1, 0));
    const inPlace = encoder.align(halves(), shapeOf(frontalFive(0, 0, 112)))!;
    const middle = 50 * 112;
    expect([inPlace.data[middle + 20], inPlace.data[2 * PLANE + middle + 20]]).toEqual([255, 0]);
    expect([inPlace.data[middle + 90], inPlace.data[2 * PLANE + middle + 90]]).toEqual([0, 255]);
    // The same face upside down: what was left is right.
    const turned = frontalFive(0, 0, 112).map(({ x, y }) => ({ x: 111 - x, y: 111 - y })) as unknown as FiveLandmarks;
    const upside = encoder.align(halves(), shapeOf(turned))!;
    expect([upside.data[middle + 20], upside.data[middle + 90]]).toEqual([0, 255]);
  });

  test('landmarks in one place, or that are no numbers, are no face', () => {
    const { encoder } = encoderWith(() => Float32Array.of(1, 0));
    const point = { x: 50, y: 50 };
    expect(encoder.align(halves(), shapeOf([point, point, point, point, point]))).toBeNull();
    const [a, b, c, d] = frontalFive(0, 0, 112);
    expect(encoder.align(halves(), shapeOf([a, b, c, d, { x: NaN, y: 1 }]))).toBeNull();
    expect(encoder.align(halves(), shapeOf([a, b, c, d, { x: Infinity, y: 1 }]))).toBeNull();
  });
});

describe('the network’s input and output', () => {
  const faceOf = (encoder: AlignedFaceEncoder) => encoder.align(halves(), shapeOf(frontalFive(0, 0, 112)))!;

  test.each(['RGB', 'BGR'] as const)('%s, mean and scale of the card', async (colour) => {
    const { encoder, model } = encoderWith(() => Float32Array.of(3, 4), { image: { ...IMAGE, colour } });
    const vector = await encoder.encode(faceOf(encoder));
    expect([...vector].map((value) => Number(value.toFixed(6)))).toEqual([0.6, 0.8]);
    const { data, dims } = model.asked[0]!;
    expect(dims).toEqual([1, 3, 112, 112]);
    const red = colour === 'RGB' ? 0 : 2;
    expect([data[red * PLANE + 20], data[(2 - red) * PLANE + 20], data[PLANE + 20]]).toEqual([1, -1, -1]);
  });

  test('with mirrored averaging the face is shown twice, once the other way round, and the mean is normalised', async () => {
    const { encoder, model } = encoderWith((call) => (call === 0 ? Float32Array.of(3, 0) : Float32Array.of(0, 4)), {
      mirror: true,
    });
    const vector = await encoder.encode(faceOf(encoder));
    expect([...vector].map((value) => Number(value.toFixed(6)))).toEqual([0.6, 0.8]);
    const [straight, mirrored] = model.asked;
    expect([straight!.data[20], straight!.data[90], mirrored!.data[20], mirrored!.data[90]]).toEqual([1, -1, -1, 1]);
  });

  test('each answer is an array of its own, for the network reuses its buffer', async () => {
    const buffer = Float32Array.of(1, 0);
    const { encoder } = encoderWith(() => buffer, { output: { ...OUTPUT, normalise: false } });
    const first = await encoder.encode(faceOf(encoder));
    buffer.set([5, 5]);
    expect([...first]).toEqual([1, 0]);
  });

  test.each<[string, () => Float32Array]>([
    ['of another length', () => new Float32Array(3)],
    ['of another type', () => new Uint8Array(2) as unknown as Float32Array],
  ])('an output %s is refused by name', async (_what, answer) => {
    const { encoder } = encoderWith(answer);
    await expect(encoder.encode(faceOf(encoder))).rejects.toMatchObject({
      code: 'model-invalid',
      message: 'fixed: output "output" is not 2 floats',
    });
  });

  test('an encoder needs a fixed size', () => {
    expect(() => encoderWith(() => new Float32Array(2), { image: { ...IMAGE, width: null } })).toThrow(
      /fixed NCHW input/,
    );
  });
});

describeWithLondon.each(['mbf', 'mobilefacenet'])('%s on people', (name) => {
  let analyser: FaceAnalyser;
  let accept: number;
  beforeAll(async () => {
    analyser = await loadAnalyser({
      ...{ modelsDir: installedModels, models: { detector: 'yunet-n', encoder: name } },
      ...{
        execution: CPU_ONE_THREAD,
        region: WHOLE_FRAME,
        minFacePx: 80,
        gates: CameraConfig.shape.quality.parse(undefined),
      },
    });
    const { output } = await readEncoderCard(installedModels, name);
    accept = output.thresholds.find(({ fmr }) => fmr === 1e-4)!.distance;
  });
  afterAll(() => analyser.dispose());

  const vectorOf = async (frame: Frame): Promise<Float32Array> => {
    const { faces } = await analyser.still(frame);
    expect(faces).toHaveLength(1);
    return faces[0]!.embedding!;
  };
  const PEOPLE = [3, 17, 42, 66, 91];

  test('the same person smiling is nearer than the threshold, everybody else is not', async () => {
    const neutral: Float32Array[] = [];
    const smiling: Float32Array[] = [];
    for (const person of PEOPLE) {
      neutral.push(await vectorOf(await readPicture(london(person, 'neutral'))));
      smiling.push(await vectorOf(await readPicture(london(person, 'smiling'))));
    }
    for (const [i, enrolled] of neutral.entries())
      for (const [j, probe] of smiling.entries())
        expect([PEOPLE[i], PEOPLE[j], l2Distance(enrolled, probe) <= accept]).toEqual([PEOPLE[i], PEOPLE[j], i === j]);
  });

  test('a picture that is darker, mirrored or half as large is still the same face', async () => {
    const frame = await readPicture(london(42, 'neutral'));
    const enrolled = await vectorOf(frame);
    const { width, height, data } = frame;
    const dark: Frame = { width, height, data: data.map((value) => value * 0.5) };
    const mirrored = plainFrame(width, height);
    for (let i = 0; i < width * height; i++) {
      const from = i - (i % width) + (width - 1 - (i % width));
      mirrored.data.set(data.subarray(from * 3, from * 3 + 3), i * 3);
    }
    const half = plainFrame(width / 2, height / 2);
    for (let i = 0; i < (width / 2) * (height / 2); i++) {
      const from = Math.floor(i / (width / 2)) * 2 * width + (i % (width / 2)) * 2;
      half.data.set(data.subarray(from * 3, from * 3 + 3), i * 3);
    }
    for (const other of [dark, mirrored, half])
      expect(l2Distance(enrolled, await vectorOf(other))).toBeLessThan(0.7 * accept);
  });
});
