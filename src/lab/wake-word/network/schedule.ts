/** One round of training; every round but a new network's first begins with mining. */
export interface Round {
  readonly firstStep: number;
  readonly steps: number;
  /** The learning rate falls from here by a cosine to `LAST_SHARE` of it, and rises again with the next round. */
  readonly learningRate: number;
}

const FIRST_RATE = 2e-3;
const LATER_RATE = 1.2e-3;
const LAST_SHARE = 0.02;
/** Of all steps, that the first round has. */
const FIRST_STEPS = 0.32;
/** A network that has learnt already is only led on. */
const TUNING_RATE = 1e-3;

/**
 * @param mined how many rounds follow the first
 * @param tuning of a network that has learnt already: rounds of equal length
 */
export function planRounds(steps: number, mined: number, tuning: boolean): Round[] {
  const first = mined === 0 ? steps : Math.round(steps * (tuning ? 1 / (mined + 1) : FIRST_STEPS));
  const rounds = [{ firstStep: 0, steps: first, learningRate: tuning ? TUNING_RATE : FIRST_RATE }];
  for (let i = 0; i < mined; i++) {
    const firstStep = first + Math.round(((steps - first) * i) / mined);
    const end = first + Math.round(((steps - first) * (i + 1)) / mined);
    rounds.push({ firstStep, steps: end - firstStep, learningRate: tuning ? TUNING_RATE : LATER_RATE });
  }
  return rounds;
}

export function learningRateAt({ firstStep, steps, learningRate }: Round, step: number): number {
  const share = (step - firstStep) / steps;
  return learningRate * (LAST_SHARE + (1 - LAST_SHARE) * 0.5 * (1 + Math.cos(Math.PI * share)));
}
