import type { DoorTrial } from './door-trial';
import { detCurve, type OperatingPoint } from '../../report/det';
import type { FaceEvaluation } from './face-evaluation';
import { fmrTag } from '../../report/figure';
import { identificationCurve } from './identification';
import { decadeBelow, linearAxis, logAxis } from '../../report/svg-axes';
import { colourOf, plotSvg, type Series } from '../../report/svg-plot';

const HISTOGRAM_BINS = 80;
/** Distances of normalised vectors end at 2. */
const HISTOGRAM_END = 2;

/** FNMR over FMR of all encoders, both logarithmic; an FNMR of zero runs along the lower edge. */
export function detSvg(title: string, curves: readonly { name: string; curve: readonly OperatingPoint[] }[]): string {
  const points = curves.flatMap(({ curve }) => curve);
  const smallest = (of: (point: OperatingPoint) => number): number =>
    Math.max(-6, Math.min(-1, ...points.map((point) => (of(point) > 0 ? decadeBelow(of(point)) : -1))));
  return plotSvg({
    title,
    x: logAxis(
      'false-match rate (FMR)',
      smallest(({ fmr }) => fmr),
      0,
    ),
    y: logAxis('false-non-match rate (FNMR), 0 at the edge', smallest(({ fnmr }) => fnmr) - 1, 0),
    series: curves.map(({ name, curve }, i) => ({
      name,
      colour: colourOf(i),
      points: curve.map(({ fmr, fnmr }) => [fmr, fnmr] as const),
    })),
  });
}

/** Share of the genuine and of the impostor distances in each of 80 bins, with the thresholds that were read off. */
export function histogramSvg(evaluation: FaceEvaluation): string {
  const { genuine, impostor } = evaluation.comparisons;
  const genuineBins = new Float64Array(HISTOGRAM_BINS);
  const impostorBins = new Float64Array(HISTOGRAM_BINS);
  const binOf = (distance: number): number =>
    Math.min(HISTOGRAM_BINS - 1, Math.floor((distance / HISTOGRAM_END) * HISTOGRAM_BINS));
  const count = (bins: Float64Array, bin: number, by: number): void => {
    bins[bin] = (bins[bin] as number) + by;
  };
  for (const distance of genuine.sorted().distances)
    if (distance !== Infinity) count(genuineBins, binOf(distance), 1 / genuine.count);
  const { counts, binWidth } = impostor.bins;
  counts.forEach((pairs, i) => {
    if (pairs > 0) count(impostorBins, binOf(i * binWidth), pairs / impostor.count);
  });
  const highest = Math.max(0.01, ...genuineBins, ...impostorBins);
  const series = (name: string, colour: string, bins: Float64Array): Series => ({
    name,
    colour,
    filled: true,
    points: [...bins].map((share, i) => [((i + 0.5) / HISTOGRAM_BINS) * HISTOGRAM_END, share] as const),
  });
  const step = highest > 0.2 ? 0.1 : highest > 0.08 ? 0.05 : 0.01;
  return plotSvg({
    title: `${evaluation.encoder}: distances`,
    x: linearAxis('L2 distance', 0, HISTOGRAM_END, 0.25),
    y: linearAxis('share of comparisons', 0, Math.ceil(highest / step) * step, step),
    series: [
      series(`${genuine.count} genuine`, colourOf(0), genuineBins),
      series(`${impostor.count} impostor`, colourOf(1), impostorBins),
    ],
    marks: evaluation.atFmr.flatMap(({ targetFmr, point }) =>
      point === null ? [] : [{ x: point.threshold, text: `FMR ${fmrTag(targetFmr)}` }],
    ),
  });
}

/** 1:N: FNIR over FPIR. null where there were no searches to plot. */
export function identificationSvg(evaluations: readonly FaceEvaluation[]): string | null {
  const searched = evaluations.filter(({ trials }) => trials !== null && trials.nonMated.length > 0);
  if (searched.length === 0) return null;
  const searches = Math.max(...searched.map(({ trials }) => trials?.nonMated.length ?? 1));
  const probes = Math.max(...searched.map(({ trials }) => trials?.mated.length ?? 1));
  return plotSvg({
    title: `1:N, open set: ${searched[0]?.trials?.gallerySize ?? 0} enrolled`,
    x: logAxis('false-positive identification rate (FPIR)', Math.min(-1, decadeBelow(1 / searches)), 0),
    y: logAxis('false-negative identification rate (FNIR), 0 at the edge', Math.min(-1, decadeBelow(1 / probes)), 0),
    series: searched.map(({ encoder, trials }, i) => ({
      name: encoder,
      colour: colourOf(i),
      points: trials === null ? [] : identificationCurve(trials).map(({ fpir, fnir }) => [fpir, fnir] as const),
    })),
  });
}

export function doorSvg(encoder: string, trial: DoorTrial): string {
  return detSvg(`${encoder}: as a door sees them`, [
    { name: 'one frame', curve: detCurve(trial.single.scores) },
    { name: 'five frames fused', curve: detCurve(trial.fused.scores) },
  ]);
}
