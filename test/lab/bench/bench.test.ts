import fc from 'fast-check';
import { growthExponent, matchFigures } from '../../../src/lab/bench/match/match';
import { visionFigures, type PathSample, type VisionSample } from '../../../src/lab/bench/vision/vision';
import { TimedModel } from '../../../src/lab/bench/timed-model';
import type { Model, Tensors } from '../../../src/inference/model';

const sample = (facePx: number, path: PathSample, referenceMs: number | null): VisionSample => ({
  facePx,
  paths: new Map([['recommended', path]]),
  referenceMs,
});
const found = (ms: number, bareMs: number): PathSample => ({ found: true, time: { ms, bareMs } });

test('ratios are medians over frames that both sides solved; overhead needs ours alone', () => {
  const figures = visionFigures(
    [
      sample(80, found(10, 8), 300),
      sample(80, found(10, 9), 200),
      sample(120, found(20, 16), 200),
      sample(120, found(10, 5), null),
      sample(200, { found: true, time: null }, 500),
      sample(200, { found: false, time: null }, 500),
    ],
    ['recommended'],
  );
  const by = new Map(figures.map((figure) => [figure.name, figure]));
  expect(by.get('vision.ratio.recommended_vs_face_api')).toMatchObject({
    value: 20,
    reach: 20,
    meets: true,
    note: '3 frames',
  });
  expect(by.get('vision.overhead')).toMatchObject({ value: 1.25, meets: true });
  expect(by.get('vision.ms.face_api')!.value).toBe(300);
  expect(by.get('vision.found.recommended_200px')).toMatchObject({ value: 0.5, meets: false });
  expect(by.get('vision.found.recommended_80px')).toMatchObject({ value: 1, meets: true });
});

test('where nothing was solved there is no ratio, and goals are missed', () => {
  const figures = visionFigures([sample(80, { found: false, time: null }, null)], ['recommended']);
  expect(figures.find(({ name }) => name === 'vision.overhead')).toMatchObject({ value: null, meets: false });
  expect(figures.find(({ name }) => name.startsWith('vision.ratio'))).toMatchObject({ value: null, meets: false });
});

test('a power law is found back', () => {
  const exponent = fc.double({ min: 0.2, max: 3, noNaN: true });
  fc.assert(
    fc.property(exponent, (k) => {
      const rows = [1e3, 1e4, 1e5].map((members) => ({ members, medianMs: 0.3 * members ** k }));
      return Math.abs(growthExponent(rows) - k) < 1e-9;
    }),
  );
});

test('match figures: of the largest gallery, against their goals', () => {
  const row = (members: number, dimensions: number, p99Ms: number) => ({
    members,
    dimensions,
    medianMs: members / 1e5,
    p99Ms,
    bytesAboveVectors: 70e6,
  });
  const figures = matchFigures({
    rows: [row(10_000, 128, 1), row(100_000, 128, 9), row(100_000, 512, 40)],
    ratio: 4,
    agreement: 1,
    agreementOf: 20,
  });
  const by = new Map(figures.map((figure) => [figure.name, figure]));
  expect(by.get('match.p99_ms_100k')).toMatchObject({ value: 9, meets: true });
  expect(by.get('match.ratio_vs_face_api')).toMatchObject({ value: 4, meets: false });
  expect(by.get('match.memory_above_vectors_mb')).toMatchObject({ value: 70, meets: false });
  expect(by.get('match.growth_exponent')!.value).toBeCloseTo(1, 9);
});

test('a stopwatch around a network counts its runs, also a failing one, and passes everything on', async () => {
  let clock = 0;
  const model: Model = {
    inputs: ['x'],
    outputs: ['y'],
    provider: 'cpu',
    run: (inputs: Tensors) => {
      clock += 5;
      return inputs['x'] === undefined ? Promise.reject(new Error('no x')) : Promise.resolve(inputs);
    },
    dispose: () => Promise.resolve(),
  };
  const timed = new TimedModel(model, () => clock);
  const inputs = { x: { data: Float32Array.of(1), dims: [1, 1] } };
  expect(await timed.run(inputs)).toBe(inputs);
  await expect(timed.run({})).rejects.toThrow('no x');
  expect(timed.elapsedMs).toBe(10);
  expect(timed.inputDims).toEqual([1, 1]);
  timed.reset();
  expect(timed.elapsedMs).toBe(0);
});
