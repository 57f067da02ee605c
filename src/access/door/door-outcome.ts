import { type Decision, type DoorSettings, type DoorState, type Seen, type Step, NOTHING_SEEN } from '../door-types';
import type { DenialReason } from '../reasons';

/** Nothing is decided. */
export function quiet(state: DoorState): Step {
  return { state, decisions: [] };
}

/** The state after a grant: settled, and closed to a second one until the cooldown ends. */
export function granted(state: DoorState, member: string, at: number, settings: DoorSettings): DoorState {
  return { ...settled(state), cooldownUntil: at + settings.cooldownMs, passing: member };
}

/** A decision was taken: the claim is closed, and who stands there is not judged again before leaving. */
export function settled(state: DoorState): DoorState {
  return {
    ...state,
    claim: null,
    claimSeen: NOTHING_SEEN,
    ballot: null,
    approach: state.approach === null ? null : { ...state.approach, settled: true },
  };
}

/** The door stayed shut, so nothing has to cool down and nobody is settled: the person may try again at once. */
export function withheld(state: DoorState, at: number): DoorState {
  const { approach } = state;
  return {
    ...state,
    cooldownUntil: at,
    ballot: null,
    approach: approach === null ? null : { ...approach, since: at, seen: NOTHING_SEEN, settled: false },
  };
}

/** Ends an open claim with a denial for this reason; where there is no claim, nothing happens. */
export function closeClaim(state: DoorState, at: number, reason: DenialReason, settings: DoorSettings): Step {
  const { claim, claimSeen } = state;
  if (claim === null) return quiet(state);
  const { member, reader, since } = claim;
  const about = { at, reason, trigger: 'swipe' as const, reader, since, member, mode: settings.mode };
  // The person at the door was judged for this swipe; identifying the same face afterwards would judge twice.
  return {
    state: settled(state),
    decisions: [denial(about, claimSeen, settings.verifyDistance, settings)],
  };
}

/** @param threshold the distance that was asked for; null where no face was */
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

/** The verdict on liveness as decisions report it: left out where liveness is off or no face was seen. */
export function livenessReported({ liveness }: Seen, settings: DoorSettings): Pick<Decision, 'liveness'> {
  return liveness === null || settings.liveness.mode === 'off' ? {} : { liveness };
}
