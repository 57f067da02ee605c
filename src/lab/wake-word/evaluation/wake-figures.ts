import { poisson, wilson } from '../../report/intervals';
import { median, quantile } from '../../../quantile';
import { atMost, type Figure, type Goal, withGoal } from '../../report/figure';
import { CONDITIONS } from './trials';
import { everyday, falseAccepts, latencyMs, type WakeEvaluation } from './wake-evaluation';
import { pointAt, type CurvePoint } from './wake-curve';

/** What the project set out to reach, for words recorded by people. */
const MISS_GOALS: Readonly<Record<string, Goal>> = {
  clean: atMost(0.01),
  'snr-10db': atMost(0.07),
  'snr-5db': atMost(0.25),
};
const TARGET_PER_HOUR = 0.5;

/** `snr-10db` is `_10db` within a figure's name, `clean` nothing. */
const tagOf = (condition: string): string =>
  condition === 'clean' ? '' : `_${condition.replace(/^snr-/, '').replaceAll('-', '_')}`;

/**
 * @param threshold that the daemon would use: a preset of the card, or the user's
 * @param synthetic the words were spoken by synthetic voices alone: then what is to be reached is the 10 % of such words
 */
export function wakeFigures(
  evaluation: WakeEvaluation,
  curve: readonly CurvePoint[],
  threshold: number,
  synthetic: boolean,
): Figure[] {
  return [
    ...missFigures(evaluation, curve, threshold, synthetic),
    ...falseAcceptFigures(evaluation, threshold),
    ...latencyFigures(evaluation, threshold),
  ];
}

function missFigures(
  evaluation: WakeEvaluation,
  curve: readonly CurvePoint[],
  threshold: number,
  synthetic: boolean,
): Figure[] {
  const chosen = pointAt(curve, TARGET_PER_HOUR);
  const figures: Figure[] = [];
  for (const { name } of CONDITIONS) {
    const trials = evaluation.heard.filter(({ trial }) => trial.condition.name === name);
    if (trials.length === 0) continue;
    const clips = new Set(trials.map(({ corpus, index }) => `${corpus}/${index}`)).size;
    const goal = synthetic ? (name === 'clean' ? atMost(0.1) : undefined) : MISS_GOALS[name];
    const figure = (label: string, at: number | null): Figure => {
      if (at === null)
        return { name: label, value: null, unit: 'ratio', note: 'no threshold has so few false accepts' };
      const missed = trials.filter(({ strength }) => strength < at).length;
      const miss = missed / trials.length;
      // Several noises around one clip are no new speakers: the interval counts clips.
      const { low, high } = wilson(miss * clips, clips);
      const note = `${missed} of ${trials.length} (${clips} clips), score ≥ ${at}`;
      return { name: label, value: miss, unit: 'ratio', low, high, note };
    };
    figures.push(
      withGoal(figure(`wake.miss${tagOf(name)}_at_${TARGET_PER_HOUR}_per_hour`, chosen?.threshold ?? null), goal),
    );
    figures.push(figure(`wake.miss${tagOf(name)}`, threshold));
  }
  return figures;
}

function falseAcceptFigures(evaluation: WakeEvaluation, threshold: number): Figure[] {
  const rate = (name: string, list: WakeEvaluation['overheard']): Figure => {
    const hours = list.reduce((sum, one) => sum + one.hours, 0);
    const count = list.reduce((sum, one) => sum + falseAccepts(evaluation, one, threshold).length, 0);
    const { low, high } = poisson(count, hours);
    const note = `${count} in ${hours.toFixed(2)} h, score ≥ ${threshold}`;
    return { name, value: hours > 0 ? count / hours : null, unit: '1/h', low, high, note };
  };
  const { overheard } = evaluation;
  const names = [...new Set(overheard.map(({ name }) => name))];
  const silent: Goal = atMost(0);
  return [
    withGoal(rate('wake.false_accepts_per_hour', everyday(evaluation)), atMost(TARGET_PER_HOUR)),
    ...names.map((name) => {
      const figure = rate(
        `wake.false_accepts_per_hour.${name.replaceAll(/[^a-z0-9]+/gi, '_')}`,
        overheard.filter((one) => one.name === name),
      );
      return withGoal(figure, /^(silence|white)/.test(name) ? silent : undefined);
    }),
  ];
}

function latencyFigures(evaluation: WakeEvaluation, threshold: number): Figure[] {
  const clean = evaluation.heard.filter(({ trial }) => trial.condition.name === 'clean');
  const times = clean.map((one) => latencyMs(evaluation, one, threshold)).filter((ms) => ms !== null);
  const note = `${times.length} of ${clean.length} words heard clean; from the word’s end to the last sample that the decision needs`;
  const figure = (name: string, value: number, goal: Goal): Figure =>
    withGoal({ name, value: times.length === 0 ? null : Math.round(value), unit: 'ms', note }, goal);
  return [
    figure('wake.latency_median_ms', median(times), atMost(250)),
    figure('wake.latency_p95_ms', quantile(times, 0.95), atMost(400)),
  ];
}
