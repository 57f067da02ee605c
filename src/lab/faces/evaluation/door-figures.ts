import type { DoorTrial } from './door-trial';
import { atMost, fmrTag, withGoal, type Figure } from '../../report/figure';
import { wilson } from '../../report/intervals';

/** Error of the decision fused over frames against that of one frame. */
const FUSED_AT_MOST = atMost(0.5);

/**
 * The figures of a door trial under `prefix`. Both error rates are given, so that a gain in one cannot hide a loss in
 * the other.
 */
export function doorFigures(trial: DoorTrial, prefix: string): Figure[] {
  const { single, fused, threshold, targetFmr } = trial;
  const name = (suffix: string): string => `${prefix}.door_${suffix}`;
  const at = `at distance ${threshold.toFixed(4)} (FMR ${fmrTag(targetFmr)})`;
  const ratio = (suffix: string, one: number | undefined, several: number | undefined, note: string): Figure => {
    const measurable = one !== undefined && several !== undefined && one > 0;
    return withGoal(
      {
        name: name(suffix),
        value: measurable ? several / one : null,
        unit: 'x',
        note: measurable ? note : 'one frame makes no errors in these data: nothing to improve on',
      },
      FUSED_AT_MOST,
    );
  };
  return [
    { name: name('fnmr_single'), value: single.atThreshold.fnmr, unit: 'ratio', ...single.interval, note: at },
    { name: name('fnmr_fused'), value: fused.atThreshold.fnmr, unit: 'ratio', ...fused.interval, note: at },
    ratio('fused_ratio', single.atThreshold.fnmr, fused.atThreshold.fnmr, at),
    { name: name('fmr_single'), value: single.atThreshold.fmr, unit: 'ratio', note: at },
    { name: name('fmr_fused'), value: fused.atThreshold.fmr, unit: 'ratio', note: at },
    ratio(
      'fused_ratio_same_fmr',
      single.atSameFmr.point?.fnmr,
      fused.atSameFmr.point?.fnmr,
      `each at its own threshold for FMR ${fmrTag(single.atSameFmr.targetFmr)}`,
    ),
    {
      name: name('frames_without_face'),
      value: trial.framesWithoutFace / trial.frames,
      unit: 'ratio',
      ...wilson(trial.framesWithoutFace, trial.frames),
      note: `${trial.sequences} persons, ${trial.frames} frames`,
    },
  ];
}
