import { bootstrapFnmr, bootstrapRatio } from '../../report/bootstrap';
import { equalErrorRate, fnmrAtFmr, type Scores } from '../../report/det';
import { atMost, fmrTag, withGoal, type Figure } from '../../report/figure';
import type { HeadTrial } from './head-trial';

const FMRS = [1e-2, 1e-3, 1e-4] as const;
/** The rate at which a head is judged, and its goal: a fifth fewer errors. */
const JUDGED_AT = 1e-3;
const GOAL = atMost(0.8);

/** FNMR before and after at each rate, and their ratio with the interval of a paired bootstrap over persons. */
export function headFigures(trial: HeadTrial, people: number, prefix = 'face_head'): Figure[] {
  const { before, after, weightOf } = trial;
  const intervals = (scores: Scores) => bootstrapFnmr(scores, people, weightOf, FMRS);
  const [beforeIntervals, afterIntervals] = [intervals(before), intervals(after)];
  const figures = FMRS.flatMap((fmr, i): Figure[] => {
    const [old, now] = [fnmrAtFmr(before, fmr), fnmrAtFmr(after, fmr)];
    const tag = fmrTag(fmr);
    const name = (what: string): string => `${prefix}.${what}_at_fmr_${tag}`;
    if (old.point === null || now.point === null) {
      const note = `not enough impostor comparisons (${old.impostors})`;
      return ['fnmr_before', 'fnmr_after', 'fnmr_ratio'].map((what) => ({
        name: name(what),
        value: null,
        unit: what === 'fnmr_ratio' ? 'x' : 'ratio',
        note,
      }));
    }
    const rough = old.support === 'rough' ? { note: 'rough: fewer than 30 false matches set the threshold' } : {};
    const ratio: Figure = {
      name: name('fnmr_ratio'),
      value: old.point.fnmr > 0 ? now.point.fnmr / old.point.fnmr : null,
      unit: 'x',
      ...(bootstrapRatio(before, after, people, weightOf, fmr) ?? {}),
      note: old.point.fnmr > 0 ? 'paired bootstrap over persons' : 'no errors before: nothing to improve on',
    };
    return [
      { name: name('fnmr_before'), value: old.point.fnmr, unit: 'ratio', ...(beforeIntervals[i] ?? {}), ...rough },
      { name: name('fnmr_after'), value: now.point.fnmr, unit: 'ratio', ...(afterIntervals[i] ?? {}), ...rough },
      fmr === JUDGED_AT ? withGoal(ratio, GOAL) : ratio,
    ];
  });
  const failed = before.genuine.failed / Math.max(1, before.genuine.count);
  return [
    ...figures,
    { name: `${prefix}.eer_before`, value: equalErrorRate(before)?.eer ?? null, unit: 'ratio' },
    { name: `${prefix}.eer_after`, value: equalErrorRate(after)?.eer ?? null, unit: 'ratio' },
    {
      name: `${prefix}.not_acquired`,
      value: failed,
      unit: 'ratio',
      note: 'no face found: counted as missed on both sides',
    },
    { name: `${prefix}.persons_left_out`, value: trial.persons, unit: 'persons' },
    { name: `${prefix}.genuine_comparisons`, value: before.genuine.count, unit: 'comparisons' },
    { name: `${prefix}.impostor_comparisons`, value: before.impostor.count, unit: 'comparisons' },
  ];
}
