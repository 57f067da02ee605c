/** An axis: from a value to a share 0..1 of its length, with the ticks to draw. */
export interface Axis {
  readonly label: string;
  readonly ticks: readonly { readonly value: number; readonly text: string }[];
  /** Values outside the axis lie on its ends. */
  place(value: number): number;
}

const clamp = (share: number): number => Math.min(1, Math.max(0, share));

export function linearAxis(label: string, low: number, high: number, step: number): Axis {
  const count = Math.floor((high - low) / step + 1e-9);
  return {
    label,
    ticks: Array.from({ length: count + 1 }, (_, i) => {
      const value = low + i * step;
      return { value, text: String(Number(value.toPrecision(6))) };
    }),
    place: (value) => clamp((value - low) / (high - low)),
  };
}

/** From 10^lowExponent to 10^highExponent, a tick a decade. Zero lies at the lower end. */
export function logAxis(label: string, lowExponent: number, highExponent: number): Axis {
  return {
    label,
    ticks: Array.from({ length: highExponent - lowExponent + 1 }, (_, i) => {
      const exponent = lowExponent + i;
      return { value: 10 ** exponent, text: decadeText(exponent) };
    }),
    place: (value) => (value <= 0 ? 0 : clamp((Math.log10(value) - lowExponent) / (highExponent - lowExponent))),
  };
}

const decadeText = (exponent: number): string =>
  exponent === 0 ? '1' : exponent >= -3 ? String(Number((10 ** exponent).toPrecision(1))) : `1e${exponent}`;

/** The decade at or below `value`. */
export function decadeBelow(value: number): number {
  return Math.floor(Math.log10(value) + 1e-9);
}
