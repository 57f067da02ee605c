/** One triangular filter: weights of consecutive bins of the spectrum. */
export interface MelFilter {
  readonly first: number;
  readonly weights: Float64Array;
}

/** O'Shaughnessy's formula, as HTK and most toolkits have it. */
const melOf = (hz: number): number => 1127 * Math.log1p(hz / 700);
const hzOf = (mel: number): number => 700 * Math.expm1(mel / 1127);

/** The centre of a band, in hertz, of a filter bank of so many from `lowestHz` to `highestHz`; those of −1 and `bands` are its ends. */
export function bandCentre(band: number, bands: number, lowestHz: number, highestHz: number): number {
  const lowest = melOf(lowestHz);
  const step = (melOf(highestHz) - lowest) / (bands + 1);
  return hzOf(lowest + (band + 1) * step);
}

/** The place of a frequency among the bands: whole where it is a centre. Inverse of `bandCentre`. */
export function bandAt(hz: number, bands: number, lowestHz: number, highestHz: number): number {
  const lowest = melOf(lowestHz);
  return ((melOf(hz) - lowest) * (bands + 1)) / (melOf(highestHz) - lowest) - 1;
}

/** Triangles of height 1, evenly spaced on the mel scale, each reaching to its neighbours' centres. */
export function melFilters(
  bands: number,
  lowestHz: number,
  highestHz: number,
  fftSize: number,
  rateHz: number,
): MelFilter[] {
  const centreOf = (band: number): number => bandCentre(band, bands, lowestHz, highestHz);
  const binHz = rateHz / fftSize;
  return Array.from({ length: bands }, (_, band) => {
    const [left, centre, right] = [centreOf(band - 1), centreOf(band), centreOf(band + 1)];
    const first = Math.floor(left / binHz) + 1;
    const last = Math.ceil(right / binHz) - 1;
    const weights = Float64Array.from({ length: last - first + 1 }, (_unused, i) => {
      const hz = (first + i) * binHz;
      return hz <= centre ? (hz - left) / (centre - left) : (right - hz) / (right - centre);
    });
    return { first, weights };
  });
}
