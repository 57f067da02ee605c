import { distanceFor, type ThresholdRow } from '../../access/members/thresholds';
import type { Roster } from '../../access/members/roster';
import type { Observation } from '../../events';

/** Looser than any door: what both models see is compared, not how strict a door is. */
const FMR = 1e-4;

/**
 * What a door would make of one frame: no face, a refused face, an unknown person, or a member. For comparing two
 * models on one frame, without rules, votes or cards.
 */
export function faceOutcome(
  observation: Observation,
  roster: Pick<Roster, 'galleryOf'>,
  table: readonly ThresholdRow[],
): string {
  const { subject, space } = observation;
  if (subject === null) return 'nobody';
  if (subject.embedding === null || subject.fused === null) return 'refused';
  const gallery = roster.galleryOf(space);
  const nearest = gallery?.search({ space, vector: subject.fused }, 1)[0];
  return nearest !== undefined && nearest.distance <= distanceFor(table, FMR) ? `member ${nearest.member}` : 'unknown';
}
