import type { Box } from '../../../events';
import { intersectionOverUnion } from '../../../vision/picture/boxes';
import { type Interval, percentileInterval } from '../../report/intervals';
import { seededRandom } from '../../../random';

/** One picture as a detector saw it. */
export interface DetectedPicture {
  readonly found: readonly { readonly box: Box; readonly score: number }[];
  readonly truth: readonly Box[];
}

/** One detection, judged. */
export interface Judged {
  readonly score: number;
  readonly hit: boolean;
}

/**
 * Judges the detections of one picture as PASCAL VOC does (Everingham et al. 2010): best score first; each belongs to the truth that
 * it overlaps most, and hits when that overlap is at least `iou` and the truth was not hit before.
 */
export function judge({ found, truth }: DetectedPicture, iou = 0.5): Judged[] {
  const taken = truth.map(() => false);
  return [...found]
    .sort((a, b) => b.score - a.score)
    .map(({ box, score }) => {
      const overlaps = truth.map((one) => intersectionOverUnion(one, box));
      const best = overlaps.reduce((most, overlap, k) => (overlap > (overlaps[most] ?? 0) ? k : most), 0);
      const hit = (overlaps[best] ?? 0) >= iou && taken[best] === false;
      if (hit) taken[best] = true;
      return { score, hit };
    });
}

/**
 * Average precision: the area under precision over recall, precision made monotone, at every point (PASCAL VOC from 2010 on).
 * @returns null without a truth
 */
export function averagePrecision(judged: readonly Judged[], truths: number): number | null {
  if (truths === 0) return null;
  const ranked = [...judged].sort((a, b) => b.score - a.score);
  let hits = 0;
  const precisions = ranked.map(({ hit }, i) => {
    if (hit) hits++;
    return hits / (i + 1);
  });
  let area = 0;
  let ceiling = 0;
  for (let i = ranked.length - 1; i >= 0; i--) {
    ceiling = Math.max(ceiling, precisions[i] ?? 0);
    if (ranked[i]?.hit === true) area += ceiling / truths;
  }
  return area;
}

export interface MeasuredPrecision {
  readonly ap: number | null;
  readonly interval: Interval | null;
  /** Share of the truths found, and wrong detections a picture, at the detector's own threshold. */
  readonly recall: number;
  readonly falsePerPicture: number;
  readonly truths: number;
}

export interface PrecisionOptions {
  readonly iou?: number;
  readonly threshold: number;
  readonly replicates?: number;
  readonly seed?: number;
}

/**
 * AP of each detector on the same pictures, with percentile intervals of a bootstrap over pictures: the boxes of one picture are not
 * independent. All detectors are resampled alike, and so `gain` is that of the last over the first, paired.
 */
export function measurePrecision(
  detectors: readonly (readonly DetectedPicture[])[],
  { iou = 0.5, threshold, replicates = 400, seed = 1 }: PrecisionOptions,
): { readonly measured: MeasuredPrecision[]; readonly gain: Interval | null } {
  const judged = detectors.map((pictures) => pictures.map((picture) => judge(picture, iou)));
  const truths = detectors[0]?.map(({ truth }) => truth.length) ?? [];
  const everyone = truths.map((_, i) => i);
  const apOf = (detector: number, sample: readonly number[]): number | null =>
    averagePrecision(
      sample.flatMap((i) => judged[detector]?.[i] ?? []),
      sample.reduce((sum, i) => sum + (truths[i] ?? 0), 0),
    );
  const random = seededRandom(seed);
  const resampled: number[][] = detectors.map(() => []);
  for (let replicate = 0; replicate < replicates && everyone.length > 1; replicate++) {
    const sample = everyone.map(() => random.below(everyone.length));
    detectors.forEach((_, detector) => resampled[detector]?.push(apOf(detector, sample) ?? NaN));
  }
  const total = truths.reduce((sum, count) => sum + count, 0);
  const measured = detectors.map((_, detector): MeasuredPrecision => {
    const sure = (judged[detector] ?? []).flat().filter(({ score }) => score >= threshold);
    const hits = sure.filter(({ hit }) => hit).length;
    return {
      ap: apOf(detector, everyone),
      interval: percentileInterval((resampled[detector] ?? []).filter(Number.isFinite)),
      recall: total === 0 ? 0 : hits / total,
      falsePerPicture: truths.length === 0 ? 0 : (sure.length - hits) / truths.length,
      truths: total,
    };
  });
  const last = resampled.at(-1) ?? [];
  const gains = (resampled[0] ?? []).map((before, i) => (last[i] ?? NaN) - before).filter(Number.isFinite);
  return { measured, gain: detectors.length < 2 ? null : percentileInterval(gains) };
}
