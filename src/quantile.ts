/** Middle value; the mean of the middle two of an even number. NaN of nothing. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Linear interpolation between order statistics (type 7 of Hyndman & Fan 1996). NaN of nothing. */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) return NaN;
  const sorted = Float64Array.from(values).sort();
  const position = share * (sorted.length - 1);
  const index = Math.floor(position);
  const left = sorted[index] as number;
  return left + ((sorted[Math.min(index + 1, sorted.length - 1)] as number) - left) * (position - index);
}
