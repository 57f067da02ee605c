import type { ImageInput } from '../../../src/inference/card';
import type { AnalysedFace } from '../../../src/vision/faces/analyser';
import type { Frame } from '../../../src/vision/picture/frame';
import { LEAST_SCORES, SPARSE } from '../../../src/vision/liveness/judge';
import { LivenessModel } from '../../../src/vision/liveness/model';
import { LivenessWatch } from '../../../src/vision/liveness/watch';
import { plainFrame } from '../../support/faces';
import { FixedModel, RUNNING } from '../../support/fixed-model';
import { FRONTAL } from '../../support/landmarks';

const SIZE = 16;
const IMAGE: ImageInput = {
  ...{ kind: 'image', name: 'image', layout: 'NCHW', colour: 'RGB', width: SIZE, height: SIZE, multiple: 1 },
  ...{ mean: [0, 0, 0], scale: [255, 255, 255] },
};
const OUTPUT = { decoding: 'live-spoof-logits', output: 'logits', liveIndex: 0, cropScale: 1.5 } as const;

const answering = (...logits: number[]): FixedModel =>
  new FixedModel(() => ({ logits: { data: Float32Array.from(logits), dims: [1, logits.length] } }));
const modelOf = (network: FixedModel, image: Partial<ImageInput> = {}, liveIndex = 0): LivenessModel =>
  new LivenessModel(RUNNING, network, { ...IMAGE, ...image }, { ...OUTPUT, liveIndex });

/** Red is the column, green the row, blue 200. */
function ramp(width: number, height: number): Frame {
  const data = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) data.set([x, y, 200], 3 * (y * width + x));
  return { width, height, data };
}

describe('LivenessModel', () => {
  test('is shown the face with its surroundings: a square of 1.5 times the larger side, about the face', async () => {
    const network = answering(1, 0);
    // 40 high: a square of 60 about (100, 90).
    await modelOf(network).score(ramp(200, 180), { x: 85, y: 70, width: 30, height: 40 });
    const { data, dims } = network.asked[0]!;
    expect(dims).toEqual([1, 3, SIZE, SIZE]);
    const level = (channel: number, row: number, column: number): number =>
      255 * data[(channel * SIZE + row) * SIZE + column]!;
    // The means of the first and the last cell of 60/16 pixels from 70 and 60 on.
    const half = 60 / SIZE / 2;
    expect(level(0, 5, 0)).toBeCloseTo(70 + half - 0.5, 0);
    expect(level(0, 5, SIZE - 1)).toBeCloseTo(130 - half - 0.5, 0);
    expect(level(1, 0, 5)).toBeCloseTo(60 + half - 0.5, 0);
    expect(level(1, SIZE - 1, 5)).toBeCloseTo(120 - half - 0.5, 0);
    expect(level(2, 7, 7)).toBeCloseTo(200, 3);
  });

  test('stripes of one pixel are averaged, not sampled: a screen’s would alias', async () => {
    const network = answering(1, 0);
    const frame = plainFrame(200, 200, [0, 0, 0]);
    for (let i = 0; i < 200 * 200; i += 2) frame.data.fill(255, 3 * i, 3 * i + 3);
    // 48 pixels for 16: three for each, of which one sample would see the middle one alone, 0 or 1.
    await modelOf(network).score(frame, { x: 80, y: 80, width: 32, height: 32 });
    for (const value of network.asked[0]!.data) expect(Math.abs(value - 0.5)).toBeLessThanOrEqual(0.25);
  });

  test.each([
    ['left', { x: 5, y: 80, width: 40, height: 40 }],
    ['above', { x: 80, y: 5, width: 40, height: 40 }],
    ['right', { x: 155, y: 80, width: 40, height: 40 }],
    ['below', { x: 80, y: 155, width: 40, height: 40 }],
    ['no box', { x: NaN, y: 80, width: 40, height: 40 }],
    ['an empty box', { x: 80, y: 80, width: 0, height: 0 }],
  ])('where the surroundings are not in the picture it does not guess: %s', async (_, box) => {
    const network = answering(9, 0);
    expect(await modelOf(network).score(plainFrame(200, 200), box)).toBeNull();
    expect(network.asked).toEqual([]);
  });

  const box = { x: 80, y: 80, width: 40, height: 40 };
  test('the score is the logit of live against fake, whichever comes first', async () => {
    expect(await modelOf(answering(3, 1)).score(plainFrame(200, 200), box)).toBe(2);
    expect(await modelOf(answering(3, 1), {}, 1).score(plainFrame(200, 200), box)).toBe(-2);
  });

  test('what is no number is no verdict; another shape is a broken model', async () => {
    expect(await modelOf(answering(NaN, 1)).score(plainFrame(200, 200), box)).toBeNull();
    await expect(modelOf(answering(1, 2, 3)).score(plainFrame(200, 200), box)).rejects.toMatchObject({
      code: 'model-invalid',
    });
    expect(() => modelOf(answering(1, 0), { height: 2 * SIZE })).toThrow(/square/);
  });
});

describe('LivenessWatch', () => {
  const face = (refusal: AnalysedFace['refusal'] = null): AnalysedFace => ({
    ...{ box, score: 0.9, refusal, embedding: null, five: FRONTAL },
    quality: { interocularPx: 40, sharpness: 1, brightness: 100, contrast: 50, yaw: 0, pitch: 0, rollDeg: 0, score: 1 },
  });
  const box = { x: 80, y: 80, width: 40, height: 40 };

  function watched(scores: (frame: number) => number | null) {
    let asked = 0;
    let disposed = 0;
    const watch = new LivenessWatch({
      running: RUNNING,
      score: () => Promise.resolve(scores(asked++)),
      dispose: () => {
        disposed++;
        return Promise.resolve();
      },
    });
    let at = 0;
    const see = (track: number, one = face()) => watch.observe((at += 66), track, plainFrame(200, 200), one);
    return { watch, see, asked: () => asked, disposed: () => disposed };
  }

  test('three frames make a verdict; then only every fifth costs anything', async () => {
    const { see, asked } = watched(() => 4);
    const states = [await see(1), await see(1), await see(1)].map(({ state }) => state);
    expect(states).toEqual(['undecided', 'undecided', 'live']);
    for (let i = 0; i < 2 * SPARSE; i++) expect((await see(1)).state).toBe('live');
    expect(asked()).toBe(LEAST_SCORES + 2);
  });

  test('somebody else begins anew, and so does who comes back', async () => {
    const { see } = watched(() => 4);
    for (let i = 0; i < LEAST_SCORES; i++) await see(1);
    expect(await see(2)).toMatchObject({ state: 'undecided', frames: 1 });
    expect(await see(1)).toMatchObject({ state: 'undecided', frames: 1 });
  });

  test('a face that the gates refused is not judged, and the verdict stands', async () => {
    const { see, asked } = watched(() => -4);
    for (let i = 0; i < LEAST_SCORES; i++) await see(1);
    expect((await see(1, face('blurred'))).state).toBe('fake');
    expect(asked()).toBe(LEAST_SCORES);
  });

  test('a face at the edge, whose surroundings are missing, is never live', async () => {
    const { see } = watched(() => null);
    for (let i = 0; i < 10; i++) expect(await see(1)).toMatchObject({ state: 'undecided', score: null, frames: 0 });
  });

  test('it tells what runs, and lets it go', async () => {
    const { watch, disposed } = watched(() => 4);
    expect(watch.running).toBe(RUNNING);
    await watch.dispose();
    expect(disposed()).toBe(1);
  });
});
