import { UsherError } from '../errors';
import { type Bundle, openBundle } from '../inference/bundle';
import type { AudioFeaturesInput, Card, CardOutput } from '../inference/card';
import type { ExecutionOptions, Model, Tensor, Tensors } from '../inference/model';
import { FEATURE_VERSION, MEL_BANDS, SAMPLE_RATE_HZ } from './features';

/** Steps that go through the network at once at most: a file that is fed at full speed gains nothing beyond. */
const MOST_STEPS = 128;

/**
 * One trigger word's network, fed frame by frame: a score after every `framesPerStep` frames. What it remembers (the frames that the
 * convolution still needs, the GRUs' states) are tensors that go in as they came out, so streaming gives the batch run's scores.
 *
 * One `push` at a time: wait for it before the next, or before `reset`.
 */
export class WakeWordScorer {
  private readonly input: AudioFeaturesInput;
  /** Frames of a step that is not full yet, then those of the chunk. */
  private readonly frames: Float32Array;
  private held = 0;
  private states: Record<string, Tensor> = {};

  /** @throws UsherError `model-invalid` where the bundle is no wake word, or one that was trained on other features */
  constructor(
    readonly bundle: Bundle,
    private readonly model: Model,
  ) {
    this.input = wakeWordInputOf(bundle.card);
    wakeWordOutputOf(bundle.card);
    this.frames = new Float32Array(MOST_STEPS * this.input.framesPerStep * MEL_BANDS);
    this.reset();
  }

  get output(): CardOutput<'wake-word'> {
    return wakeWordOutputOf(this.bundle.card);
  }

  get framesPerStep(): number {
    return this.input.framesPerStep;
  }

  /** How many scores `push` will give for so many frames. */
  stepsAfter(frames: number): number {
    return Math.floor((this.held + frames) / this.input.framesPerStep);
  }

  /** Forgets all that was heard. */
  reset(): void {
    this.held = 0;
    this.states = initialStates(this.input);
  }

  /**
   * Takes the next `count` frames from the start of `features` and writes the scores of the steps that they complete to the start of
   * `scores`, 0 to 1. A step's score is that at the end of its last frame.
   * @returns the number of scores
   * @throws RangeError where `scores` is smaller than `stepsAfter(count)`
   */
  async push(features: Float32Array, count: number, scores: Float32Array): Promise<number> {
    const steps = this.stepsAfter(count);
    if (scores.length < steps) throw new RangeError(`${steps} scores do not fit into ${scores.length} values`);
    let written = 0;
    for (let at = 0; at < count;) {
      const room = this.frames.length / MEL_BANDS - this.held;
      const taken = Math.min(room, count - at);
      const start = this.held * MEL_BANDS;
      const from = at * MEL_BANDS;
      for (let i = 0; i < taken * MEL_BANDS; i++) this.frames[start + i] = features[from + i] as number;
      this.held += taken;
      at += taken;
      written += await this.advance(scores, written);
    }
    return written;
  }

  async dispose(): Promise<void> {
    await this.model.dispose();
  }

  /** Runs all whole steps that are held. */
  private async advance(scores: Float32Array, at: number): Promise<number> {
    const { framesPerStep, name, states } = this.input;
    const steps = Math.floor(this.held / framesPerStep);
    if (steps === 0) return 0;
    const used = steps * framesPerStep;
    this.states[name] = { data: this.frames.subarray(0, used * MEL_BANDS), dims: [1, used, MEL_BANDS] };
    const outputs = await this.model.run(this.states);
    for (const { input, output } of states) this.states[input] = outputs[output] as Tensor;
    const result = floatsOf(outputs, this.output.output);
    for (let i = 0; i < steps; i++) scores[at + i] = result[i] as number;
    this.frames.copyWithin(0, used * MEL_BANDS, this.held * MEL_BANDS);
    this.held -= used;
    return steps;
  }
}

/** Opens a wake-word bundle: digests and golden vectors checked. @throws UsherError `model-missing` or `model-invalid` */
export async function openWakeWord(dir: string, execution: ExecutionOptions): Promise<WakeWordScorer> {
  const { bundle, model } = await openBundle(dir, execution);
  try {
    return new WakeWordScorer(bundle, model);
  } catch (error) {
    await model.dispose();
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

function initialStates({ states }: AudioFeaturesInput): Record<string, Tensor> {
  return Object.fromEntries(
    states.map(({ input, dims }) => [input, { data: new Float32Array(dims.reduce((a, b) => a * b, 1)), dims }]),
  );
}

function floatsOf(outputs: Tensors, name: string): Float32Array {
  const tensor = outputs[name];
  if (tensor?.data instanceof Float32Array) return tensor.data;
  throw new UsherError('model-invalid', `the network has no output "${name}" of floats`);
}
