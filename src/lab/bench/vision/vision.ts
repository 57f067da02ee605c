import { intersectionOverUnion } from '../../../vision/picture/boxes';
import type { FaceAnalyser } from '../../../vision/faces/analyser';
import type { Box } from '../../../events';
import { BENCH_FACE_PX, type BenchFrame } from './frames';
import type { FaceApiReference } from '../face-api';
import { atLeast, atMost, withGoal, type Figure } from '../../report/figure';
import { median } from '../../../quantile';
import type { TimedModel } from '../timed-model';

/** One path from a frame to a vector, as it runs live. */
export interface VisionPath {
  readonly name: string;
  readonly analyser: Pick<FaceAnalyser, 'live'>;
  /** Its networks, detector first. */
  readonly models: readonly TimedModel[];
}

export interface PathSample {
  readonly found: boolean;
  /**
   * Time of the whole path in ms, and of the networks' runs in it. Null if the face was not encoded and there is
   * nothing to compare.
   */
  readonly time: { readonly ms: number; readonly bareMs: number } | null;
}

export interface VisionSample {
  readonly facePx: number;
  readonly paths: ReadonlyMap<string, PathSample>;
  /** face-api on the same frame. */
  readonly referenceMs: number | null;
}

/** Boxes of different detectors on one face overlap at least this much. */
const SAME_FACE_IOU = 0.3;

/** `recommended` means the fast encoder with one run a face; the other variants have figures of their own. */
const RATIO_GOALS: Record<string, number> = { recommended: 20, fallback: 10 };

/**
 * Runs every path and face-api in turn on each frame, in rotating order, so that other load affects all alike. The
 * first `warmUp` frames do not count.
 */
export async function runVisionBench(
  frames: readonly BenchFrame[],
  paths: readonly VisionPath[],
  reference: { readonly faceApi: FaceApiReference; readonly inputSize: number },
  { warmUp = 3, onProgress }: { warmUp?: number; onProgress?: (share: number) => void } = {},
): Promise<VisionSample[]> {
  const samples: VisionSample[] = [];
  for (const [index, bench] of frames.entries()) {
    const measured = new Map<string, PathSample>();
    let referenceMs: number | null = null;
    const work: (() => Promise<void>)[] = paths.map((path) => async () => {
      measured.set(path.name, await runPath(path, bench));
    });
    work.push(async () => {
      referenceMs = await runReference(reference, bench);
    });
    for (let turn = 0; turn < work.length; turn++) await work[(index + turn) % work.length]?.();
    if (index >= warmUp) samples.push({ facePx: bench.facePx, paths: measured, referenceMs });
    onProgress?.((index + 1) / frames.length);
  }
  return samples;
}

async function runPath({ analyser, models }: VisionPath, { frame, face }: BenchFrame): Promise<PathSample> {
  for (const model of models) model.reset();
  const startedAt = performance.now();
  const { subject } = await analyser.live(frame);
  const ms = performance.now() - startedAt;
  const bareMs = models.reduce((sum, model) => sum + model.elapsedMs, 0);
  const found = subject !== null && isFace(subject.box, face);
  // A face whose box is a pixel below the smallest useful width is found but not encoded.
  return { found, time: found && subject.embedding !== null ? { ms, bareMs } : null };
}

async function runReference(
  { faceApi, inputSize }: { readonly faceApi: FaceApiReference; readonly inputSize: number },
  { frame, face }: BenchFrame,
): Promise<number | null> {
  const startedAt = performance.now();
  const faces = await faceApi.describe(frame, { inputSize });
  const ms = performance.now() - startedAt;
  // Only frames with one face: a second (mistaken) one would be encoded too, and cost time that the others do not
  // spend.
  return faces.length === 1 && faces.every(({ box }) => isFace(box, face)) ? ms : null;
}

const isFace = (box: Box, face: Box): boolean => intersectionOverUnion(box, face) >= SAME_FACE_IOU;

/** Medians over the frames in which both sides found the one face; shares of faces found by width. */
export function visionFigures(samples: readonly VisionSample[], names: readonly string[]): Figure[] {
  const value = (list: readonly number[]): number | null => (list.length === 0 ? null : median(list));
  const figures: Figure[] = [];
  const overheads: number[] = [];
  for (const name of names) {
    const times = samples.flatMap((sample) => sample.paths.get(name)?.time ?? []);
    const ratios = samples.flatMap(({ paths, referenceMs }) => {
      const time = paths.get(name)?.time ?? null;
      return time === null || referenceMs === null ? [] : [referenceMs / time.ms];
    });
    const goal = RATIO_GOALS[name];
    figures.push(
      withGoal(
        { name: `vision.ratio.${name}_vs_face_api`, value: value(ratios), unit: 'x', note: `${ratios.length} frames` },
        goal === undefined ? undefined : atLeast(goal),
      ),
      { name: `vision.ms.${name}`, value: value(times.map(({ ms }) => ms)), unit: 'ms' },
    );
    const overhead = value(times.map(({ ms, bareMs }) => ms / bareMs));
    figures.push({ name: `vision.overhead.${name}`, value: overhead, unit: 'x' });
    overheads.push(overhead ?? Infinity);
  }
  const worst = Math.max(...overheads);
  figures.push(
    { name: 'vision.ms.face_api', value: value(samples.flatMap(({ referenceMs }) => referenceMs ?? [])), unit: 'ms' },
    withGoal(
      {
        name: 'vision.overhead',
        value: Number.isFinite(worst) ? worst : null,
        unit: 'x',
        note: 'the worst path: whole time over the sum of the networks’ runs',
      },
      atMost(1.25),
    ),
  );
  for (const name of names)
    for (const facePx of BENCH_FACE_PX) {
      const seen = samples.filter((sample) => sample.facePx === facePx);
      if (seen.length === 0) continue;
      const found = seen.filter(({ paths }) => paths.get(name)?.found === true).length;
      const figure = { name: `vision.found.${name}_${facePx}px`, value: found / seen.length, unit: 'ratio' };
      figures.push(withGoal({ ...figure, note: `${found} of ${seen.length} frames` }, atLeast(1)));
    }
  return figures;
}
