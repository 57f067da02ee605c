import { clipCount } from '../sound/bank';
import type { Materials, NamedBank } from '../sound/materials';
import { RATE_HZ } from '../sound/rate';
import type { SoundStream } from '../sound/streams';
import { type TriggerSettings } from '../../../voice/wake-word/trigger';
import type { WakeWordScorer } from '../../../voice/wake-word/wake-word';
import { streamSeed } from '../../../random';
import { Listener } from './listener';
import { CONDITIONS, makeTrial, type Condition, type Trial, type TrialSound } from './trials';
import { firings, stepMeans, strongest } from '../../../voice/wake-word/trigger-track';

/** The word heard once: everything but the sound, which `Trial`'s seed makes again. */
export interface Heard {
  readonly corpus: string;
  readonly index: number;
  readonly repeat: number;
  readonly trial: Trial;
  /** The highest threshold at which it would have been heard. */
  readonly strength: number;
  readonly means: Float64Array;
}

/** One recording without the word. */
export interface Overheard {
  readonly name: string;
  readonly hours: number;
  readonly means: Float64Array;
  /** Recorded in which way, for the figures' grouping. */
  readonly stream: SoundStream;
}

export interface WakeEvaluation {
  readonly heard: readonly Heard[];
  readonly overheard: readonly Overheard[];
  /** With any threshold. */
  readonly trigger: Omit<TriggerSettings, 'threshold'>;
  readonly listener: Listener;
}

/** From so long before the word's end an answer is one to the word (its last sound may be soft), to so long after it. */
const EARLY = 0.3 * RATE_HZ;
const LATE = 1.0 * RATE_HZ;

export interface WakeEvaluationOptions {
  /** Times that each clip is heard in another noise. */
  readonly repeats: number;
  readonly seed: number;
  readonly trigger: Omit<TriggerSettings, 'threshold'>;
  readonly onProgress: (label: string, share: number) => void;
}

/** Lets a model hear every word under every condition, and every stream from its beginning to its end. */
export async function evaluateWakeWord(
  scorer: WakeWordScorer,
  positives: readonly NamedBank[],
  materials: Materials,
  streams: readonly SoundStream[],
  options: WakeEvaluationOptions,
): Promise<WakeEvaluation> {
  const listener = new Listener(scorer);
  const { trigger, onProgress } = options;
  const heard: Heard[] = [];
  const total = positives.reduce((sum, { bank }) => sum + clipCount(bank), 0);
  let done = 0;
  for (const { name, bank } of positives)
    for (let index = 0; index < clipCount(bank); index++) {
      for (const condition of CONDITIONS)
        for (let repeat = 0; repeat < (condition.snrDb === null ? 1 : options.repeats); repeat++) {
          const sound = makeTrial(bank, index, condition, materials.noise, trialSeed(options.seed, condition, repeat));
          if (sound !== null) heard.push(await hear(listener, sound, trigger, { corpus: name, index, repeat }));
        }
      onProgress('hearing words', ++done / total);
    }
  const overheard: Overheard[] = [];
  const seconds = streams.reduce((sum, stream) => sum + stream.seconds, 0);
  let listened = 0;
  for (const stream of streams) {
    const scores = await listener.listen(
      counted(stream, (at) => onProgress(`listening to ${stream.name}`, (listened + at) / seconds)),
    );
    listened += stream.seconds;
    overheard.push({
      name: stream.name,
      hours: stream.seconds / 3600,
      means: stepMeans(scores, trigger.smoothSteps),
      stream,
    });
  }
  return { heard, overheard, trigger, listener };
}

export const trialSeed = (seed: number, condition: Condition, repeat: number): number =>
  streamSeed(seed, CONDITIONS.indexOf(condition), repeat);

async function hear(
  listener: Listener,
  { samples, trial }: TrialSound,
  trigger: Omit<TriggerSettings, 'threshold'>,
  { corpus, index, repeat }: Pick<Heard, 'corpus' | 'index' | 'repeat'>,
): Promise<Heard> {
  const means = stepMeans(await listener.listen([samples]), trigger.smoothSteps);
  const [from, to] = [listener.stepAt(trial.end - EARLY), listener.stepAt(trial.end + LATE)];
  return { corpus, index, repeat, trial, strength: strongest(means, trigger.patienceSteps, from, to), means };
}

function* counted(stream: SoundStream, onSeconds: (seconds: number) => void): Iterable<Float32Array> {
  let seconds = 0;
  for (const chunk of stream.chunks()) {
    yield chunk;
    onSeconds((seconds += chunk.length / RATE_HZ));
  }
}

/** Everyday sound: all streams but those of near misses alone, whose false accepts are reported separately. */
export function everyday({ overheard }: Pick<WakeEvaluation, 'overheard'>): Overheard[] {
  return overheard.filter(({ stream }) => stream.adversarial !== true);
}

/** Milliseconds from the word's end until the trigger fires; null where it does not. */
export function latencyMs(
  { listener, trigger }: WakeEvaluation,
  { trial, means }: Heard,
  threshold: number,
): number | null {
  const from = listener.stepAt(trial.end - EARLY);
  const to = listener.stepAt(trial.end + LATE);
  const fired = firings(means, { ...trigger, threshold }).find((step) => step >= from && step < to);
  return fired === undefined ? null : ((listener.heardAt(fired) - trial.end) / RATE_HZ) * 1000;
}

export function falseAccepts({ trigger }: WakeEvaluation, { means }: Overheard, threshold: number): number[] {
  return firings(means, { ...trigger, threshold });
}
