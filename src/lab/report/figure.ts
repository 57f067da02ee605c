/** One measured figure, as `bench` and `eval` print it with `--json`. */
export interface Figure {
  readonly name: string;
  /** null: not measurable with this data; `note` says why. */
  readonly value: number | null;
  /** `ratio` is a share, 0..1; `x` is how many times larger one is than the other. */
  readonly unit: string;
  /** The value to reach, and the side of it on which the value must lie. */
  readonly reach?: number;
  readonly bound?: 'at-least' | 'at-most';
  readonly meets?: boolean;
  /** 95 % confidence interval. */
  readonly low?: number;
  readonly high?: number;
  readonly note?: string;
}

export interface Goal {
  readonly reach: number;
  readonly bound: 'at-least' | 'at-most';
}

export const atLeast = (reach: number): Goal => ({ reach, bound: 'at-least' });
export const atMost = (reach: number): Goal => ({ reach, bound: 'at-most' });

/** Adds a goal to a figure. A figure that could not be measured does not meet its goal. */
export function withGoal(figure: Figure, goal: Goal | undefined): Figure {
  if (goal === undefined) return figure;
  const { value } = figure;
  const meets = value !== null && (goal.bound === 'at-least' ? value >= goal.reach : value <= goal.reach);
  return { ...figure, ...goal, meets };
}

/** How a false-match rate is written inside a figure's name: 1e-4 for 0.0001. */
export function fmrTag(fmr: number): string {
  return fmr.toExponential().replace('e+0', 'e0');
}
