import {
  type Approach,
  type Ballot,
  type Claim,
  type Decision,
  type DoorEvent,
  type DoorSettings,
  type DoorState,
  type FaceEvidence,
  type Nearness,
  type Seen,
  type Step,
  NOTHING_SEEN,
} from './door-types';
import type { DenialReason } from './reasons';

/**
 * The door automaton: a pure step function over explicit state and time. Nothing here reads a clock, a store or a camera;
 * `at` is the machine's monotonic time in ms throughout.
 *
 * Invariants (held by property tests over random event sequences):
 * - A grant rests on at least `votes` frames of one track that agreed on the granted member, the oldest no older than
 *   `voteWindowMs`, and, where a card was swiped, none older than the swipe.
 * - A frame agrees only if both the track's fused embedding and the frame's own are under their thresholds.
 * - Every swipe that is answered gets exactly one decision.
 * - Nothing is granted while the store is unavailable, within the cooldown, or twice to one track without a swipe.
 */

/** One event. Deadlines that passed before it are settled first, so a late frame can never serve an expired claim. */
export function step(before: DoorState, event: DoorEvent, settings: DoorSettings): Step {
  const expired = expire(before, event.at, settings);
  const { state } = expired;
  const then = apply(state, event, settings);
  return { state: then.state, decisions: [...expired.decisions, ...then.decisions] };
}

function apply(state: DoorState, event: DoorEvent, settings: DoorSettings): Step {
  switch (event.type) {
    case 'swipe':
      return onSwipe(state, event, settings);
    case 'face':
      return onFace(state, event, settings);
    case 'camera':
      return quiet({
        ...state,
        cameraLive: event.live,
        ballot: event.live ? state.ballot : null,
        claimSeen: { ...state.claimSeen, cameraLost: state.claimSeen.cameraLost || !event.live },
      });
    case 'store':
      return quiet({ ...state, storeAvailable: event.available, ballot: event.available ? state.ballot : null });
    case 'shutdown':
      return closeClaim(state, event.at, 'shutdown', settings);
    case 'empty':
    case 'tick':
      return quiet(state);
  }
}

function quiet(state: DoorState): Step {
  return { state, decisions: [] };
}

/** Claims past their deadline and persons who left or stood too long. */
function expire(state: DoorState, at: number, settings: DoorSettings): Step {
  const decisions: Decision[] = [];
  let next = state;
  if (next.claim !== null && at - next.claim.since > settings.deadlineMs) {
    const closed = closeClaim(next, at, reasonOfSilence(next), settings);
    next = closed.state;
    decisions.push(...closed.decisions);
  }
  const { approach } = next;
  if (approach === null) return { state: next, decisions };
  if (at - approach.lastFaceAt > settings.absentMs)
    return { state: { ...next, approach: null, ballot: null }, decisions };
  if (mayIdentify(next, settings) && !approach.settled && at - approach.since > settings.approachMs) {
    decisions.push(
      denial(
        at,
        reasonOfApproach(next, approach.seen),
        { trigger: 'face', reader: null, since: approach.since, member: null },
        approach.seen,
        settings.identifyDistance,
      ),
    );
    next = { ...next, approach: { ...approach, settled: true }, ballot: null };
  }
  return { state: next, decisions };
}

/** Whether faces are being identified without a card just now. */
function mayIdentify(state: DoorState, settings: DoorSettings): boolean {
  return settings.mode !== 'verify' && state.claim === null;
}

function reasonOfSilence(state: DoorState): DenialReason {
  const seen = state.claimSeen;
  if (!state.storeAvailable) return 'store-unavailable';
  if (seen.agreeing > 0) return 'deadline';
  if (seen.encoded > 0) return 'mismatch';
  if (seen.refused > 0) return 'low-quality';
  return state.cameraLive && !seen.cameraLost ? 'no-face' : 'camera-unavailable';
}

function reasonOfApproach(state: DoorState, seen: Seen): DenialReason {
  if (!state.storeAvailable) return 'store-unavailable';
  if (seen.agreeing > 0) return 'deadline';
  if (seen.ambiguous > 0) return 'ambiguous';
  return seen.encoded > 0 ? 'unknown-face' : 'low-quality';
}

function onSwipe(state: DoorState, event: Extract<DoorEvent, { type: 'swipe' }>, settings: DoorSettings): Step {
  const { at, reader, standing } = event;
  const refuse = (reason: DenialReason, member: string | null): Decision =>
    denial(at, reason, { trigger: 'swipe', reader, since: at, member }, NOTHING_SEEN, settings.verifyDistance);
  if (!state.storeAvailable) return { state, decisions: [refuse('store-unavailable', null)] };
  if (standing.kind === 'refused') return { state, decisions: [refuse(standing.reason, standing.member)] };
  if (at < state.cooldownUntil) return { state, decisions: [refuse('cooldown', standing.member)] };
  const replaced = closeClaim(state, at, 'superseded', settings);
  const claim: Claim = { member: standing.member, reader, since: at };
  return {
    // Votes gathered before the swipe were for another question.
    state: { ...replaced.state, claim, claimSeen: { ...NOTHING_SEEN, cameraLost: !state.cameraLive }, ballot: null },
    decisions: replaced.decisions,
  };
}

function onFace(before: DoorState, event: Extract<DoorEvent, { type: 'face' }>, settings: DoorSettings): Step {
  const { at, track, evidence } = event;
  const state = approached(before, track, at);
  const approach = state.approach as Approach;
  // A frame taken before the swipe must not vote for it: observations arrive a little later than they were taken.
  if (state.claim !== null && at < state.claim.since) return quiet(state);
  const candidate = candidateOf(state, evidence, settings);
  const seen = state.claim === null ? approach.seen : state.claimSeen;
  const updated = note(seen, evidence, candidate);
  const noted: DoorState =
    state.claim === null ? { ...state, approach: { ...approach, seen: updated } } : { ...state, claimSeen: updated };
  const free = noted.storeAvailable && at >= noted.cooldownUntil && (noted.claim !== null || !approach.settled);
  if (!free || candidate.kind !== 'agrees') return quiet(noted);
  const ballot = vote(noted.ballot, track, candidate.member, at, settings.voteWindowMs);
  if (ballot.times.length < settings.votes) return quiet({ ...noted, ballot });
  return grant({ ...noted, ballot }, at, ballot, candidate.distance, settings);
}

/** The approach that this face belongs to; a new track starts a new one and takes no votes along. */
function approached(state: DoorState, track: number, at: number): DoorState {
  if (state.approach?.track === track) return { ...state, approach: { ...state.approach, lastFaceAt: at } };
  return {
    ...state,
    approach: { track, since: at, lastFaceAt: at, seen: NOTHING_SEEN, settled: false },
    ballot: null,
  };
}

type Candidate =
  | { readonly kind: 'none'; readonly distance: number | null }
  | { readonly kind: 'ambiguous'; readonly distance: number }
  | { readonly kind: 'agrees'; readonly member: string; readonly distance: number };

function candidateOf(state: DoorState, evidence: FaceEvidence, settings: DoorSettings): Candidate {
  if (evidence.kind === 'refused') return { kind: 'none', distance: null };
  if (state.claim !== null) {
    const { claimed } = evidence;
    if (claimed?.member !== state.claim.member) return { kind: 'none', distance: null };
    return under(claimed, settings.verifyDistance, settings)
      ? { kind: 'agrees', member: claimed.member, distance: claimed.distance }
      : { kind: 'none', distance: claimed.distance };
  }
  const [best, second] = evidence.nearest;
  if (settings.mode === 'verify' || best === undefined) return { kind: 'none', distance: null };
  if (!under(best, settings.identifyDistance, settings)) return { kind: 'none', distance: best.distance };
  if (second !== undefined && !(second.distance - best.distance >= settings.margin))
    return { kind: 'ambiguous', distance: best.distance };
  return { kind: 'agrees', member: best.member, distance: best.distance };
}

function under(nearness: Nearness, distance: number, settings: DoorSettings): boolean {
  return nearness.distance <= distance && nearness.frameDistance <= settings.frameDistance;
}

function note(seen: Seen, evidence: FaceEvidence, candidate: Candidate): Seen {
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

function vote(ballot: Ballot | null, track: number, member: string, at: number, windowMs: number): Ballot {
  const earlier = ballot !== null && ballot.track === track && ballot.member === member ? ballot.times : [];
  return { track, member, times: [...earlier.filter((time) => at - time <= windowMs && time < at), at] };
}

function grant(state: DoorState, at: number, ballot: Ballot, distance: number, settings: DoorSettings): Step {
  const { claim, approach } = state;
  const decision: Decision = {
    outcome: 'granted',
    reason: 'match',
    member: ballot.member,
    at,
    trigger: claim === null ? 'face' : 'swipe',
    reader: claim?.reader ?? null,
    since: claim?.since ?? approach?.since ?? at,
    distance,
    threshold: claim === null ? settings.identifyDistance : settings.verifyDistance,
    votes: ballot.times.length,
  };
  return {
    state: {
      ...state,
      claim: null,
      claimSeen: NOTHING_SEEN,
      ballot: null,
      approach: approach === null ? null : { ...approach, settled: true },
      cooldownUntil: at + settings.cooldownMs,
    },
    decisions: [decision],
  };
}

function closeClaim(state: DoorState, at: number, reason: DenialReason, settings: DoorSettings): Step {
  const { claim, claimSeen } = state;
  if (claim === null) return quiet(state);
  const about = { trigger: 'swipe' as const, reader: claim.reader, since: claim.since, member: claim.member };
  return {
    // The person at the door was judged for this swipe; identifying the same face afterwards would judge twice.
    state: {
      ...state,
      claim: null,
      claimSeen: NOTHING_SEEN,
      ballot: null,
      approach: state.approach === null ? null : { ...state.approach, settled: true },
    },
    decisions: [denial(at, reason, about, claimSeen, settings.verifyDistance)],
  };
}

function denial(
  at: number,
  reason: DenialReason,
  about: Pick<Decision, 'trigger' | 'reader' | 'since' | 'member'>,
  seen: Seen,
  threshold: number,
): Decision {
  return { ...about, outcome: 'denied', reason, at, distance: seen.nearest, threshold, votes: seen.agreeing };
}
