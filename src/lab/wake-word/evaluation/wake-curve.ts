import { TRIGGER_THRESHOLDS } from '../../../voice/wake-word/trigger-thresholds';
import { everyday, falseAccepts, type WakeEvaluation } from './wake-evaluation';
import { CONDITIONS } from './trials';

/** What happens at one threshold. */
export interface CurvePoint {
  readonly threshold: number;
  readonly falseAccepts: number;
  readonly perHour: number;
  /** Share of words missed, by condition; null without trials. */
  readonly misses: Readonly<Record<string, number | null>>;
}

/** Misses against false accepts over everyday sound without the word, from the loosest threshold to the strictest. */
export function wakeCurve(evaluation: WakeEvaluation): CurvePoint[] {
  const { heard } = evaluation;
  const overheard = everyday(evaluation);
  const hours = overheard.reduce((sum, one) => sum + one.hours, 0);
  const byCondition = CONDITIONS.map(({ name }) => ({
    name,
    strengths: heard.filter(({ trial }) => trial.condition.name === name).map(({ strength }) => strength),
  }));
  return TRIGGER_THRESHOLDS.map((threshold) => {
    const count = overheard.reduce((sum, one) => sum + falseAccepts(evaluation, one, threshold).length, 0);
    return {
      threshold,
      falseAccepts: count,
      perHour: hours === 0 ? 0 : count / hours,
      misses: Object.fromEntries(
        byCondition.map(({ name, strengths }) => [
          name,
          strengths.length === 0
            ? null
            : strengths.filter((strength) => strength < threshold).length / strengths.length,
        ]),
      ),
    };
  });
}

/** The loosest point from which on no stricter one has more false accepts than allowed; null where even the strictest has. */
export function pointAt(curve: readonly CurvePoint[], perHour: number): CurvePoint | null {
  const tooMany = curve.findLastIndex((point) => point.perHour > perHour);
  return curve[tooMany + 1] ?? null;
}
