import { streamSeed } from '../../../random';
import type { ClipSource, FramedClip } from '../clips/framed-clip';
import { stepOf } from './labels';
import type { Listener } from './listener';
import {
  measureSettings,
  type Recording,
  type Setting,
  smoothed,
  strength,
  type TriggerShape,
} from './operating-points';

/** How loud the word stands above what it is mixed with, in decibels. */
export const CONDITIONS = [
  { condition: 'clean', snrDb: [30, 60] },
  { condition: 'snr-10db', snrDb: [10, 10] },
  { condition: 'snr-5db', snrDb: [5, 5] },
] as const;

/** An answer counts from a quarter of a second before the word's end to 0.9 s behind it. */
const STEPS_BEFORE = 8;
const STEPS_AFTER = 30;

/** What every candidate is measured on: made once, of the part that is never trained on. */
export interface ValidationSet {
  readonly trials: readonly { readonly condition: string; readonly clips: readonly FramedClip[] }[];
  readonly streams: readonly {
    readonly name: string;
    readonly seconds: number;
    readonly stretches: readonly Float32Array[];
  }[];
}

export interface ValidationSize {
  readonly seed: number;
  readonly trials: number;
  readonly hours: number;
}

export async function makeValidationSet(
  source: ClipSource,
  { seed, trials, hours }: ValidationSize,
  onProgress: (share: number) => void,
): Promise<ValidationSet> {
  const all = await source.streams({ part: 'validation', hours, seed });
  const names = all.map((stream, index) => ({ ...stream, index })).filter(({ adversarial }) => adversarial !== true);
  let done = 0;
  const total = CONDITIONS.length + names.length;
  const count = <T>(value: T): T => {
    onProgress(++done / total);
    return value;
  };
  const spoken = CONDITIONS.map(async ({ condition, snrDb }, index) => {
    const requests = Array.from({ length: trials }, (_, i) =>
      source.trial({ seed: streamSeed(seed, index, i), snrDb }),
    );
    const clips = (await Promise.all(requests)).filter(({ ends }) => ends.length > 0);
    return count({ condition, clips });
  });
  const streams = names.map(async ({ name, seconds, index }) => {
    const stretches: Float32Array[] = [];
    await source.stream({ part: 'validation', hours, seed, index }, ({ features }) => stretches.push(features));
    return count({ name, seconds, stretches });
  });
  return { trials: await Promise.all(spoken), streams: await Promise.all(streams) };
}

/** False accepts and misses of a network at every threshold. */
export async function validate(listener: Listener, set: ValidationSet, shape: TriggerShape): Promise<Setting[]> {
  const recordings: Recording[] = [];
  for (const { name, seconds, stretches } of set.streams) {
    const hear = listener.hear();
    const scores: number[] = [];
    for (const features of stretches) for (const score of await hear(features)) scores.push(score);
    recordings.push({ name, seconds, means: smoothed(Float32Array.from(scores), shape.smoothSteps) });
  }
  const trials = [];
  for (const { condition, clips } of set.trials) {
    const strengths: number[] = [];
    for (const { features, ends } of clips) {
      const all = strength(await listener.scores(features), shape);
      for (const end of ends) strengths.push(strongest(all, stepOf(end)));
    }
    trials.push({ condition, strengths });
  }
  return measureSettings(recordings, trials, shape);
}

function strongest(strengths: Float32Array, step: number): number {
  const window = strengths.subarray(Math.max(0, step - STEPS_BEFORE), step + STEPS_AFTER);
  return window.reduce((most, value) => Math.max(most, value), 0);
}
