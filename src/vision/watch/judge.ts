import type { PictureFault, PictureTrouble } from '../../events';
import { PICTURE_LIMITS } from './limits';
import type { PictureMeasure } from './measure';
import type { PictureReference } from './reference';

/** Faults that one picture alone can show. A still picture takes several. */
export type MeasuredFault = Exclude<PictureFault, 'frozen' | 'turned'>;
export interface Suspicion {
  readonly kind: MeasuredFault;
  readonly measure: number;
  readonly limit: number;
}

/** The worst that is wrong with a picture, by itself and against the reference that was taken when all was well. */
export function suspect(measure: PictureMeasure, reference: PictureReference | null): Suspicion | null {
  const { blackBelow, minDetail, minFocusShare, minLikeness } = PICTURE_LIMITS;
  if (measure.detail < minDetail)
    return measure.brightness < blackBelow
      ? { kind: 'black', measure: measure.brightness, limit: blackBelow }
      : { kind: 'covered', measure: measure.detail, limit: minDetail };
  if (reference === null) return null;
  const like = likeness(measure.edges, reference.edges);
  if (like < minLikeness) return { kind: 'moved', measure: like, limit: minLikeness };
  const share = measure.focus / reference.focus;
  return share < minFocusShare ? { kind: 'blurred', measure: share, limit: minFocusShare } : null;
}

export interface FaultState {
  /** What the last pictures show, and since when (monotonic ms). */
  readonly suspected: { readonly kind: MeasuredFault; readonly since: number } | null;
  /** What is reported of the camera; `since` is epoch ms. */
  readonly trouble: PictureTrouble | null;
}

export const NO_FAULT: FaultState = { suspected: null, trouble: null };

/** One more measured picture. A fault is reported once it has lasted, and ends with the first picture without it. */
export function stepFault(before: FaultState, found: Suspicion | null, mono: number, at: number): FaultState {
  if (found === null) return before.suspected === null && before.trouble === null ? before : NO_FAULT;
  const { kind, measure, limit } = found;
  const suspected = before.suspected?.kind === kind ? before.suspected : { kind, since: mono };
  const lastedMs = mono - suspected.since;
  if (lastedMs < PICTURE_LIMITS.settleMs[kind]) {
    // A change from one fault of the picture to another is not a recovery.
    const still = before.trouble !== null && isBlind(before.trouble) && isBlind(found);
    return { suspected, trouble: still ? before.trouble : null };
  }
  // The measure at the time of the report: health must not change with every picture.
  if (before.trouble?.kind === kind) return { suspected, trouble: before.trouble };
  return { suspected, trouble: { kind, since: Math.round(at - lastedMs), measure, limit } };
}

/** Nobody can be seen: the door must not wait for a face. */
export function isBlind({ kind }: { readonly kind: PictureFault }): boolean {
  return kind === 'frozen' || kind === 'black' || kind === 'covered';
}

/** Pearson's correlation of two lists of edges, 1 alike, 0 unrelated; 0 where one of them has no structure. */
function likeness(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const n = Math.min(a.length, b.length);
  let sumA = 0;
  let sumB = 0;
  for (let i = 0; i < n; i++) {
    sumA += a[i] as number;
    sumB += b[i] as number;
  }
  const meanA = sumA / n;
  const meanB = sumB / n;
  let aa = 0;
  let bb = 0;
  let ab = 0;
  for (let i = 0; i < n; i++) {
    const da = (a[i] as number) - meanA;
    const db = (b[i] as number) - meanB;
    aa += da * da;
    bb += db * db;
    ab += da * db;
  }
  return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : 0;
}
