import { type Network, PARAMETER_NAMES } from './parameters';

const FIRST_DECAY = 0.9;
const SECOND_DECAY = 0.999;
const EPSILON = 1e-7;
/** Longest gradient that is believed: a single odd batch must not undo an hour. */
const LONGEST = 1;

/** First and second moments of every parameter, in the order of `PARAMETER_NAMES` (Kingma & Ba 2014). */
export interface AdamState {
  steps: number;
  readonly first: readonly Float32Array[];
  readonly second: readonly Float32Array[];
}

export function createAdam({ parameters }: Network): AdamState {
  const zeros = (): Float32Array[] => PARAMETER_NAMES.map((name) => new Float32Array(parameters[name].data.length));
  return { steps: 0, first: zeros(), second: zeros() };
}

/** Moves the network's parameters one step, in place. */
export function adamStep(
  network: Network,
  state: AdamState,
  gradients: readonly Float32Array[],
  learningRate: number,
): void {
  state.steps += 1;
  const rate = (learningRate * Math.sqrt(1 - SECOND_DECAY ** state.steps)) / (1 - FIRST_DECAY ** state.steps);
  const shrink = Math.min(1, LONGEST / lengthOf(gradients));
  PARAMETER_NAMES.forEach((name, index) => {
    const values = network.parameters[name].data;
    const gradient = gradients[index] as Float32Array;
    const first = state.first[index] as Float32Array;
    const second = state.second[index] as Float32Array;
    for (let i = 0; i < values.length; i++) {
      const g = shrink * (gradient[i] as number);
      const m = FIRST_DECAY * (first[i] as number) + (1 - FIRST_DECAY) * g;
      const v = SECOND_DECAY * (second[i] as number) + (1 - SECOND_DECAY) * g * g;
      first[i] = m;
      second[i] = v;
      values[i] = (values[i] as number) - (rate * m) / (Math.sqrt(v) + EPSILON);
    }
  });
}

function lengthOf(gradients: readonly Float32Array[]): number {
  let sum = 0;
  for (const gradient of gradients) for (const value of gradient) sum += value * value;
  return Math.sqrt(sum);
}
