import { longestIntervalMs } from '../../config/references/camera-rate';
import type { Liveness } from '../../events';
import type { DoorSettings, DoorState, FaceEvidence, Seen } from '../door-types';
import type { Candidate, Proof } from './door-evidence';

/** Counts one more face and its result. */
export function counted(
  before: Seen,
  evidence: FaceEvidence,
  candidate: Candidate,
  liveness: Liveness,
  proof: Proof,
): Seen {
  const seen: Seen = { ...before, liveness: liveness.state, fake: before.fake + (proof === 'fake' ? 1 : 0) };
  if (evidence.kind === 'refused') return { ...seen, refused: seen.refused + 1 };
  const { distance } = candidate;
  return {
    ...seen,
    encoded: seen.encoded + 1,
    ambiguous: seen.ambiguous + (candidate.kind === 'ambiguous' ? 1 : 0),
    agreeing: seen.agreeing + (candidate.kind === 'agrees' ? 1 : 0),
    nearest: distance === null ? seen.nearest : Math.min(distance, seen.nearest ?? Infinity),
  };
}

/** Counts the faces that came too late after the one before for both to vote. */
export function spaced(seen: Seen, at: number, { votes, voteWindowMs, absentMs }: DoorSettings): Seen {
  const longest = longestIntervalMs({ votes, voteWindowMs, absentMs });
  const far = seen.lastAt !== null && at - seen.lastAt > longest ? seen.far + 1 : seen.far;
  return { ...seen, faces: seen.faces + 1, far, lastAt: at };
}

/** Most frames were too far apart: the cause is the camera, not the person. */
export function tooFarApart({ faces, far }: Seen): boolean {
  return far > 0 && far * 2 > faces - 1;
}

/** The votes are complete; the verdict may still come. */
export function unproven(state: DoorState): DoorState {
  const { approach, claim, claimSeen } = state;
  const note = (seen: Seen): Seen => ({ ...seen, unproven: seen.unproven + 1 });
  if (claim !== null) return { ...state, claimSeen: note(claimSeen) };
  return approach === null ? state : { ...state, approach: { ...approach, seen: note(approach.seen) } };
}
