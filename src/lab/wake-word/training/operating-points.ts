import type { OperatingPoint } from '../../../inference/card';
import type { TriggerSettings } from '../../../voice/wake-word/trigger';
import { TRIGGER_THRESHOLDS } from '../../../voice/wake-word/trigger-thresholds';
import { firings, stepMeans } from '../../../voice/wake-word/trigger-track';

/** When a run of scores counts as the word: as the trigger of the voice path has it, at whatever threshold. */
export type TriggerShape = Omit<TriggerSettings, 'threshold'>;

/** The trigger's means, as single numbers: an hour has 120,000. */
export function smoothed(scores: Float32Array, steps: number): Float32Array {
  return Float32Array.from(stepMeans(scores, steps));
}

/** The threshold at or below which each step fires: the least mean of the last `patience` steps. */
export function strength(scores: Float32Array, { smoothSteps, patienceSteps }: TriggerShape): Float32Array {
  const means = smoothed(scores, smoothSteps);
  const out = new Float32Array(scores.length);
  for (let i = patienceSteps - 1; i < means.length; i++) {
    let least = Infinity;
    for (let j = i - patienceSteps + 1; j <= i; j++) least = Math.min(least, means[j] as number);
    out[i] = least;
  }
  return out;
}

/** Strongest answer to one spoken word. */
export interface Trials {
  readonly condition: string;
  readonly strengths: readonly number[];
}

export interface Recording {
  readonly name: string;
  readonly seconds: number;
  readonly means: Float32Array;
}

/** False accepts and misses at one threshold. */
export interface Setting {
  readonly threshold: number;
  readonly falseAccepts: number;
  readonly falseAcceptsPerHour: number;
  readonly misses: readonly { readonly condition: string; readonly miss: number }[];
}

/** Every threshold's setting, from the loosest to the strictest. */
export function measureSettings(
  recordings: readonly Recording[],
  trials: readonly Trials[],
  shape: TriggerShape,
): Setting[] {
  const hours = recordings.reduce((sum, { seconds }) => sum + seconds, 0) / 3600;
  return TRIGGER_THRESHOLDS.map((threshold) => {
    const falseAccepts = recordings.reduce((sum, { means }) => sum + firings(means, { threshold, ...shape }).length, 0);
    const misses = trials.map(({ condition, strengths }) => ({
      condition,
      miss: strengths.filter((value) => value < threshold).length / Math.max(1, strengths.length),
    }));
    return { threshold, falseAccepts, falseAcceptsPerHour: falseAccepts / hours, misses };
  });
}

/** The loosest setting from which on no stricter one has more false accepts than allowed; the strictest where there is none. */
export function settingAt(settings: readonly Setting[], falseAcceptsPerHour: number): Setting {
  const last = settings.at(-1);
  if (last === undefined) throw new RangeError('no settings');
  const tooMany = settings.findLastIndex((setting) => setting.falseAcceptsPerHour > falseAcceptsPerHour);
  return settings[tooMany + 1] ?? last;
}

/** Mean miss over the conditions. */
function meanMiss({ misses }: Pick<Setting, 'misses'>): number {
  return misses.reduce((sum, { miss }) => sum + miss, 0) / Math.max(1, misses.length);
}

/** Multiples of the allowed rate: at that rate alone, one false accept more or less in a few hours moves everything. */
const RATES_ABOUT = [1, 2, 4];

/** Mean miss about a rate of false accepts: one number to choose a network by. */
export function rankAbout(settings: readonly Setting[], falseAcceptsPerHour: number): number {
  const misses = RATES_ABOUT.map((factor) => meanMiss(settingAt(settings, factor * falseAcceptsPerHour)));
  return misses.reduce((sum, miss) => sum + miss, 0) / misses.length;
}

const TARGETS = [0.1, 0.2, 0.5, 1, 2, 5, 10];

/** The card's table: the best setting for each target rate, each once, the strictest first. */
export function operatingPoints(settings: readonly Setting[], measuredOn: string): OperatingPoint[] {
  const rows = new Map<number, OperatingPoint>();
  for (const target of TARGETS) {
    const { threshold, falseAcceptsPerHour, misses } = settingAt(settings, target);
    rows.set(threshold, {
      falseAcceptsPerHour: Number(falseAcceptsPerHour.toFixed(3)),
      score: threshold,
      misses: misses.map(({ condition, miss }) => ({ condition, miss: Number(miss.toFixed(4)) })),
      measuredOn,
    });
  }
  return [...rows.values()].sort((a, b) => b.score - a.score);
}
