import type { ThresholdRow } from '../../inference/card';

const LONDON =
  'Face Research Lab London Set, 20,604 impostor and 102 genuine pairs, with tiny-yolo-face and landmarks-68';
const CAUTION =
  'frontal and evenly lit, so expect more misses at a door: on LFW the encoder misses 11 % at 1e-3, 38 % at 1e-4';

/**
 * L2 distances of face-api-resnet by false-match rate. Where the London pairs reach (1e-2, 1e-3), the distance at which the
 * upper 95 % confidence bound of the false-match rate (Poisson) still meets the row, rounded down. Beyond, the lower tail of the
 * impostor distances is taken for a normal distribution through those two rows, rounded down again; the observed distances
 * fall less steeply. The default of the library and of dlib, 0.6, lets about one in a hundred pairs pass here and answers none of these rows.
 */
export const FALLBACK_THRESHOLDS: ThresholdRow[] = [
  { fmr: 1e-2, distance: 0.59, fnmr: 0, measuredOn: `${LONDON}; ${CAUTION}` },
  { fmr: 1e-3, distance: 0.48, fnmr: 0, measuredOn: `${LONDON}; ${CAUTION}` },
  {
    fmr: 1e-4,
    distance: 0.39,
    fnmr: 0.0098,
    measuredOn: `EXTRAPOLATED, 2 pairs are no measurement: ${LONDON}; ${CAUTION}`,
  },
  { fmr: 1e-5, distance: 0.3, fnmr: 0.1176, measuredOn: `EXTRAPOLATED: ${LONDON}; ${CAUTION}` },
];
