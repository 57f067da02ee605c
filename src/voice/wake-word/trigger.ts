import { type CardOutput } from '../../inference/card';

/**
 * When a word's scores become an activation. A score is a probability for one step of the network; one high step is noise, a word
 * leaves a run of them behind its end. All in steps, so that neither chunk size nor clock matters.
 */
export interface TriggerSettings {
  /** The mean over so many steps is what counts (150 to 250 ms). */
  readonly smoothSteps: number;
  readonly threshold: number;
  /** The mean has to hold the threshold for so many steps. */
  readonly patienceSteps: number;
  /** Deaf for so long after an activation: one word, however long it rings, activates once. */
  readonly refractorySteps: number;
}

export interface TriggerState {
  /** The last scores, oldest first; fewer than `smoothSteps` at a beginning, where those that are missing count as 0. */
  readonly recent: readonly number[];
  /** Steps in a row at or above the threshold. */
  readonly held: number;
  /** Highest mean of that run. */
  readonly peak: number;
  /** Steps until it listens again. */
  readonly refractory: number;
  /** Below the threshold at least once since the last activation. */
  readonly armed: boolean;
}

export interface TriggerStep {
  readonly state: TriggerState;
  /** The mean of this step: what an operating point's threshold is compared with. */
  readonly mean: number;
  readonly fired: {
    readonly score: number;
    /** Steps ago at which the mean came up to the threshold. */ readonly stepsAgo: number;
  } | null;
}

/** The state after a start or a gap. */
export const FRESH_TRIGGER: TriggerState = { recent: [], held: 0, peak: 0, refractory: 0, armed: true };

/**
 * The settings of a word: mean and patience are those its operating points were measured with.
 * @param threshold one of the card's operating points
 */
export function triggerSettings(
  { strideMs, trigger }: Pick<CardOutput<'wake-word'>, 'strideMs' | 'trigger'>,
  { threshold, refractoryMs }: { readonly threshold: number; readonly refractoryMs: number },
): TriggerSettings {
  const steps = (ms: number): number => Math.max(1, Math.round(ms / strideMs));
  return {
    smoothSteps: steps(trigger.meanMs),
    threshold,
    patienceSteps: trigger.patience,
    refractorySteps: steps(refractoryMs),
  };
}

/**
 * One more score.
 * @param score 0 to 1; NaN counts as 0
 */
export function stepTrigger(settings: TriggerSettings, state: TriggerState, score: number): TriggerStep {
  const { smoothSteps, threshold, patienceSteps, refractorySteps } = settings;
  const recent = [...state.recent.slice(state.recent.length < smoothSteps ? 0 : 1), Number.isFinite(score) ? score : 0];
  // Summed again each time: a running sum would depend on the whole past through its rounding.
  const mean = recent.reduce((sum, value) => sum + value, 0) / smoothSteps;
  const above = mean >= threshold;
  if (state.refractory > 0)
    return {
      state: { recent, held: 0, peak: 0, refractory: state.refractory - 1, armed: state.armed || !above },
      mean,
      fired: null,
    };
  const armed = state.armed || !above;
  const held = above && armed ? state.held + 1 : 0;
  const peak = held === 0 ? 0 : Math.max(state.peak, mean);
  if (held < patienceSteps) return { state: { recent, held, peak, refractory: 0, armed }, mean, fired: null };
  return {
    state: { recent, held: 0, peak: 0, refractory: refractorySteps, armed: false },
    mean,
    fired: { score: peak, stepsAgo: held - 1 },
  };
}
