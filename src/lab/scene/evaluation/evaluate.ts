import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { SceneClassifier } from '../../../vision/scene/scene';
import { SCENE_GRID } from '../../../vision/scene/scene-input';
import { atLeast, atMost, type Figure, withGoal } from '../../report/figure';
import { wilson } from '../../report/intervals';
import { median } from '../../../quantile';
import type { TimedModel } from '../../bench/timed-model';
import type { SceneData, ScenePicture } from './data';

export interface JudgedScene {
  readonly picture: ScenePicture;
  readonly scores: readonly number[];
  /** Labels that apply, and those that the model gave. */
  readonly wanted: readonly string[];
  readonly said: readonly string[];
  readonly right: boolean;
  /** Mean V (the larger of red, green and blue), 0..255. */
  readonly brightness: number;
}

export interface SceneEvaluation {
  readonly judged: readonly JudgedScene[];
  readonly msPerPicture: number;
  /** Of these the network alone; null where it was not timed. */
  readonly msPerRun: number | null;
}

export interface SceneEvaluationOptions {
  /** The classifier's network, where it was wrapped at loading. */
  readonly network?: TimedModel | undefined;
  readonly onProgress?: (share: number) => void;
}

/** Labels that apply by their scores; of two that exclude one another the likelier. */
export function labelsOf(labels: readonly string[], scores: readonly number[], kind: SceneData['kind']): string[] {
  if (kind === 'binary') return [((scores[0] as number) > 0.5 ? labels[0] : labels[1]) as string];
  return labels.filter((_, i) => (scores[i] as number) > 0.5);
}

/** Every test picture through the classifier, and the time that a camera's frame takes, resampling included. */
export async function evaluateScene(
  classifier: SceneClassifier,
  data: Pick<SceneData, 'kind' | 'labels' | 'test'>,
  { network, onProgress }: SceneEvaluationOptions = {},
): Promise<SceneEvaluation> {
  const grid = new Float32Array(3 * SCENE_GRID * SCENE_GRID);
  const judged: JudgedScene[] = [];
  for (const picture of data.test) {
    grid.set(picture.grid);
    const { scores } = await classifier.classifyGrid(grid);
    const wanted = wantedOf(data.labels, picture, data.kind);
    const said = labelsOf(classifier.labels, scores, classifier.output.kind).sort();
    judged.push({
      picture,
      scores,
      wanted,
      said,
      right: wanted.join() === said.join(),
      brightness: brightnessOf(picture.grid),
    });
    onProgress?.(judged.length / data.test.length);
  }
  return { judged, ...(await timesOf(classifier, network)) };
}

function wantedOf(labels: readonly string[], { targets }: ScenePicture, kind: SceneData['kind']): string[] {
  if (kind === 'binary') return [(targets[0] === 1 ? labels[0] : labels[1]) as string];
  return labels.filter((_, i) => targets[i] === 1).sort();
}

const TIMED_RUNS = 60;
const TIMED_FRAME = { width: 1280, height: 720 } as const;

async function timesOf(
  classifier: SceneClassifier,
  network: TimedModel | undefined,
): Promise<Pick<SceneEvaluation, 'msPerPicture' | 'msPerRun'>> {
  const { width, height } = TIMED_FRAME;
  const frame = { width, height, data: Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * 7) % 251) };
  const times: number[] = [];
  const runs: number[] = [];
  for (let run = 0; run < TIMED_RUNS; run++) {
    network?.reset();
    const startedAt = performance.now();
    await classifier.classify(frame);
    times.push(performance.now() - startedAt);
    if (network !== undefined) runs.push(network.elapsedMs);
  }
  return { msPerPicture: median(times), msPerRun: network === undefined ? null : median(runs) };
}

export function brightnessOf(grid: Uint8Array): number {
  const plane = SCENE_GRID * SCENE_GRID;
  let sum = 0;
  for (let i = 0; i < plane; i++)
    sum += Math.max(grid[i] as number, grid[i + plane] as number, grid[i + 2 * plane] as number);
  return sum / plane;
}

/**
 * What mean brightness alone reaches: the threshold that separates the training pictures best, applied to the test.
 * Null for more than two labels.
 */
export function brightnessBaseline(data: SceneData): { threshold: number; right: number } | null {
  if (data.kind !== 'binary') return null;
  const training = data.training.map((one) => ({ value: brightnessOf(one.grid), bright: one.targets[0] === 1 }));
  const candidates = training.map(({ value }) => value).sort((a, b) => a - b);
  const hits = (threshold: number, list: readonly { value: number; bright: boolean }[]): number =>
    list.filter(({ value, bright }) => value >= threshold === bright).length;
  let best = { threshold: 0, score: -1, flipped: false };
  for (const threshold of candidates) {
    const score = hits(threshold, training);
    const straight = Math.max(score, training.length - score);
    if (straight > best.score) best = { threshold, score: straight, flipped: score < straight };
  }
  const test = data.test.map((one) => ({ value: brightnessOf(one.grid), bright: one.targets[0] === 1 }));
  const right = hits(best.threshold, test);
  return { threshold: best.threshold, right: best.flipped ? test.length - right : right };
}

export async function bundleBytes(dir: string): Promise<number> {
  const sizes = await Promise.all((await readdir(dir)).map(async (name) => (await stat(join(dir, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** `scene.accuracy`: all labels of a picture right. */
export function sceneFigures(
  data: SceneData,
  { judged, msPerPicture, msPerRun }: SceneEvaluation,
  bytes: number,
): Figure[] {
  const right = judged.filter((one) => one.right).length;
  const share = (name: string, hits: number, note?: string): Figure => ({
    name,
    value: hits / judged.length,
    unit: 'ratio',
    ...wilson(hits, judged.length),
    note: note ?? `${hits} of ${judged.length} pictures`,
  });
  const figures = [withGoal(share('scene.accuracy', right), atLeast(0.98))];
  const baseline = brightnessBaseline(data);
  if (baseline !== null)
    figures.push(
      share(
        'scene.accuracy_brightness',
        baseline.right,
        `mean V against ${Math.round(baseline.threshold)}, fitted on training`,
      ),
    );
  else
    for (const label of data.labels)
      figures.push(
        share(
          `scene.accuracy.${label}`,
          judged.filter(({ wanted, said }) => wanted.includes(label) === said.includes(label)).length,
        ),
      );
  figures.push(
    withGoal(
      { name: 'scene.ms', value: msPerPicture, unit: 'ms', note: '1280×720, resampling included, median' },
      atMost(1),
    ),
  );
  if (msPerRun !== null)
    figures.push({ name: 'scene.ms_network', value: msPerRun, unit: 'ms', note: 'of these the bare network, median' });
  figures.push(
    withGoal({ name: 'scene.bundle_kb', value: bytes / 1000, unit: 'kB', note: 'all files of it' }, atMost(300)),
  );
  return figures;
}
