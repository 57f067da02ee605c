import { LIVENESS_ABSENT } from '../../events';
import {
  type Approach,
  type Ballot,
  type DoorEvent,
  type DoorSettings,
  type DoorState,
  type Gate,
  type Step,
  NOTHING_SEEN,
} from '../door-types';
import { type Candidate, candidateOf, proofOf } from './door-evidence';
import { granted, livenessReported, quiet, settled } from './door-outcome';
import { counted, spaced, unproven } from './door-seen';

/** A face in one frame: it is compared and counted, and decides if it completes the votes. */
export function onFace(
  before: DoorState,
  event: Extract<DoorEvent, { type: 'face' }>,
  settings: DoorSettings,
  gate: Gate,
): Step {
  const { at, track, evidence, liveness = LIVENESS_ABSENT } = event;
  const state = approached(before, track, at);
  const approach = state.approach as Approach;
  // A frame that was taken before the swipe must not vote for it: observations arrive a little later than they were
  // taken.
  if (state.claim !== null && at < state.claim.since) return quiet(state);
  const candidate = candidateOf(state, evidence, settings);
  const seen = state.claim === null ? approach.seen : state.claimSeen;
  const proof = proofOf(liveness, settings);
  const updated = spaced(counted(seen, evidence, candidate, liveness, proof), at, settings);
  const noted: DoorState =
    state.claim === null ? { ...state, approach: { ...approach, seen: updated } } : { ...state, claimSeen: updated };
  if (proof === 'fake') return quiet({ ...noted, ballot: null });
  const free = noted.storeAvailable && at >= noted.cooldownUntil && (noted.claim !== null || !approach.settled);
  if (isPassing(noted, candidate, at)) return quiet(settledApproach(noted, approach));
  if (!free || candidate.kind !== 'agrees') return quiet(noted);
  const ballot = vote(noted.ballot, track, candidate.member, at, settings);
  if (ballot.times.length < settings.votes) return quiet({ ...noted, ballot });
  if (proof === 'unknown') return quiet(unproven({ ...noted, ballot }));
  return grant(noted, { at, ballot, distance: candidate.distance }, settings, gate);
}

/** The person admitted a moment ago is still in view, as another track: turned away, or hidden for a moment. */
function isPassing(state: DoorState, candidate: Candidate, at: number): boolean {
  const { claim, passing, cooldownUntil } = state;
  return claim === null && at < cooldownUntil && candidate.kind === 'agrees' && candidate.member === passing;
}

function settledApproach(state: DoorState, approach: Approach): DoorState {
  return { ...state, ballot: null, approach: { ...approach, settled: true } };
}

/** The approach of this face. A new track starts a new one, without votes. */
function approached(state: DoorState, track: number, at: number): DoorState {
  if (state.approach?.track === track) return { ...state, approach: { ...state.approach, lastFaceAt: at } };
  return {
    ...state,
    approach: { track, since: at, lastFaceAt: at, seen: NOTHING_SEEN, settled: false },
    ballot: null,
  };
}

/** The votes for a member with this frame added, if it counts. */
function vote(
  ballot: Ballot | null,
  track: number,
  member: string,
  at: number,
  { voteWindowMs, voteSpacingMs }: DoorSettings,
): Ballot {
  const earlier = ballot !== null && ballot.track === track && ballot.member === member ? ballot.times : [];
  const times = earlier.filter((time) => at - time <= voteWindowMs && time < at);
  const last = times.at(-1) ?? -Infinity;
  return { track, member, times: at - last < voteSpacingMs ? times : [...times, at] };
}

/** The votes are complete: a grant, unless the gate refuses. */
function grant(
  state: DoorState,
  { at, ballot, distance }: { readonly at: number; readonly ballot: Ballot; readonly distance: number },
  settings: DoorSettings,
  gate: Gate,
): Step {
  const { claim, approach } = state;
  const about = {
    at,
    mode: settings.mode,
    member: ballot.member,
    trigger: claim === null ? ('face' as const) : ('swipe' as const),
    reader: claim?.reader ?? null,
    since: claim?.since ?? approach?.since ?? at,
    distance,
    threshold: claim === null ? settings.identifyDistance : settings.verifyDistance,
    votes: ballot.times.length,
    ...livenessReported((claim === null ? approach?.seen : state.claimSeen) ?? NOTHING_SEEN, settings),
  };
  const refusal = gate.atGrant({ reader: about.reader, member: ballot.member }, []);
  // No cooldown: the door stays shut, and the second of two persons must come now.
  if (refusal !== null) return { state: settled(state), decisions: [{ ...about, outcome: 'denied', reason: refusal }] };
  return {
    state: granted(state, ballot.member, at, settings),
    decisions: [{ ...about, outcome: 'granted', reason: 'match' }],
  };
}
