import type { DoorState, Seen } from '../door-types';
import type { DenialReason } from '../reasons';
import { tooFarApart } from './door-seen';

/** Why a swipe was not answered in time. */
export function reasonOfSilence(state: DoorState): DenialReason {
  const seen = state.claimSeen;
  const known = commonReason(state, seen);
  if (known !== null) return known;
  if (seen.encoded > 0) return 'mismatch';
  if (seen.refused > 0) return 'low-quality';
  return state.cameraLive && !seen.cameraLost ? 'no-face' : 'camera-unavailable';
}

/** Why a person without a card was not admitted. */
export function reasonOfApproach(state: DoorState, seen: Seen): DenialReason {
  const known = commonReason(state, seen);
  if (known !== null) return known;
  if (seen.ambiguous > 0) return 'ambiguous';
  return seen.encoded > 0 ? 'unknown-face' : 'low-quality';
}

/** Reasons that do not depend on a card. */
function commonReason({ storeAvailable }: DoorState, seen: Seen): DenialReason | null {
  if (!storeAvailable) return 'store-unavailable';
  if (seen.fake > 0) return 'fake-face';
  if (seen.unproven > 0) return 'liveness-unknown';
  if (seen.agreeing > 0) return tooFarApart(seen) ? 'frames-too-far-apart' : 'deadline';
  return null;
}
