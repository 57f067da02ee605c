import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readFaceDataset } from '../../../../src/lab/faces/data/dataset';
import { doorFigures } from '../../../../src/lab/faces/evaluation/door-figures';
import { doorTrial } from '../../../../src/lab/faces/evaluation/door-trial';
import { seededRandom } from '../../../../src/random';
import { evaluateFaces } from '../../../../src/lab/faces/evaluation/face-evaluation';
import type { AnalysedFace, StillAnalysis } from '../../../../src/vision/faces/analyser';
import type { Frame } from '../../../../src/vision/picture/frame';
import { encodePng } from '../../../../src/vision/picture/picture';
import { FRONTAL } from '../../../support/landmarks';

/**
 * Stands for detector and encoder, which are not here: each person is one colour, and the vector is the mean colour about the
 * middle plus noise that differs from call to call, as pose and blur make it.
 */
class ColourEncoder {
  readonly space = 'colour';
  readonly dimensions = 3;
  private readonly random = seededRandom(5);

  constructor(
    private readonly noise: number,
    private readonly blindTo: (call: number) => boolean = () => false,
  ) {}
  private calls = 0;

  still({ width, height, data }: Frame): Promise<StillAnalysis> {
    if (this.blindTo(this.calls++)) return Promise.resolve({ faces: [] });
    const sum = [0, 0, 0];
    for (let y = Math.floor(height * 0.4); y < height * 0.6; y++)
      for (let x = Math.floor(width * 0.4); x < width * 0.6; x++)
        for (let c = 0; c < 3; c++) sum[c]! += data[3 * (y * width + x) + c]!;
    const norm = Math.hypot(...sum);
    const noisy = sum.map((value) => value / norm + this.noise * this.random.normal());
    const again = Math.hypot(...noisy);
    const face: AnalysedFace = {
      five: FRONTAL,
      box: { x: width / 4, y: height / 4, width: width / 2, height: height / 2 },
      score: 0.9,
      quality: {
        interocularPx: 40,
        sharpness: 1,
        brightness: 120,
        contrast: 40,
        yaw: 0,
        pitch: 0,
        rollDeg: 0,
        score: 0.8,
      },
      refusal: null,
      embedding: Float32Array.from(noisy, (value) => value / again),
    };
    return Promise.resolve({ faces: [face] });
  }
}

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'door-'));
  const hues = [0, 1, 2, 3, 4, 5].map((i) =>
    [0, 1, 2].map((c) => Math.round(140 + 100 * Math.cos(i + (2 * Math.PI * c) / 3))),
  );
  for (const [i, colour] of hues.entries())
    for (const variant of ['neutral', 'smiling']) {
      const data = Uint8Array.from({ length: 3 * 120 * 120 }, (_, at) => colour[at % 3]!);
      await writeFile(join(folder, `00${i}_${variant}.png`), await encodePng({ width: 120, height: 120, data }));
    }
});
afterAll(() => rmSync(folder, { recursive: true }));

async function trial(noise: number, blindTo?: (call: number) => boolean) {
  const dataset = await readFaceDataset(folder);
  const clean = await evaluateFaces(dataset, {
    name: 'colour',
    detector: 'none',
    mirrored: false,
    analyser: new ColourEncoder(0),
  });
  return doorTrial(dataset, clean, new ColourEncoder(noise, blindTo), {
    threshold: 0.45,
    targetFmr: 1e-4,
    sameFmr: 0.1,
    normalise: true,
  });
}

test('every person walks up once: five single decisions, one fused, each against all who are enrolled', async () => {
  const { sequences, frames, single, fused } = await trial(0);
  expect({ sequences, frames }).toEqual({ sequences: 6, frames: 30 });
  expect([single.scores.genuine.count, single.scores.impostor.count]).toEqual([30, 150]);
  expect([fused.scores.genuine.count, fused.scores.impostor.count]).toEqual([6, 30]);
});

test('noise that differs from frame to frame is averaged away by the fusion, and the figures show both sides', async () => {
  const result = await trial(0.3);
  expect(result.single.atThreshold.fnmr).toBeGreaterThan(0.2);
  expect(result.fused.atThreshold.fnmr).toBeLessThan(result.single.atThreshold.fnmr / 2);
  const figures = Object.fromEntries(doorFigures(result, 'faces').map((figure) => [figure.name, figure]));
  expect(figures['faces.door_fused_ratio']).toMatchObject({ reach: 0.5, bound: 'at-most', meets: true });
  expect(figures['faces.door_fnmr_single']!.value).toBe(result.single.atThreshold.fnmr);
  expect(figures['faces.door_fmr_fused']!.value).toBe(result.fused.atThreshold.fmr);
});

test('a frame without a face is a miss of that frame; a sequence is missed when no frame had one', async () => {
  const { framesWithoutFace, single, fused } = await trial(0, (call) => call < 5 || call === 7);
  expect(framesWithoutFace).toBe(6);
  expect(single.scores.genuine.failed).toBe(6);
  expect(fused.scores.genuine.failed).toBe(1);
});

test('nothing to improve on is said, not reached', async () => {
  const figure = doorFigures(await trial(0), 'faces').find(({ name }) => name === 'faces.door_fused_ratio');
  expect(figure).toMatchObject({ value: null, meets: false });
});
