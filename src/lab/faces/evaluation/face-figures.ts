import type { FaceDataset } from '../data/dataset';
import type { FaceEvaluation, MeasuredFnmr } from './face-evaluation';
import { atLeast, atMost, fmrTag, withGoal, type Figure, type Goal } from '../../report/figure';
import { wilson } from '../../report/intervals';

type Numbers = Partial<Figure>;

/** Goals that belong to a data set known by its protocol: the 6,000 pairs of LFW, and the 102 persons of the London set. */
const GOALS: Record<'lfw' | 'london', Record<string, Record<string, Goal>>> = {
  lfw: {
    mbf: { accuracy_10fold: atLeast(0.995), 'fnmr_at_fmr_1e-4': atMost(0.011) },
    mobilefacenet: { accuracy_10fold: atLeast(0.992), 'fnmr_at_fmr_1e-4': atMost(0.037) },
  },
  london: {
    mbf: { 'fnmr_at_fmr_1e-4': atMost(0) },
    mobilefacenet: { 'fnmr_at_fmr_1e-4': atMost(0) },
  },
};

function protocolOf({ style, persons, pictures, pairs }: FaceDataset): 'lfw' | 'london' | null {
  if (style === 'lfw') return pairs?.folds === 10 && pairs.pairs.length === 6000 && pairs.leftOut === 0 ? 'lfw' : null;
  const london = persons.length === 102 && pictures.length === 204;
  return london && pictures.every(({ file }) => /\d{3}_(neutral|smiling)\.jpg$/.test(file)) ? 'london' : null;
}

/**
 * The figures of one encoder, under `prefix` (`faces`, or `faces.mbf`). A rate that this data cannot measure has the
 * value null and a note. An interval is the wider of Wilson's and the person-level bootstrap's.
 */
export function faceFigures(dataset: FaceDataset, evaluation: FaceEvaluation, prefix: string): Figure[] {
  const protocol = protocolOf(dataset);
  const goals = protocol === null ? undefined : GOALS[protocol][evaluation.encoder];
  const figure = (name: string, value: number | null, unit: string, more: Numbers = {}): Figure =>
    withGoal({ name: `${prefix}.${name}`, value, unit, ...more }, goals?.[name]);
  const { comparisons, encoded, accuracy, trials } = evaluation;
  const failed = encoded.filter(({ embedding }) => embedding === null).length;
  const enrolments = encoded.filter((_, i) => dataset.pictures[i]?.role !== 'probe');
  const refused = enrolments.filter(({ refusal }) => refusal !== null).length;

  return [
    ...evaluation.atFmr.flatMap((measured) => atFmrFigures(measured, figure)),
    figure('eer', evaluation.eer?.eer ?? null, 'ratio'),
    ...(accuracy === null
      ? []
      : [
          figure(`accuracy_${accuracy.folds.length}fold`, accuracy.mean, 'ratio', {
            low: accuracy.mean - 1.96 * accuracy.standardError,
            high: Math.min(1, accuracy.mean + 1.96 * accuracy.standardError),
          }),
        ]),
    ...evaluation.atFpir.map(({ target, measured }) =>
      measured === null
        ? figure(`fnir_at_fpir_${fmrTag(target)}`, null, 'ratio', {
            note: `not enough searches by strangers (${trials?.nonMated.length ?? 0})`,
          })
        : figure(`fnir_at_fpir_${fmrTag(target)}`, measured.fnir, 'ratio', {
            ...measured.interval,
            note: `${trials?.gallerySize ?? 0} enrolled, ${trials?.mated.length ?? 0} mated searches`,
          }),
    ),
    figure('failure_to_acquire', failed / encoded.length, 'ratio', wilson(failed, encoded.length)),
    figure('failure_to_enrol', refused / enrolments.length, 'ratio', {
      ...wilson(refused, enrolments.length),
      note: 'pictures that the quality gates, or the search for a face, would refuse at enrolment',
    }),
    figure('genuine_pairs', comparisons.genuine.count, 'pairs'),
    figure('impostor_pairs', comparisons.impostor.count, 'pairs'),
  ];
}

function atFmrFigures(
  { targetFmr, support, impostors, point, wide }: MeasuredFnmr,
  figure: (name: string, value: number | null, unit: string, more?: Numbers) => Figure,
): Figure[] {
  const tag = fmrTag(targetFmr);
  if (point === null || wide === null) {
    const note = `not enough impostor pairs (${impostors}; at least ${Math.ceil(1 / targetFmr)} are needed)`;
    return [figure(`fnmr_at_fmr_${tag}`, null, 'ratio', { note })];
  }
  const rough = `rough: fewer than 30 false matches among ${impostors} impostor pairs set the threshold`;
  return [
    figure(`fnmr_at_fmr_${tag}`, point.fnmr, 'ratio', { ...wide, ...(support === 'rough' ? { note: rough } : {}) }),
    ...(point.fnmrAcquired === null || point.fnmrAcquired === point.fnmr
      ? []
      : [figure(`fnmr_acquired_at_fmr_${tag}`, point.fnmrAcquired, 'ratio', { note: 'faces that were found only' })]),
    figure(`distance_at_fmr_${tag}`, point.threshold, 'L2'),
  ];
}
