import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FaceDataset } from '../../../../src/lab/faces/data/dataset';
import { evaluateFaces } from '../../../../src/lab/faces/evaluation/face-evaluation';
import { faceFigures } from '../../../../src/lab/faces/evaluation/face-figures';
import { writeFaceReport } from '../../../../src/lab/faces/evaluation/face-report';
import { seededRandom } from '../../../../src/random';
import { thresholdRows } from '../../../../src/lab/report/threshold-table';
import { encodePng } from '../../../../src/vision/picture/picture';
import type { Frame } from '../../../../src/vision/picture/frame';
import { FRONTAL } from '../../../support/landmarks';

/** Stands for detector and encoder: the vector of a picture is told by its size, so that a test can say how people differ. */
const analyser = (vectors: readonly (Float32Array | null)[]) => ({
  space: 'test',
  still: ({ width }: Frame) => {
    const embedding = vectors[width - 8] ?? null;
    const quality = {
      interocularPx: 60,
      sharpness: 1,
      brightness: 120,
      contrast: 40,
      yaw: 0,
      pitch: 0,
      rollDeg: 0,
      score: 1,
    };
    const face = {
      box: { x: 0, y: 0, width: 8, height: 8 },
      score: 1,
      quality,
      refusal: null,
      embedding,
      five: FRONTAL,
    };
    return Promise.resolve({ faces: embedding === null ? [] : [face] });
  },
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'report-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function evaluated(people: number, spread: number, missing: readonly number[] = []) {
  const random = seededRandom(3);
  const vectors: (Float32Array | null)[] = [];
  const pictures: FaceDataset['pictures'][number][] = [];
  for (let person = 0; person < people; person++) {
    const centre = Array.from({ length: 16 }, () => random.normal());
    for (const role of ['enrolled', 'probe'] as const) {
      const raw = centre.map((x) => x + spread * random.normal());
      const norm = Math.hypot(...raw);
      const file = join(folder, `${vectors.length}.png`);
      const width = 8 + vectors.length;
      writeFileSync(file, await encodePng({ width, height: 8, data: new Uint8Array(3 * 8 * width) }));
      pictures.push({ file, person, role });
      vectors.push(missing.includes(vectors.length) ? null : Float32Array.from(raw, (x) => x / norm));
    }
  }
  const dataset: FaceDataset = {
    name: 'made <up>',
    folder,
    style: 'variants',
    persons: Array.from({ length: people }, (_, i) => `p${i}`),
    pictures,
    pairs: null,
  };
  const encoder = { name: 'test-encoder', detector: 'test-detector', mirrored: true, analyser: analyser(vectors) };
  return { dataset, evaluation: await evaluateFaces(dataset, encoder) };
}

test('figures: names by prefix, intervals around values, and no value where pairs are too few', async () => {
  const { dataset, evaluation } = await evaluated(40, 0.3, [5]);
  const figures = new Map(faceFigures(dataset, evaluation, 'faces').map((figure) => [figure.name, figure]));
  const at3 = figures.get('faces.fnmr_at_fmr_1e-3')!;
  // Person 2's probe has no face: one of forty at least is missed.
  expect(at3.value).toBeGreaterThanOrEqual(1 / 40);
  expect(at3.low!).toBeLessThanOrEqual(at3.value!);
  expect(at3.high!).toBeGreaterThan(at3.value!);
  expect(at3.note).toMatch(/rough/);
  expect(figures.get('faces.fnmr_acquired_at_fmr_1e-3')!.value).toBeLessThan(at3.value!);
  expect(figures.get('faces.fnmr_at_fmr_1e-4')).toMatchObject({
    value: null,
    note: 'not enough impostor pairs (1521; at least 10000 are needed)',
  });
  expect(figures.get('faces.failure_to_acquire')!.value).toBeCloseTo(1 / 80, 12);
  expect(figures.get('faces.impostor_pairs')!.value).toBe(39 * 39);
  expect(figures.get('faces.genuine_pairs')!.value).toBe(40);
  expect(figures.has('faces.accuracy_10fold')).toBe(false);
});

test('the report stands alone, is written alike twice, and escapes names', async () => {
  const { dataset, evaluation } = await evaluated(12, 0.3);
  const figures = faceFigures(dataset, evaluation, 'faces');
  const read = async (name: string) => {
    const target = join(folder, name);
    await writeFaceReport(target, dataset, [{ evaluation, door: null }], figures);
    return readdirSync(target)
      .sort()
      .map((file) => [file, readFileSync(join(target, file), 'utf8')] as const);
  };
  const first = await read('one');
  expect(first).toEqual(await read('two'));
  expect(first.map(([file]) => file)).toEqual([
    'det.svg',
    'distances-test-encoder.svg',
    'identification.svg',
    'index.html',
    'report.json',
  ]);
  const html = first[3]![1];
  expect(html).toContain('made &lt;up&gt;');
  expect(html).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
  const plotted = /<path d="M[\d. L-]+"/.exec(first[0]![1]);
  expect(plotted).not.toBeNull();
  expect(JSON.parse(first[4]![1])).toMatchObject({
    figures: expect.arrayContaining([expect.objectContaining({ name: 'faces.eer' })]) as unknown,
    encoders: [{ name: 'test-encoder', detector: 'test-detector', mirrored: true }],
  });
  expect(first.map(([, text]) => text).join()).not.toMatch(/NaN|Infinity|undefined/);
});

test('a folder that cannot be written is named', async () => {
  const { dataset, evaluation } = await evaluated(4, 0.1);
  writeFileSync(join(folder, 'taken'), '');
  await expect(writeFaceReport(join(folder, 'taken'), dataset, [{ evaluation, door: null }], [])).rejects.toMatchObject(
    {
      code: 'file-unreadable',
      message: expect.stringContaining(join(folder, 'taken')) as string,
    },
  );
});

test('the threshold table holds what thirty false matches or more decide, and never promises more than was measured', async () => {
  const { evaluation } = await evaluated(64, 0.6);
  const { impostor, genuine } = evaluation.comparisons;
  expect(impostor.count).toBe(64 * 63);
  const rows = thresholdRows(evaluation.comparisons, 'here');
  expect(rows.map(({ fmr }) => fmr)).toEqual([0.01]);
  for (const { fmr, distance, fnmr } of rows) {
    expect(impostor.accepted(distance) / impostor.count).toBeLessThanOrEqual(fmr);
    expect(impostor.accepted(distance) / impostor.count).toBeGreaterThan(0.9 * fmr);
    expect(fnmr).toBeCloseTo(genuine.refused(distance) / genuine.count, 12);
  }
});
