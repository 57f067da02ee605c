import type { Liveness } from '../../events';
import type { DoorSettings, DoorState, FaceEvidence, Nearness } from '../door-types';

/** The member that a face belongs to, under this door's thresholds. */
export type Candidate =
  | { readonly kind: 'none'; readonly distance: number | null }
  | { readonly kind: 'ambiguous'; readonly distance: number }
  | { readonly kind: 'agrees'; readonly member: string; readonly distance: number };

/** How this door judges a liveness verdict. */
export type Proof = 'good' | 'fake' | 'unknown';

/** Whether this door identifies faces without a card. */
export function identifies({ mode }: DoorSettings): boolean {
  return mode === 'identify' || mode === 'either';
}

/** With an open claim the face is compared only with the claimed member, else with the nearest. */
export function candidateOf(state: DoorState, evidence: FaceEvidence, settings: DoorSettings): Candidate {
  if (evidence.kind === 'refused') return { kind: 'none', distance: null };
  if (state.claim !== null) {
    const { claimed } = evidence;
    if (claimed?.member !== state.claim.member) return { kind: 'none', distance: null };
    return under(claimed, settings.verifyDistance, settings)
      ? { kind: 'agrees', member: claimed.member, distance: claimed.distance }
      : { kind: 'none', distance: claimed.distance };
  }
  const [best, second] = evidence.nearest;
  if (!identifies(settings) || best === undefined) return { kind: 'none', distance: null };
  if (!under(best, settings.identifyDistance, settings)) return { kind: 'none', distance: best.distance };
  if (second !== undefined && !(second.distance - best.distance >= settings.margin))
    return { kind: 'ambiguous', distance: best.distance };
  return { kind: 'agrees', member: best.member, distance: best.distance };
}

function under(nearness: Nearness, distance: number, settings: DoorSettings): boolean {
  return nearness.distance <= distance && nearness.frameDistance <= settings.frameDistance;
}

/** If liveness is not required, every verdict is good. */
export function proofOf({ state, frames, motion }: Liveness, { liveness }: DoorSettings): Proof {
  if (liveness.mode !== 'require') return 'good';
  if (state === 'fake') return 'fake';
  const turned = liveness.motion === 'watch' || motion === 'depth';
  return state === 'live' && frames >= liveness.frames && turned ? 'good' : 'unknown';
}
