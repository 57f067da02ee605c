/** Standard normal (Box–Muller). */
export function gaussian(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** A smooth random motion around 0, within ±1: three sines of seeded phase; frequencies in Hz around `hz`. */
export function drift(random: () => number, hz: number): (seconds: number) => number {
  const waves = [1, 1.73, 2.41].map((factor) => ({
    rate: 2 * Math.PI * hz * factor,
    phase: 2 * Math.PI * random(),
    share: 0.6 / factor,
  }));
  const total = waves.reduce((sum, wave) => sum + wave.share, 0);
  return (seconds) =>
    waves.reduce((sum, { rate, phase, share }) => sum + share * Math.sin(rate * seconds + phase), 0) / total;
}
