import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { appendMatrixProduct } from '../../../../src/onnx/edit';
import { fnmrAtFmr } from '../../../../src/lab/report/det';
import { seededRandom } from '../../../../src/random';
import { openBundle } from '../../../../src/inference/bundle';
import { applyHead, readHead } from '../../../../src/inference/embedding-head';
import { CPU_ONE_THREAD } from '../../../../src/inference/model';
import { loadOnnx } from '../../../../src/inference/onnx';
import { loadTfjs, type Tf } from '../../../../src/lab/learning/tensorflow';
import { HEAD_TRAINING, trainHead } from '../../../../src/lab/faces/head/face-head';
import { headThresholds, writeHeadBundle } from '../../../../src/lab/faces/head/head-bundle';
import { headFigures } from '../../../../src/lab/faces/head/head-figures';
import { headTrial } from '../../../../src/lab/faces/head/head-trial';
import { samplesOf, type HeadView } from '../../../../src/lab/faces/head/head-views';
import { normaliseInPlace } from '../../../../src/vision/faces/fusion';
import { l2Distance } from '../../../../src/store/members/vector';
import { failureOf } from '../../../store/fixtures';
import {
  TINY_DIMENSIONS as D,
  TINY_INPUT as INPUT,
  tinyEncoder,
  writeTinyEncoder,
} from '../../../support/tiny-encoder';

const QUICK = { ...HEAD_TRAINING, steps: 40, persons: 16 };
let tf: Tf;
let dir: string;
beforeAll(async () => {
  tf = (await loadTfjs('wasm')).tf;
  dir = mkdtempSync(join(tmpdir(), 'usher-head-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Persons in all dimensions; a door adds much noise to four of them, and the head has to find out which. */
function people(count: number, seed: number, probes = 6): HeadView[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, (_, person) => {
    const face = Array.from({ length: D }, () => random.normal());
    const seen = (noise: number): Float32Array =>
      Float32Array.from(face, (value, d) => value + (d < 4 ? noise : 0.25) * random.normal());
    return [
      { person, use: 'enrolled', good: true, vector: seen(0.3) },
      ...Array.from({ length: probes }, () => ({ person, use: 'probe', good: false, vector: seen(2) }) as const),
    ] satisfies HeadView[];
  }).flat();
}

const randomMatrix = (seed: number): Float32Array => {
  const random = seededRandom(seed);
  return Float32Array.from({ length: D * D }, () => random.normal());
};

describe('a face head', () => {
  it('misses fewer of persons whom it never saw, is the same for the same seed, and leaves no tensor behind', async () => {
    const views = people(48, 1);
    const trial = await headTrial(tf, views, { folds: 3, repeats: 1, seed: 2, training: QUICK });
    const figures = new Map(headFigures(trial, 48).map((figure) => [figure.name, figure]));
    const ratio = figures.get('face_head.fnmr_ratio_at_fmr_1e-2');
    expect(ratio?.value).toBeLessThan(0.7);
    expect(ratio?.high).toBeLessThan(1);
    expect(figures.get('face_head.persons_left_out')?.value).toBe(48);
    // 16 persons a fold, each with 6 probes against 15 others.
    expect(figures.get('face_head.impostor_comparisons')?.value).toBe(3 * 16 * 15 * 6);
    expect(figures.get('face_head.fnmr_ratio_at_fmr_1e-4')).toMatchObject({ value: null });

    const before = tf.memory().numTensors;
    const one = trainHead(tf, samplesOf(views), QUICK);
    const other = trainHead(tf, samplesOf(views), QUICK);
    expect([...other.matrix]).toEqual([...one.matrix]);
    expect(tf.memory().numTensors).toBe(before);
    expect(one.losses).toHaveLength(QUICK.steps);
  });

  it('counts a probe without a face as missed before and after', async () => {
    const views = people(12, 3, 2).map((view, i) => (i % 3 === 2 ? { ...view, vector: null } : view));
    const { before, after } = await headTrial(tf, views, {
      folds: 2,
      repeats: 2,
      seed: 1,
      training: { ...QUICK, steps: 3 },
    });
    expect(before.genuine).toMatchObject({ count: 48, failed: 24 });
    expect(after.genuine).toMatchObject({ count: 48, failed: 24 });
    expect(fnmrAtFmr(after, 0.05).point?.fnmr).toBeGreaterThanOrEqual(0.5);
  });

  it('refuses too few persons, and too few comparisons for a table of thresholds', async () => {
    await expect(headTrial(tf, people(5, 1), { folds: 3, repeats: 1, seed: 1 })).rejects.toMatchObject({
      code: 'data-invalid',
      remedy: expect.stringContaining('at least 6 persons') as string,
    });
    expect(() => trainHead(tf, samplesOf(people(1, 1)))).toThrow(/triplets need two/);
    const few = await headTrial(tf, people(8, 1, 1), {
      folds: 2,
      repeats: 1,
      seed: 1,
      training: { ...QUICK, steps: 2 },
    });
    expect(() => headThresholds(few.after, 'test')).toThrow(/tell no thresholds/);
  });

  it('marks rows that chance pairs decide as rough, and leaves them out where there are others', async () => {
    const training = { ...QUICK, steps: 2 };
    const small = await headTrial(tf, people(20, 5, 4), { folds: 2, repeats: 1, seed: 1, training });
    const rows = headThresholds(small.after, 'twenty');
    expect(rows.map(({ fmr }) => fmr)).toEqual([0.01, 0.003]);
    expect(rows.every(({ measuredOn }) => measuredOn.startsWith('twenty; rough'))).toBe(true);
    const larger = await headTrial(tf, people(60, 5, 7), { folds: 2, repeats: 1, seed: 1, training });
    const good = headThresholds(larger.after, 'sixty');
    expect(good.map(({ fmr, measuredOn }) => [fmr, measuredOn])).toEqual([
      [0.01, 'sixty'],
      [0.003, 'sixty'],
    ]);
    expect(good[0]!.distance).toBeGreaterThan(good[1]!.distance);
  });
});

describe('a linear map of embeddings', () => {
  const vector = fc.array(fc.float({ min: -3, max: 3, noNaN: true }), { minLength: D, maxLength: D });

  it('gives a stored template what encoding the face and its mirror image again would give', () => {
    fc.assert(
      fc.property(vector, vector, fc.nat(), (face, mirrored, seed) => {
        const head = { fromSpace: 'old', toSpace: 'new', dimensions: D, matrix: randomMatrix(seed) };
        const raw = (values: readonly number[]): Float32Array =>
          Float32Array.from({ length: D }, (_, c) =>
            values.reduce((sum, value, r) => sum + value * head.matrix[r * D + c]!, 0),
          );
        const stored = Float32Array.from(face, (value, d) => value + mirrored[d]!);
        fc.pre(Math.hypot(...stored) > 0.1);
        normaliseInPlace(stored);
        const fresh = raw(face);
        raw(mirrored).forEach((value, d) => (fresh[d] = fresh[d]! + value));
        fc.pre(Math.hypot(...fresh) > 0.1);
        normaliseInPlace(fresh);
        expect(l2Distance(applyHead(head, stored), fresh)).toBeLessThan(1e-3);
      }),
    );
  });

  it.each([
    ['too short', new Float32Array(D - 1).fill(1)],
    ['zero', new Float32Array(D)],
    ['not finite', new Float32Array(D).fill(NaN)],
  ])('refuses a vector that is %s', (_, bad) => {
    const head = { fromSpace: 'old', toSpace: 'new', dimensions: D, matrix: randomMatrix(1) };
    expect(failureOf(() => applyHead(head, bad)).code).toBe('data-invalid');
  });
});

describe('an encoder bundle with a head', () => {
  const matrix = randomMatrix(8);

  it('loads like any other, and gives what the head makes of the encoder’s vector; its space is its own', async () => {
    await writeTinyEncoder(dir, 'tiny');
    const thresholds = [{ fmr: 0.01, distance: 0.9, fnmr: 0.1, measuredOn: 'a test' }];
    const made = await writeHeadBundle(dir, 'tiny', {
      name: 'tiny-door',
      matrix,
      thresholds,
      trainedOn: 'a test',
      figures: [],
    });
    const plain = await openBundle(join(dir, 'tiny'), CPU_ONE_THREAD);
    const headed = await openBundle(made, CPU_ONE_THREAD);
    const head = await readHead(made);
    expect(head).toMatchObject({ fromSpace: 'tiny-v1', dimensions: D });
    expect([...head.matrix]).toEqual([...matrix]);
    const { output } = headed.bundle.card;
    expect(output).toMatchObject({ space: head.toSpace, normalise: true, thresholds });
    expect(head.toSpace).toMatch(/^tiny-v1\.h-[0-9a-f]{8}$/);
    expect(headed.model.outputs).toEqual([`embedding_${head.toSpace.slice(-8)}`]);
    const run = async ({ model }: typeof plain): Promise<Float32Array> =>
      Float32Array.from(Object.values(await model.run({ input: INPUT }))[0]!.data as Float32Array);
    const old = await run(plain);
    const fresh = await run(headed);
    normaliseInPlace(fresh);
    expect(l2Distance(applyHead(head, old), fresh)).toBeLessThan(1e-5);
    await plain.model.dispose();
    await headed.model.dispose();
    await expect(readHead(join(dir, 'tiny'))).rejects.toMatchObject({ code: 'usage' });
    await expect(
      writeHeadBundle(dir, 'tiny', { name: 'tiny', matrix, thresholds, trainedOn: 'x', figures: [] }),
    ).rejects.toMatchObject({ code: 'usage' });
  });

  it('is refused where the bytes before it are no network, and never half written', async () => {
    const product = { input: 'encoding', output: 'new', rows: D, columns: D, matrix };
    const whole = tinyEncoder();
    const model = await loadOnnx(appendMatrixProduct(whole, product), CPU_ONE_THREAD);
    expect(model.outputs).toEqual(['new']);
    await model.dispose();
    for (const cut of [0, 1, 40, whole.length - 30])
      expect(failureOf(() => appendMatrixProduct(whole.subarray(0, cut), product)).code).toBe('model-invalid');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          appendMatrixProduct(bytes, product);
        } catch (error) {
          expect(error).toMatchObject({ code: 'model-invalid' });
        }
      }),
    );
  });
});
