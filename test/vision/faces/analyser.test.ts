import { CameraConfig } from '../../../src/config/schema/cameras';
import type { RunningModel } from '../../../src/events';
import { type AnalyserOptions, FaceAnalyser } from '../../../src/vision/faces/analyser';
import type {
  AlignedFace,
  DetectedFace,
  FaceDetector,
  FaceEncoder,
  FaceLandmarker,
} from '../../../src/vision/faces/faces';
import type { Frame } from '../../../src/vision/picture/frame';
import { frontalFace, frontalFive, plainFrame } from '../../support/faces';
import { RUNNING } from '../../support/fixed-model';

const FRAME = plainFrame(640, 480);
const OPTIONS: AnalyserOptions = {
  region: { x: 0, y: 0, width: 1, height: 1 },
  minFacePx: 60,
  gates: CameraConfig.shape.quality.parse(undefined),
};
const named = (name: string): RunningModel => ({ ...RUNNING, name });

/** Networks that find, place and encode what the test says, and count. */
function analyserOf(
  found: readonly DetectedFace[] | ((smallest: number) => readonly DetectedFace[]),
  options: Partial<AnalyserOptions> & {
    landmarker?: boolean;
    uncuttable?: boolean;
    flat?: boolean;
    answer?: () => Float32Array;
  } = {},
) {
  const calls = { sizes: [] as number[], located: 0, encoded: 0, disposed: [] as string[] };
  const dispose = (name: string) => () => Promise.resolve(void calls.disposed.push(name));
  const detector: FaceDetector = {
    running: named('detector'),
    detect: (_frame, smallest) => {
      calls.sizes.push(smallest);
      return Promise.resolve(typeof found === 'function' ? found(smallest) : found);
    },
    dispose: dispose('detector'),
  };
  const landmarker: FaceLandmarker = {
    running: named('landmarker'),
    locate: (_frame: Frame, box) => {
      calls.located++;
      const five = frontalFive(box.x, box.y, box.width);
      return Promise.resolve({ box, five, points: five });
    },
    dispose: dispose('landmarker'),
  };
  const face: AlignedFace = {
    width: 112,
    height: 112,
    data: new Float32Array(3 * 112 * 112).map((_, i) =>
      options.flat === true ? 128 : 128 + 40 * Math.sin((i % 112) / 2) + 20 * Math.sin(i / 700),
    ),
  };
  const encoder: FaceEncoder = {
    ...{ running: named('encoder'), space: 'test-1', dimensions: 2 },
    align: () => (options.uncuttable === true ? null : face),
    encode: () => Promise.resolve(options.answer?.() ?? Float32Array.of(++calls.encoded, 0)),
    dispose: dispose('encoder'),
  };
  const analyser = new FaceAnalyser(detector, options.landmarker === true ? landmarker : null, encoder, {
    ...OPTIONS,
    ...options,
  });
  return { analyser, calls };
}

describe('a camera frame', () => {
  test('nobody: no subject, nothing encoded', async () => {
    const { analyser, calls } = analyserOf([]);
    expect(await analyser.live(FRAME)).toEqual({ faces: 0, subject: null });
    expect(calls).toMatchObject({ encoded: 0, sizes: [60] });
  });

  test('the largest suitable face, and only that, is encoded', async () => {
    const { analyser, calls } = analyserOf([
      frontalFace(10, 10, 80, 0.99),
      frontalFace(300, 100, 150, 0.7),
      frontalFace(200, 300, 90),
    ]);
    const { faces, subject } = await analyser.live(FRAME);
    expect(faces).toBe(3);
    expect(subject).toMatchObject({ box: { x: 300, width: 150 }, refusal: null, embedding: Float32Array.of(1, 0) });
    expect(calls.encoded).toBe(1);
  });

  test('who stands outside the region is not there, however near', async () => {
    const region = { x: 0, y: 0, width: 0.4, height: 1 };
    const { analyser } = analyserOf([frontalFace(400, 50, 200), frontalFace(50, 100, 90)], { region });
    expect((await analyser.live(FRAME)).subject).toMatchObject({ box: { x: 50 }, refusal: null });
    const alone = analyserOf([frontalFace(400, 50, 200)], { region });
    expect(await alone.analyser.live(FRAME)).toEqual({ faces: 1, subject: null });
  });

  test('a large face that is cut off gives way to a whole one', async () => {
    const { analyser } = analyserOf([frontalFace(500, 100, 250), frontalFace(50, 100, 90)]);
    expect((await analyser.live(FRAME)).subject).toMatchObject({ box: { x: 50 }, refusal: null });
  });

  test.each([
    ['cut-off', frontalFace(500, 100, 250), {}],
    ['too-small', frontalFace(300, 200, 50), {}],
    ['low-contrast', frontalFace(300, 200, 100), { flat: true }],
    ['cut-off', frontalFace(300, 200, 100), { uncuttable: true }],
  ])('where none suits: %s is told, and no vector leaves', async (refusal, face, options) => {
    const { analyser, calls } = analyserOf([face], options);
    expect((await analyser.live(FRAME)).subject).toMatchObject({ refusal, embedding: null });
    expect(calls.encoded).toBe(0);
  });

  test('a detector without landmarks has a landmarker asked, for the one face that counts', async () => {
    const bare = [frontalFace(300, 100, 150), frontalFace(10, 10, 80)].map((face) => ({ ...face, landmarks: null }));
    const { analyser, calls } = analyserOf(bare, { landmarker: true });
    expect((await analyser.live(FRAME)).subject).toMatchObject({ box: { x: 300 }, refusal: null });
    expect(calls.located).toBe(1);
    expect(analyser.running.map(({ name }) => name)).toEqual(['detector', 'landmarker', 'encoder']);
    await expect(analyserOf(bare).analyser.live(FRAME)).rejects.toThrow('without a landmarker');
  });
});

describe('a still', () => {
  test('every face is encoded, each with the gate that it would fail', async () => {
    const { analyser, calls } = analyserOf([frontalFace(300, 100, 150), frontalFace(10, 10, 40)], {
      region: { x: 0, y: 0, width: 0.1, height: 0.1 },
    });
    const { faces } = await analyser.still(FRAME);
    expect(faces.map(({ refusal, embedding }) => [refusal, embedding?.[0]])).toEqual([
      [null, 1],
      ['too-small', 2],
    ]);
    expect(calls.sizes).toEqual([20]);
  });

  test('nothing found: it looks again for smaller and for larger faces', async () => {
    const { analyser, calls } = analyserOf((smallest) => (smallest === 80 ? [frontalFace(100, 100, 300)] : []));
    expect((await analyser.still(FRAME)).faces).toHaveLength(1);
    expect(calls.sizes).toEqual([20, 16, 80]);
    expect((await analyserOf([]).analyser.still(FRAME)).faces).toEqual([]);
  });
});

test('disposes of all its networks', async () => {
  const { analyser, calls } = analyserOf([], { landmarker: true });
  await analyser.dispose();
  expect(calls.disposed.sort()).toEqual(['detector', 'encoder', 'landmarker']);
});

describe('an encoder’s answer that is no vector of a face', () => {
  const NONE = [Float32Array.of(NaN, 0), Float32Array.of(0, 0), Float32Array.of(Infinity, 1), Float32Array.of(1e-9, 0)];

  test('is no embedding; a good one is again', async () => {
    const answers = [...NONE, Float32Array.of(0.6, 0.8)];
    const { analyser } = analyserOf([frontalFace(200, 150, 200)], { answer: () => answers.shift()! });
    for (let frame = 0; frame < NONE.length; frame++)
      expect((await analyser.live(FRAME)).subject).toMatchObject({ embedding: null, refusal: null });
    expect((await analyser.live(FRAME)).subject?.embedding).toEqual(Float32Array.of(0.6, 0.8));
  });

  test('and nothing else, for long: the network is named as broken', async () => {
    const { analyser } = analyserOf([frontalFace(200, 150, 200)], { answer: () => Float32Array.of(NaN, 0) });
    for (let frame = 0; frame < 19; frame++) await analyser.live(FRAME);
    await expect(analyser.live(FRAME)).rejects.toMatchObject({
      ...{
        code: 'model-invalid',
        message: expect.stringMatching(/^encoder: 20 answers.*not a finite number/) as string,
      },
    });
  });
});
