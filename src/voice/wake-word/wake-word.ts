import { UsherError } from '../../errors';
import { type Bundle, openBundle } from '../../inference/bundle';
import type { AudioFeaturesInput, Card, CardOutput, Companions, StatePair } from '../../inference/card';
import type { ExecutionOptions, Model } from '../../inference/model';
import { RunningCompanions } from './companion-networks';
import { FEATURE_VERSION, MEL_BANDS, SAMPLE_RATE_HZ } from '../features/features';
import { MOST_STEPS, NetworkStream } from './network-stream';

/** What a card says of a word's companions, but for their files. */
export type CompanionNetworks = Omit<Companions, 'networks'> & {
  readonly networks: readonly { readonly states: readonly StatePair[] }[];
};

/** A trigger word's networks, loaded: the one that listens always, then its companions. */
export interface WakeWordNetworks {
  readonly input: AudioFeaturesInput;
  /** Of one score for each step; companions give logits. */
  readonly output: string;
  readonly companions: CompanionNetworks | null;
  readonly models: readonly [Model, ...Model[]];
}

/**
 * One trigger word's scores: one after every `framesPerStep` frames, the same however the frames are split. It has its
 * own state; several may share the networks. One `push` at a time: wait for it before the next, or before `reset`.
 */
export class WakeWordScorer {
  readonly framesPerStep: number;
  private readonly stream: NetworkStream;
  private readonly company: RunningCompanions | null;
  private readonly mostFrames: number;

  constructor({ input, output, companions, models: [first, ...others] }: WakeWordNetworks) {
    this.framesPerStep = input.framesPerStep;
    this.mostFrames = MOST_STEPS * input.framesPerStep;
    this.stream = new NetworkStream(first, input, companions?.logits ?? output);
    this.company = companions === null ? null : companionsOf(companions, input, others);
  }

  /** How many scores `push` will give for so many frames. */
  stepsAfter(frames: number): number {
    return this.stream.stepsAfter(frames);
  }

  /** Resets the state. */
  reset(): void {
    this.stream.reset();
    this.company?.reset();
  }

  /**
   * Takes the next `count` frames from the start of `features` and writes the scores of the steps that they complete to the start of
   * `scores`, 0 to 1. A step's score is that at the end of its last frame.
   * @returns the number of scores
   * @throws RangeError where `scores` is smaller than `stepsAfter(count)`
   */
  async push(features: Float32Array, count: number, scores: Float32Array): Promise<number> {
    if (this.company === null) return this.stream.push(features, count, scores);
    const due = this.stepsAfter(count);
    if (scores.length < due) throw new RangeError(`${due} scores do not fit into ${scores.length}`);
    let written = 0;
    for (let from = 0; from < count; from += this.mostFrames) {
      const part = Math.min(this.mostFrames, count - from);
      const frames = from === 0 ? features : features.subarray(from * MEL_BANDS);
      const steps = await this.stream.push(frames, part, scores, written);
      await this.company.join(frames, part, scores, written, steps);
      written += steps;
    }
    for (let i = 0; i < written; i++) scores[i] = 1 / (1 + Math.exp(-(scores[i] as number)));
    return written;
  }
}

function companionsOf(
  { networks, ...rules }: CompanionNetworks,
  input: AudioFeaturesInput,
  models: readonly Model[],
): RunningCompanions {
  const streams = networks.map(
    ({ states }, i) => new NetworkStream(models[i] as Model, { ...input, states: [...states] }, rules.logits),
  );
  return new RunningCompanions(streams, rules, input.framesPerStep);
}

/** A wake-word bundle that was opened once; scorers of their own memory are made of it. */
export class WakeWord {
  readonly output: CardOutput<'wake-word'>;
  private readonly input: AudioFeaturesInput;

  /** @throws UsherError `model-invalid` if the bundle is not a wake word, or was trained on other features */
  constructor(
    readonly bundle: Bundle,
    private readonly models: readonly [Model, ...Model[]],
  ) {
    this.input = wakeWordInputOf(bundle.card);
    this.output = wakeWordOutputOf(bundle.card);
  }

  /** The execution provider that was granted. */
  get provider(): Model['provider'] {
    return this.models[0].provider;
  }

  scorer(): WakeWordScorer {
    const { output, companions = null } = this.output;
    return new WakeWordScorer({ input: this.input, output, companions, models: this.models });
  }

  async dispose(): Promise<void> {
    await Promise.all(this.models.map((model) => model.dispose()));
  }
}

/** Opens a wake-word bundle: digests and golden vectors checked. @throws UsherError `model-missing` or `model-invalid` */
export async function openWakeWord(dir: string, execution: ExecutionOptions): Promise<WakeWord> {
  const { bundle, model, companions } = await openBundle(dir, execution);
  try {
    return new WakeWord(bundle, [model, ...companions]);
  } catch (error) {
    await Promise.all([model, ...companions].map((one) => one.dispose()));
    throw error;
  }
}

/** @throws UsherError `model-invalid` on a card of another kind, or of other features than these */
export function wakeWordInputOf({ name, task, input }: Card): AudioFeaturesInput {
  if (task !== 'wake-word' || input.kind !== 'audio-features')
    throw new UsherError('model-invalid', `${name} is a ${task} model, here a wake-word model is needed`);
  const { features, sampleRateHz, bands } = input;
  if (features === FEATURE_VERSION && sampleRateHz === SAMPLE_RATE_HZ && bands === MEL_BANDS) return input;
  throw new UsherError(
    'model-invalid',
    `${name} was trained on the features ${features} (${bands} bands, ${sampleRateHz} Hz), this usher computes ${FEATURE_VERSION}`,
    { remedy: 'Train it again with this version of usher: usher train wake-word --help' },
  );
}

/** @throws UsherError `model-invalid` on a card of another kind */
export function wakeWordOutputOf({ name, output }: Card): CardOutput<'wake-word'> {
  if (output.decoding === 'wake-word') return output;
  throw new UsherError('model-invalid', `${name}: output decoding is ${output.decoding}, expected wake-word`);
}
