import {
  type Decision,
  type DoorEvent,
  type DoorSettings,
  type DoorState,
  type Gate,
  type Step,
  OPEN_GATE,
} from '../door-types';
import { identifies } from './door-evidence';
import { onFace } from './door-face';
import { closeClaim, denial, quiet, withheld } from './door-outcome';
import { reasonOfApproach, reasonOfSilence } from './door-reason';
import { onSwipe } from './door-swipe';

/**
 * The door automaton: a pure step function over explicit state and time. Nothing here reads a clock, a store or a camera;
 * `at` is the machine's monotonic time in ms throughout.
 *
 * A swipe opens a claim or is refused (`door-swipe`). A face is compared (`door-evidence`), counted (`door-seen`) and may complete
 * the votes (`door-face`). A decision ends the claim (`door-outcome`). A timeout is a denial, and what was seen gives its reason
 * (`door-reason`).
 *
 * Invariants (held by property tests over random event sequences):
 * - A grant needs at least `votes` frames of one track that agree on the member. They were taken at least `voteSpacingMs` apart, none
 *   is older than `voteWindowMs` and, with a card, none is older than the swipe.
 * - A frame agrees only if both the track's fused embedding and the frame's own are under their thresholds.
 * - If liveness is required, a grant by face needs a frame whose track is judged live on enough frames.
 * - Every swipe that is answered gets exactly one decision.
 * - Nothing is granted while the store is unavailable, within the cooldown, or twice to one track without a swipe.
 * - Nothing is granted that the gate (rights, hours, orders: the policy) refuses; in mode `card` the gate and the store's
 *   word are all there is.
 */

/** One event. Deadlines before it are settled first, so that a late frame cannot confirm an expired claim. */
export function step(before: DoorState, event: DoorEvent, settings: DoorSettings, gate: Gate = OPEN_GATE): Step {
  const expired = expire(before, event, settings);
  const { state } = expired;
  const asked: Gate = {
    atSwipe: (passing, earlier) => gate.atSwipe(passing, [...expired.decisions, ...earlier]),
    atGrant: (passing, earlier) => gate.atGrant(passing, [...expired.decisions, ...earlier]),
  };
  const then = apply(state, event, settings, asked);
  return { state: then.state, decisions: [...expired.decisions, ...then.decisions] };
}

function apply(state: DoorState, event: DoorEvent, settings: DoorSettings, gate: Gate): Step {
  switch (event.type) {
    case 'swipe':
      return onSwipe(state, event, settings, gate);
    case 'face':
      return onFace(state, event, settings, gate);
    case 'camera':
      return quiet({
        ...state,
        cameraLive: event.live,
        ballot: event.live ? state.ballot : null,
        claimSeen: { ...state.claimSeen, cameraLost: state.claimSeen.cameraLost || !event.live },
      });
    case 'store':
      return quiet({ ...state, storeAvailable: event.available, ballot: event.available ? state.ballot : null });
    case 'withheld':
      return quiet(withheld(state, event.at));
    case 'shutdown':
      return closeClaim(state, event.at, 'shutdown', settings);
    case 'empty':
    case 'tick':
      return quiet(state);
  }
}

/** Ends claims past their deadline, and approaches of persons who left or stood too long. */
function expire(state: DoorState, event: DoorEvent, settings: DoorSettings): Step {
  const { at } = event;
  // What the camera saw by now. A face that a slow camera has not delivered yet is not absent.
  const seenTo = event.type === 'face' || event.type === 'empty' ? at : at - settings.latencyMs;
  const decisions: Decision[] = [];
  let next = state;
  if (next.claim !== null && at - next.claim.since > settings.deadlineMs) {
    const closed = closeClaim(next, at, reasonOfSilence(next), settings);
    next = closed.state;
    decisions.push(...closed.decisions);
  }
  const { approach } = next;
  if (approach === null) return { state: next, decisions };
  if (seenTo - approach.lastFaceAt > settings.absentMs)
    return { state: { ...next, approach: null, ballot: null }, decisions };
  // No one can be admitted during the cooldown, so that time does not count against a person.
  const waitedSince = Math.max(approach.since, next.cooldownUntil);
  if (mayIdentify(next, settings) && !approach.settled && seenTo - waitedSince > settings.approachMs) {
    decisions.push(
      denial(
        {
          at,
          reason: reasonOfApproach(next, approach.seen),
          trigger: 'face',
          reader: null,
          since: approach.since,
          member: null,
          mode: settings.mode,
        },
        approach.seen,
        settings.identifyDistance,
        settings,
      ),
    );
    next = { ...next, approach: { ...approach, settled: true }, ballot: null };
  }
  return { state: next, decisions };
}

/** Whether faces are identified without a card at present. */
function mayIdentify(state: DoorState, settings: DoorSettings): boolean {
  return identifies(settings) && state.claim === null;
}
