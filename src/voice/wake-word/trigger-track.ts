import type { TriggerSettings } from './trigger';

/**
 * The mean over the last steps at every step, as the trigger of the voice path has it: what lies before the beginning counts as 0.
 */
export function stepMeans(scores: Float32Array, smoothSteps: number): Float64Array {
  const means = new Float64Array(scores.length);
  for (let i = 0; i < scores.length; i++) {
    // Summed from the oldest to the newest, as the trigger sums.
    let sum = 0;
    for (let j = Math.max(0, i - smoothSteps + 1); j <= i; j++) sum += scores[j] as number;
    means[i] = sum / smoothSteps;
  }
  return means;
}

/** Steps at which the trigger fires, computed over a whole recording: the same as `stepTrigger` step by step. */
export function firings(means: ArrayLike<number>, settings: Omit<TriggerSettings, 'smoothSteps'>): number[] {
  const { threshold, patienceSteps, refractorySteps } = settings;
  const fired: number[] = [];
  let held = 0;
  let refractory = 0;
  let armed = true;
  for (let i = 0; i < means.length; i++) {
    const above = (means[i] as number) >= threshold;
    armed ||= !above;
    if (refractory > 0) {
      refractory--;
      continue;
    }
    held = above && armed ? held + 1 : 0;
    if (held < patienceSteps) continue;
    fired.push(i);
    held = 0;
    refractory = refractorySteps;
    armed = false;
  }
  return fired;
}

/** The highest threshold at which the trigger would fire within steps [from, to); 0 where none would. */
export function strongest(means: Float64Array, patienceSteps: number, from: number, to: number): number {
  let most = 0;
  for (let i = Math.max(patienceSteps - 1, from); i < Math.min(means.length, to); i++) {
    let least = Infinity;
    for (let j = i - patienceSteps + 1; j <= i; j++) least = Math.min(least, means[j] as number);
    if (least > most) most = least;
  }
  return most;
}
