import type { Random } from '../../../random';
import { bandAt, bandCentre } from '../../../voice/features/mel';
import { HIGHEST_HZ, LOWEST_HZ, MEL_BANDS } from '../../../voice/features/features';

/** Vocal tracts of adults differ by a tenth about the mean, children's by more. */
const WARPS = Float64Array.from({ length: 17 }, (_, i) => 0.9 + (0.2 * i) / 16);

interface WarpTable {
  /** The lower of the two bands that a band is read from. */
  readonly from: Int32Array;
  /** The share of the upper one. */
  readonly share: Float32Array;
}

const TABLES = Array.from(WARPS, tableOf);

/**
 * A talker with a longer or shorter vocal tract (Jaitly & Hinton 2013, "Vocal tract length perturbation"): all of a clip's frequencies
 * times one factor by chance. Speed by resampling moves pitch, formants and tempo together; this moves the spectrum alone. In place, on
 * [frames, MEL_BANDS].
 */
export function warpBands(features: Float32Array, random: Random): void {
  const { from, share } = TABLES[random.below(TABLES.length)] as WarpTable;
  const frame = new Float32Array(MEL_BANDS);
  for (let at = 0; at < features.length; at += MEL_BANDS) {
    for (let band = 0; band < MEL_BANDS; band++) {
      const low = features[at + (from[band] as number)] as number;
      const high = features[at + (from[band] as number) + 1] as number;
      frame[band] = low + (share[band] as number) * (high - low);
    }
    features.set(frame, at);
  }
}

function tableOf(factor: number): WarpTable {
  const from = new Int32Array(MEL_BANDS);
  const share = new Float32Array(MEL_BANDS);
  for (let band = 0; band < MEL_BANDS; band++) {
    const hz = bandCentre(band, MEL_BANDS, LOWEST_HZ, HIGHEST_HZ) * factor;
    const place = Math.min(MEL_BANDS - 1, Math.max(0, bandAt(hz, MEL_BANDS, LOWEST_HZ, HIGHEST_HZ)));
    from[band] = Math.min(MEL_BANDS - 2, Math.floor(place));
    share[band] = place - (from[band] as number);
  }
  return { from, share };
}
