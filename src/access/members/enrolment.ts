import type { Quality, QualityRefusal } from '../../events';
import { l2Distance } from '../../store/members/vector';
import type { Gallery, Neighbour } from './gallery';
import { distanceFor, oneToMany, type ThresholdRow } from './thresholds';

export interface EnrolmentFace {
  readonly quality: Quality;
  /** The gate that this face fails, if any. */
  readonly refusal: QualityRefusal | null;
  readonly embedding: Float32Array | null;
}

/** What vision found in one picture, or why the picture cannot be read. */
export type EnrolmentPicture =
  | {
      readonly name: string;
      readonly faces: readonly EnrolmentFace[];
      /**
       * Degrees by which it was turned upright; null if it is unclear which side is up; undefined if it was not
       * checked.
       */
      readonly rotate?: number | null;
    }
  | { readonly name: string; readonly unreadable: string };

export type PictureRefusal =
  | { readonly reason: 'unreadable'; readonly detail: string }
  | { readonly reason: 'no-face' }
  | { readonly reason: 'which-way-up' }
  | { readonly reason: 'several-faces'; readonly faces: number }
  | { readonly reason: 'low-quality'; readonly gate: QualityRefusal | 'not-encoded'; readonly quality: Quality }
  /** Farther from `other` than pictures of one person are. */
  | { readonly reason: 'different-person'; readonly other: string; readonly distance: number; readonly limit: number };

export interface AcceptedPicture {
  readonly name: string;
  readonly accepted: true;
  /** Degrees by which it was turned to stand upright. */
  readonly rotate: number;
  readonly vector: Float32Array;
  readonly quality: Quality;
}
export interface RefusedPicture {
  readonly name: string;
  readonly accepted: false;
  readonly refusal: PictureRefusal;
}
export type PictureVerdict = AcceptedPicture | RefusedPicture;

/** Another member whose face could be taken for this one. */
export interface Lookalike extends Neighbour {
  readonly picture: string;
  /** So near that it is probably the same person under another id. */
  readonly duplicate: boolean;
}

export interface EnrolmentVerdict {
  /** In the order of the pictures. */
  readonly pictures: readonly PictureVerdict[];
  readonly accepted: readonly AcceptedPicture[];
  readonly lookalike: Lookalike | null;
}

export interface EnrolmentLimits {
  /** Pictures of one person may be as far apart as a comparison at this false-match rate allows. */
  readonly consistencyFmr: number;
  /** Another member who is nearer than at this false-match rate is reported. */
  readonly lookalikeFmr: number;
  /** How often the enrolment of a new person may find a "duplicate" by chance, over all its comparisons. */
  readonly duplicateRate: number;
}

/**
 * Consistency is less strict than a door: honest pictures of one person from two years must stay together. A duplicate
 * is stricter than a lookalike: among 102 people of the London set, 6 to 8 have a lookalike at 1e-4, and a question in
 * most enrolments of a large gym would not be read.
 */
export const ENROLMENT_LIMITS: EnrolmentLimits = { consistencyFmr: 1e-3, lookalikeFmr: 1e-4, duplicateRate: 1e-3 };

export interface EnrolmentRequest {
  /** The person to enrol; this member's present templates are not lookalikes. */
  readonly member: string;
  readonly pictures: readonly EnrolmentPicture[];
  readonly gallery: Gallery;
  readonly table: readonly ThresholdRow[];
  readonly limits?: EnrolmentLimits;
}

/**
 * Judges pictures for enrolment: one good face each, all of one person, who is not yet enrolled under another id. A
 * blurred or foreign template is worse than none: strangers match it as long as the member stays.
 * @throws UsherError `data-invalid` for vectors of another space or with impossible values
 */
export function judgeEnrolment(request: EnrolmentRequest): EnrolmentVerdict {
  const { limits = ENROLMENT_LIMITS, table } = request;
  const single = request.pictures.map(judgePicture);
  const pictures = refuseDifferentPeople(single, distanceFor(table, limits.consistencyFmr));
  const accepted = pictures.filter((picture) => picture.accepted);
  return { pictures, accepted, lookalike: nearestOther(request, accepted, limits) };
}

/** Judges one picture by itself. */
export function judgePicture(picture: EnrolmentPicture): PictureVerdict {
  const { name } = picture;
  const refuse = (refusal: PictureRefusal): RefusedPicture => ({ name, accepted: false, refusal });
  if ('unreadable' in picture) return refuse({ reason: 'unreadable', detail: picture.unreadable });
  const [face] = picture.faces;
  if (face === undefined) return refuse({ reason: 'no-face' });
  if (picture.faces.length > 1) return refuse({ reason: 'several-faces', faces: picture.faces.length });
  if (picture.rotate === null) return refuse({ reason: 'which-way-up' });
  const { quality, refusal, embedding } = face;
  if (refusal !== null) return refuse({ reason: 'low-quality', gate: refusal, quality });
  if (embedding === null) return refuse({ reason: 'low-quality', gate: 'not-encoded', quality });
  return { name, accepted: true, rotate: picture.rotate ?? 0, vector: embedding, quality };
}

/**
 * Keeps the pictures that agree with the one that most pictures agree with, if they are more than half. Otherwise it is
 * unclear which person is meant, and all are refused.
 */
function refuseDifferentPeople(pictures: readonly PictureVerdict[], limit: number): PictureVerdict[] {
  const good = pictures.filter((picture) => picture.accepted);
  const centre = mostAgreedWith(good, limit);
  if (centre === null) return [...pictures];
  const majority = agreements(centre, good, limit) * 2 > good.length;
  return pictures.map((picture) => {
    if (!picture.accepted) return picture;
    const other = majority ? centre : farthestFrom(picture, good);
    const distance = l2Distance(picture.vector, other.vector);
    if (majority && distance <= limit) return picture;
    const refusal = { reason: 'different-person', other: other.name, distance, limit } as const;
    return { name: picture.name, accepted: false, refusal };
  });
}

/**
 * Those that agree with the one that most agree with. Empty unless they are more than half: otherwise it is unclear
 * which person is meant.
 */
export function ofOnePerson<T extends Vectored>(all: readonly T[], limit: number): readonly T[] {
  const centre = mostAgreedWith(all, limit);
  if (centre === null || agreements(centre, all, limit) * 2 <= all.length) return [];
  return all.filter(({ vector }) => l2Distance(vector, centre.vector) <= limit);
}

interface Vectored {
  readonly vector: Float32Array;
}

function agreements(one: Vectored, all: readonly Vectored[], limit: number): number {
  return all.filter((other) => l2Distance(one.vector, other.vector) <= limit).length;
}

function mostAgreedWith<T extends Vectored>(all: readonly T[], limit: number): T | null {
  const score = (one: T): number =>
    agreements(one, all, limit) - spread(one, all) / (1 + all.reduce((sum, other) => sum + spread(other, all), 0));
  return all.reduce<T | null>((best, one) => (best === null || score(one) > score(best) ? one : best), null);
}

/** Sum of distances, to choose between pictures with which equally many agree. */
function spread(one: Vectored, all: readonly Vectored[]): number {
  return all.reduce((sum, other) => sum + l2Distance(one.vector, other.vector), 0);
}

function farthestFrom(one: AcceptedPicture, all: readonly AcceptedPicture[]): AcceptedPicture {
  return all.reduce((far, other) =>
    l2Distance(one.vector, other.vector) > l2Distance(one.vector, far.vector) ? other : far,
  );
}

function nearestOther(
  { member, gallery, table }: EnrolmentRequest,
  accepted: readonly AcceptedPicture[],
  { lookalikeFmr, duplicateRate }: EnrolmentLimits,
): Lookalike | null {
  const limit = distanceFor(table, lookalikeFmr);
  const duplicateLimit = Math.min(limit, oneToMany(table, duplicateRate, gallery.size * accepted.length));
  let nearest: Lookalike | null = null;
  for (const { name, vector } of accepted) {
    const other = gallery.search({ space: gallery.space, vector }, 2).find((neighbour) => neighbour.member !== member);
    if (other === undefined || other.distance > limit || other.distance >= (nearest?.distance ?? Infinity)) continue;
    nearest = { ...other, picture: name, duplicate: other.distance <= duplicateLimit };
  }
  return nearest;
}
