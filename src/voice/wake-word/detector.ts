import { UsherError } from '../../errors';
import { NO_RUN, type NearMissState, stepNearMiss } from '../capture/near-miss';
import { FeatureExtractor, FRAME_SAMPLES, HOP_SAMPLES, MEL_BANDS } from '../features/features';
import { RecentSound, utteranceStart } from './recent-sound';
import { PIECE_SAMPLES } from '../sources/sound';
import { FRESH_TRIGGER, stepTrigger, type TriggerSettings, type TriggerState } from './trigger';
import { type WakeWordScorer } from './wake-word';

type Scorer = Pick<WakeWordScorer, 'push' | 'reset' | 'stepsAfter' | 'framesPerStep'>;

/** A word to listen for: its network, and when its scores count. */
export interface ListeningWord {
  /** As it is spoken. */
  readonly word: string;
  /** Name of the bundle. */
  readonly model: string;
  readonly scorer: Scorer;
  readonly trigger: TriggerSettings;
  /** Another network that must agree about the last 1.5 s. */
  readonly check: { readonly scorer: Scorer; readonly trigger: TriggerSettings } | null;
}

export interface Detection {
  readonly word: string;
  readonly model: string;
  /** Best mean score so far. */
  readonly score: number;
  /** Samples before the end of what was pushed: where the word seems to begin, and where its score came up, which is soon after its end. */
  readonly startAgo: number;
  readonly endAgo: number;
}

/** A word that nearly activated. */
export interface NearMiss {
  readonly model: string;
  /** Highest mean score. */
  readonly score: number;
}

interface Listener extends ListeningWord {
  state: TriggerState;
  run: NearMissState;
  steps: number;
  /** Of the last step; a mean of several lags behind it. */
  score: number;
}

/** Of the threshold: from there on it is worth a person's look. */
const NEAR_SHARE = 0.5;

/** A score from which on the next one is worth being waited for: a word may be at its end. */
const STIRRING = 0.1;

/** At most so many frames come of one piece: those it holds, and the one that was waiting for its end. */
const MOST_FRAMES = Math.ceil(PIECE_SAMPLES / HOP_SAMPLES) + 1;

/**
 * Detects several words at once over one set of features. However the sound is split, the same words are detected at
 * the same samples. One `push` at a time.
 */
export class WordDetector {
  private readonly extractor = new FeatureExtractor();
  private readonly features = new Float32Array(MOST_FRAMES * MEL_BANDS);
  private readonly scores: Float32Array;
  private readonly ears: Listener[];
  private readonly recent = new RecentSound();
  /** Samples since the last reset. */
  private heard = 0;

  /** @param nearMiss called for every run of scores at half the threshold or more that did not activate */
  constructor(
    words: readonly ListeningWord[],
    private readonly nearMiss: ((miss: NearMiss) => void) | null = null,
  ) {
    this.ears = words.map((word) => ({ ...word, state: FRESH_TRIGGER, run: NO_RUN, steps: 0, score: 0 }));
    // A word that has waited with all but one frame of a step gets that one with the first frame.
    this.scores = new Float32Array(MOST_FRAMES + 1);
  }

  /** Resets the state, as after a gap in the sound. */
  reset(): void {
    this.extractor.reset();
    this.recent.reset();
    this.heard = 0;
    for (const listener of this.ears) {
      listener.scorer.reset();
      listener.state = FRESH_TRIGGER;
      listener.run = NO_RUN;
      listener.steps = 0;
      listener.score = 0;
    }
  }

  /** Whether a word may be under way: then what comes next should not be kept waiting. */
  get attentive(): boolean {
    return this.ears.some(({ score }) => score >= STIRRING);
  }

  /**
   * The next `length` samples, −1 to 1.
   * @param found called for each word that was detected in them, in order
   * @throws UsherError `data-invalid` (samples that are not numbers), `model-invalid` (a network without numbers as
   * output); then call `reset`
   */
  async push(samples: Float32Array, length: number, found: (detection: Detection) => void): Promise<void> {
    for (let from = 0; from < length; from += PIECE_SAMPLES) {
      const count = Math.min(PIECE_SAMPLES, length - from);
      const piece = from === 0 ? samples : samples.subarray(from, from + count);
      this.recent.add(piece, 0, count);
      this.heard += count;
      const frames = this.extractor.push(piece, this.features, count);
      if (frames === 0) continue;
      for (const listener of this.ears) await this.listen(listener, frames, length - from - count, found);
    }
  }

  /** @param later samples of the push that are still to come */
  private async listen(
    listener: Listener,
    frames: number,
    later: number,
    found: (detection: Detection) => void,
  ): Promise<void> {
    const steps = await listener.scorer.push(this.features, frames, this.scores);
    for (let i = 0; i < steps; i++) {
      const score = this.scores[i] as number;
      if (!Number.isFinite(score))
        throw new UsherError('model-invalid', `${listener.model}: the network gave no number`, {
          remedy: 'Fetch or train the model again.',
        });
      listener.steps++;
      listener.score = score;
      const { state, fired, mean } = stepTrigger(listener.trigger, listener.state, score);
      listener.state = state;
      this.watchNearMiss(listener, mean, fired !== null);
      if (fired === null) continue;
      // Up to the step that decided, not to the end of what was pushed: where sound is cut must not matter.
      const stepAgo = this.heard - this.endOf(listener, listener.steps);
      const sound = this.recent.copy(stepAgo);
      if (!(await agrees(listener.check, sound))) {
        // It has said no to this utterance; the next one is another question.
        listener.state = { ...state, refractory: 0 };
        continue;
      }
      const endAgo = this.heard - this.endOf(listener, listener.steps - fired.stepsAgo);
      found({
        word: listener.word,
        model: listener.model,
        score: fired.score,
        endAgo: endAgo + later,
        startAgo: Math.max(endAgo, stepAgo + sound.length - utteranceStart(sound)) + later,
      });
    }
  }

  private watchNearMiss(listener: Listener, mean: number, fired: boolean): void {
    if (this.nearMiss === null) return;
    const { state, missed } = stepNearMiss(listener.trigger.threshold * NEAR_SHARE, listener.run, mean, fired);
    listener.run = state;
    if (missed !== null) this.nearMiss({ model: listener.model, score: missed });
  }

  /** The sample at the end of the last frame of a step, counted from 1. */
  private endOf({ scorer }: Listener, step: number): number {
    return (step * scorer.framesPerStep - 1) * HOP_SAMPLES + FRAME_SAMPLES;
  }
}

/** Whether the checking network would have fired on this sound alone. */
async function agrees(check: ListeningWord['check'], sound: Float32Array): Promise<boolean> {
  if (check === null) return true;
  const extractor = new FeatureExtractor();
  // Whole steps that end where the sound does: the last one is the one that matters.
  const { framesPerStep } = check.scorer;
  const frames = Math.floor(extractor.framesAfter(sound.length) / framesPerStep) * framesPerStep;
  if (frames === 0) return false;
  const features = new Float32Array(frames * MEL_BANDS);
  extractor.push(sound.subarray(sound.length - (frames - 1) * HOP_SAMPLES - FRAME_SAMPLES), features);
  check.scorer.reset();
  const scores = new Float32Array(check.scorer.stepsAfter(frames));
  await check.scorer.push(features, frames, scores);
  let state = FRESH_TRIGGER;
  for (const score of scores) {
    const step = stepTrigger(check.trigger, state, score);
    if (step.fired !== null) return true;
    state = step.state;
  }
  return false;
}
