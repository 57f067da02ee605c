import { UsherError } from '../../errors';
import type { AudioFeaturesInput } from '../../inference/card';
import type { Model, Tensor, Tensors } from '../../inference/model';
import { MEL_BANDS } from '../features/features';

/** Steps that go through the network at once at most: a file that is fed at full speed gains nothing beyond. */
export const MOST_STEPS = 128;

/**
 * One network, fed frame by frame: a value after every `framesPerStep` frames. What it remembers (the frames that the convolution still
 * needs, the GRUs' states) are tensors that go in as they came out, so streaming gives the batch run's values.
 *
 * One `push` at a time: wait for it before the next, or before `reset`.
 */
export class NetworkStream {
  /** Frames of a step that is not full yet, then those of the chunk. */
  private readonly frames: Float32Array;
  private held = 0;
  private states: Record<string, Tensor> = {};

  /** @param output of one value for each step, [steps, 1] */
  constructor(
    private readonly model: Model,
    private readonly input: AudioFeaturesInput,
    private readonly output: string,
  ) {
    this.frames = new Float32Array(MOST_STEPS * input.framesPerStep * MEL_BANDS);
    this.reset();
  }

  /** How many values `push` will give for so many frames. */
  stepsAfter(frames: number): number {
    return Math.floor((this.held + frames) / this.input.framesPerStep);
  }

  /** Resets the state. */
  reset(): void {
    this.held = 0;
    this.states = initialStates(this.input);
  }

  /**
   * Takes the next `count` frames from the start of `features` and writes the values of the steps that they complete to `values` from
   * `at` on. A step's value is that at the end of its last frame.
   * @returns how many were written
   * @throws RangeError where they do not fit
   */
  async push(features: Float32Array, count: number, values: Float32Array, at = 0): Promise<number> {
    const steps = this.stepsAfter(count);
    if (values.length - at < steps) throw new RangeError(`${steps} values do not fit into ${values.length - at}`);
    let written = 0;
    for (let taken = 0; taken < count;) {
      const room = this.frames.length / MEL_BANDS - this.held;
      const part = Math.min(room, count - taken);
      const start = this.held * MEL_BANDS;
      const from = taken * MEL_BANDS;
      for (let i = 0; i < part * MEL_BANDS; i++) this.frames[start + i] = features[from + i] as number;
      this.held += part;
      taken += part;
      written += await this.advance(values, at + written);
    }
    return written;
  }

  /** Runs all whole steps that are held. */
  private async advance(values: Float32Array, at: number): Promise<number> {
    const { framesPerStep, name, states } = this.input;
    const steps = Math.floor(this.held / framesPerStep);
    if (steps === 0) return 0;
    const used = steps * framesPerStep;
    this.states[name] = { data: this.frames.subarray(0, used * MEL_BANDS), dims: [1, used, MEL_BANDS] };
    const outputs = await this.model.run(this.states);
    for (const { input, output } of states) this.states[input] = outputs[output] as Tensor;
    const result = floatsOf(outputs, this.output);
    for (let i = 0; i < steps; i++) values[at + i] = result[i] as number;
    this.frames.copyWithin(0, used * MEL_BANDS, this.held * MEL_BANDS);
    this.held -= used;
    return steps;
  }
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
