import type { Observation, Subject } from '../../events';
import type { Decision, DoorLiveness } from '../door-types';
import { distanceFor, type ThresholdRow } from './thresholds';

/**
 * Decides whether the face of a grant may become another template of the member. A template is a key to the door, so this
 * is stricter than the grant itself:
 *
 * - the grant is by face, and the face is of the very frame that decided it, not of the person seen last;
 * - both the frame's own vector and the fused one are within the strict threshold of a picture that the member was
 *   *enrolled* with. Adapted templates do not count here, since they could drift away from the person step by step;
 * - every other member, suspended ones included, is farther away than that threshold, by a margin;
 * - where liveness is judged, the face is judged live;
 * - few are taken a day, so that one bad evening does not replace them all.
 */
export interface AdaptionLimits {
  /** Minimum quality score of the frame, 0..1. */
  readonly quality: number;
  /** The false-match rate of the strict threshold; a stricter door uses its own. */
  readonly fmr: number;
  /** How many are taken of a member within 24 hours, and how many a member has at most. */
  readonly perDay: number;
  readonly kept: number;
}

export const ADAPTION_LIMITS: AdaptionLimits = { quality: 0.8, fmr: 1e-4, perDay: 1, kept: 3 };

/** Distance of one face to the member's enrolled pictures, and to the nearest other member. */
export interface AdaptionDistances {
  readonly enrolled: number;
  readonly others: number;
}

export interface AdaptionFacts {
  readonly frame: AdaptionDistances;
  readonly fused: AdaptionDistances;
  /** The member's adapted templates that are younger than a day. */
  readonly today: number;
}

export interface AdaptionCase {
  readonly decision: Decision;
  /** The frame that was being judged at the decision; null if there was none. */
  readonly observation: Observation | null;
  readonly liveness: DoorLiveness['mode'];
  /** L2 distance up to which a face counts as the member's. */
  readonly strict: number;
  readonly margin: number;
  /** Called only if everything else allows it, since it searches the members. */
  readonly facts: (member: string, face: EncodedFace) => AdaptionFacts;
}

export type EncodedFace = Subject & { readonly embedding: Float32Array; readonly fused: Float32Array };

export type AdaptionRefusal =
  | 'no-match'
  | 'no-frame'
  | 'other-frame'
  | 'not-encoded'
  | 'quality'
  | 'liveness'
  | 'far-from-enrolled'
  | 'near-another'
  | 'enough-today';

export type AdaptionVerdict =
  | { readonly keep: false; readonly why: AdaptionRefusal }
  | {
      readonly keep: true;
      readonly member: string;
      readonly face: EncodedFace;
      /** The larger distance of frame and fused vector. */
      readonly distance: number;
    };

/** The strict threshold of a door: its own target in its strictest scene, and never looser than the limit. */
export function strictDistance(
  table: readonly ThresholdRow[],
  targets: readonly number[],
  limits: AdaptionLimits = ADAPTION_LIMITS,
): number {
  return distanceFor(table, Math.min(limits.fmr, ...targets));
}

/** Whether the face of a grant may become a template of the member, and why not. */
export function judgeAdaption(
  { decision, observation, liveness, strict, margin, facts }: AdaptionCase,
  limits: AdaptionLimits = ADAPTION_LIMITS,
): AdaptionVerdict {
  const refuse = (why: AdaptionRefusal): AdaptionVerdict => ({ keep: false, why });
  if (decision.outcome !== 'granted' || decision.reason !== 'match') return refuse('no-match');
  const subject = observation?.subject ?? null;
  if (observation === null || subject === null) return refuse('no-frame');
  if (observation.mono !== decision.at) return refuse('other-frame');
  if (!isEncoded(subject)) return refuse('not-encoded');
  // Written so that a score of NaN refuses; the same below for distances.
  if (!(subject.quality.score >= limits.quality)) return refuse('quality');
  if (!isLiveEnough(subject, liveness)) return refuse('liveness');
  const { member } = decision;
  const { frame, fused, today } = facts(member, subject);
  if (!(frame.enrolled <= strict && fused.enrolled <= strict)) return refuse('far-from-enrolled');
  if (!(frame.others > strict + margin && fused.others > strict + margin)) return refuse('near-another');
  if (today >= limits.perDay) return refuse('enough-today');
  return { keep: true, member, face: subject, distance: Math.max(frame.enrolled, fused.enrolled) };
}

function isEncoded(subject: Subject): subject is EncodedFace {
  return subject.embedding !== null && subject.fused !== null;
}

/** `absent` if nothing judges liveness: then only a door that does not require it may continue. */
function isLiveEnough({ liveness: { state } }: Subject, mode: DoorLiveness['mode']): boolean {
  return state === 'live' || (state === 'absent' && mode !== 'require');
}
