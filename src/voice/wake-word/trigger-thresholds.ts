/**
 * The thresholds at which a trigger is measured, from loose to strict: as fine as their consequences. A network that is sure of most
 * words, and of a few others, decides between 0.9 and 1, several networks together between 0.75 and 0.98.
 */
export const TRIGGER_THRESHOLDS: readonly number[] = [
  ...steps(0.02, 0.01, 68),
  ...steps(0.7, 0.0025, 116),
  ...steps(0.99, 0.0005, 19),
];

function steps(first: number, step: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => Number((first + i * step).toFixed(4)));
}
