import type { ThresholdRow } from '../../inference/card';

export const FALLBACK_THRESHOLDS: ThresholdRow[] = [
  { fmr: 1e-2, distance: 0.5, fnmr: null, measuredOn: 'to be measured' },
];
