import { type Decision, type DoorSettings, type DoorState, type Seen, type Step, NOTHING_SEEN } from '../door-types';
import type { DenialReason } from '../reasons';

/** No decision. */
export function quiet(state: DoorState): Step {
  return { state, decisions: [] };
}

/** The state after a grant: settled, and closed to a second grant until the cooldown ends. */
export function granted(state: DoorState, member: string, at: number, settings: DoorSettings): DoorState {
  return { ...settled(state), cooldownUntil: at + settings.cooldownMs, passing: member };
}

/** A decision was taken: the claim is closed, and the person is not judged again before leaving. */
export function settled(state: DoorState): DoorState {
  return {
    ...state,
    claim: null,
    claimSeen: NOTHING_SEEN,
    ballot: null,
    approach: state.approach === null ? null : { ...state.approach, settled: true },
  };
}

/** The door stayed shut, so there is no cooldown and no track is settled: the person may try again at once. */
export function withheld(state: DoorState, at: number): DoorState {
  const { approach } = state;
  return {
    ...state,
    cooldownUntil: at,
    ballot: null,
    approach: approach === null ? null : { ...approach, since: at, seen: NOTHING_SEEN, settled: false },
  };
}

/** Ends an open claim with a denial for this reason. Without a claim, nothing happens. */
export function closeClaim(state: DoorState, at: number, reason: DenialReason, settings: DoorSettings): Step {
  const { claim, claimSeen } = state;
  if (claim === null) return quiet(state);
  const { member, reader, since } = claim;
  const about = { at, reason, trigger: 'swipe' as const, reader, since, member, mode: settings.mode };
  // The person was judged for this swipe. Identifying the same face afterwards would judge twice.
  return {
    state: settled(state),
    decisions: [denial(about, claimSeen, settings.verifyDistance, settings)],
  };
}

/** @param threshold the required distance; null if no face was needed */
export function denial(
  about: Pick<Decision, 'at' | 'trigger' | 'reader' | 'since' | 'member' | 'mode'> & { readonly reason: DenialReason },
  seen: Seen,
  threshold: number | null,
  settings: DoorSettings,
): Decision {
  return {
    ...about,
    outcome: 'denied',
    distance: seen.nearest,
    threshold,
    votes: seen.agreeing,
    ...livenessReported(seen, settings),
  };
}

/** The liveness verdict as decisions report it: undefined if liveness is off or no face was seen. */
export function livenessReported({ liveness }: Seen, settings: DoorSettings): Pick<Decision, 'liveness'> {
  return liveness === null || settings.liveness.mode === 'off' ? {} : { liveness };
}
