import { longestIntervalMs } from '../../config/references/camera-rate';
import { type Liveness, LIVENESS_ABSENT } from '../../events';
import {
  type Approach,
  type Ballot,
  type Claim,
  type Decision,
  type DoorEvent,
  type DoorSettings,
  type DoorState,
  type FaceEvidence,
  type Gate,
  type MemberStanding,
  type Nearness,
  type Seen,
  type Step,
  NOTHING_SEEN,
  OPEN_GATE,
} from '../door-types';
import type { DenialReason } from '../reasons';

/**
 * The door automaton: a pure step function over explicit state and time. Nothing here reads a clock, a store or a camera;
 * `at` is the machine's monotonic time in ms throughout.
 *
 * Invariants (held by property tests over random event sequences):
 * - A grant rests on at least `votes` frames of one track that agreed on the granted member, taken at least `voteSpacingMs` from one
 *   another, the oldest no older than `voteWindowMs`, and, where a card was swiped, none older than the swipe.
 * - A frame agrees only if both the track's fused embedding and the frame's own are under their thresholds.
 * - Where liveness is required, a grant by face comes at a frame whose track is judged live on enough frames, and never at one that
 *   is not judged at all.
 * - Every swipe that is answered gets exactly one decision.
 * - Nothing is granted while the store is unavailable, within the cooldown, or twice to one track without a swipe.
 * - Nothing is granted that the gate (rights, hours, orders: the policy) refuses; in mode `card` the gate and the store's
 *   word are all there is.
 */

/** One event. Deadlines that passed before it are settled first, so a late frame can never serve an expired claim. */
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

function quiet(state: DoorState): Step {
  return { state, decisions: [] };
}

/** Claims past their deadline and persons who left or stood too long. */
function expire(state: DoorState, event: DoorEvent, settings: DoorSettings): Step {
  const { at } = event;
  // What the camera saw by now. A face that is on its way through a slow camera is not absent.
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
  // Within the cooldown nobody can be let in, so that time is nobody's to be refused for.
  const waitedSince = Math.max(approach.since, next.cooldownUntil);
  if (mayIdentify(next, settings) && !approach.settled && seenTo - waitedSince > settings.approachMs) {
    decisions.push(
      denial(
        at,
        reasonOfApproach(next, approach.seen),
        { trigger: 'face', reader: null, since: approach.since, member: null, mode: settings.mode },
        approach.seen,
        settings.identifyDistance,
        settings,
      ),
    );
    next = { ...next, approach: { ...approach, settled: true }, ballot: null };
  }
  return { state: next, decisions };
}

/** Whether faces are being identified without a card just now. */
function mayIdentify(state: DoorState, settings: DoorSettings): boolean {
  return identifies(settings) && state.claim === null;
}

function identifies({ mode }: DoorSettings): boolean {
  return mode === 'identify' || mode === 'either';
}

function reasonOfSilence(state: DoorState): DenialReason {
  const seen = state.claimSeen;
  if (!state.storeAvailable) return 'store-unavailable';
  if (seen.fake > 0) return 'fake-face';
  if (seen.unproven > 0) return 'liveness-unknown';
  if (seen.agreeing > 0) return tooFarApart(seen) ? 'frames-too-far-apart' : 'deadline';
  if (seen.encoded > 0) return 'mismatch';
  if (seen.refused > 0) return 'low-quality';
  return state.cameraLive && !seen.cameraLost ? 'no-face' : 'camera-unavailable';
}

function reasonOfApproach(state: DoorState, seen: Seen): DenialReason {
  if (!state.storeAvailable) return 'store-unavailable';
  if (seen.fake > 0) return 'fake-face';
  if (seen.unproven > 0) return 'liveness-unknown';
  if (seen.agreeing > 0) return tooFarApart(seen) ? 'frames-too-far-apart' : 'deadline';
  if (seen.ambiguous > 0) return 'ambiguous';
  return seen.encoded > 0 ? 'unknown-face' : 'low-quality';
}

function onSwipe(
  state: DoorState,
  event: Extract<DoorEvent, { type: 'swipe' }>,
  settings: DoorSettings,
  gate: Gate,
): Step {
  const { at, reader, standing } = event;
  const asksForFace = settings.mode !== 'card';
  const refuse = (reason: DenialReason, member: string | null): Decision =>
    denial(
      at,
      reason,
      { trigger: 'swipe', reader, since: at, member, mode: settings.mode },
      NOTHING_SEEN,
      asksForFace ? settings.verifyDistance : null,
      settings,
    );
  if (!state.storeAvailable) return { state, decisions: [refuse('store-unavailable', null)] };
  const member = standing.kind === 'active' || mayDoWithoutFace(standing, settings) ? standing.member : null;
  // A reader that is locked tells nothing about the card.
  const refusal = gate.atSwipe({ reader, member }, []);
  if (standing.kind === 'refused' && member === null)
    return { state, decisions: [refuse(refusal ?? standing.reason, standing.member)] };
  if (member === null) return { state, decisions: [refuse('unknown-member', null)] };
  if (at < state.cooldownUntil) return { state, decisions: [refuse('cooldown', member)] };
  if (refusal !== null) return { state, decisions: [refuse(refusal, member)] };
  const replaced = closeClaim(state, at, 'superseded', settings);
  if (!asksForFace) {
    const card = grantCard(replaced.state, event, member, replaced.decisions, settings, gate);
    return { state: card.state, decisions: [...replaced.decisions, ...card.decisions] };
  }
  const claim: Claim = { member, reader, since: at };
  return {
    // Votes gathered before the swipe were for another question.
    state: { ...replaced.state, claim, claimSeen: { ...NOTHING_SEEN, cameraLost: !state.cameraLive }, ballot: null },
    decisions: replaced.decisions,
  };
}

/** Whoever has no picture cannot be recognised, and where the card is enough need not be. */
function mayDoWithoutFace(standing: MemberStanding, { mode }: DoorSettings): boolean {
  return mode === 'card' && standing.kind === 'refused' && standing.reason === 'no-template';
}

function grantCard(
  state: DoorState,
  { at, reader }: Extract<DoorEvent, { type: 'swipe' }>,
  member: string,
  earlier: readonly Decision[],
  settings: DoorSettings,
  gate: Gate,
): Step {
  const about = { at, trigger: 'swipe' as const, reader, since: at, member, mode: settings.mode };
  const evidence = { distance: null, threshold: null, votes: 0 };
  const refusal = gate.atGrant({ reader, member }, earlier);
  if (refusal !== null) return { state, decisions: [{ ...about, ...evidence, outcome: 'denied', reason: refusal }] };
  return {
    state: granted(state, member, at, settings),
    decisions: [{ ...about, ...evidence, outcome: 'granted', reason: 'card' }],
  };
}

function onFace(
  before: DoorState,
  event: Extract<DoorEvent, { type: 'face' }>,
  settings: DoorSettings,
  gate: Gate,
): Step {
  const { at, track, evidence, liveness = LIVENESS_ABSENT } = event;
  const state = approached(before, track, at);
  const approach = state.approach as Approach;
  // A frame taken before the swipe must not vote for it: observations arrive a little later than they were taken.
  if (state.claim !== null && at < state.claim.since) return quiet(state);
  const candidate = candidateOf(state, evidence, settings);
  const seen = state.claim === null ? approach.seen : state.claimSeen;
  const proof = proofOf(liveness, settings);
  const updated = spaced(note(seen, evidence, candidate, liveness, proof), at, settings);
  const noted: DoorState =
    state.claim === null ? { ...state, approach: { ...approach, seen: updated } } : { ...state, claimSeen: updated };
  if (proof === 'fake') return quiet({ ...noted, ballot: null });
  const free = noted.storeAvailable && at >= noted.cooldownUntil && (noted.claim !== null || !approach.settled);
  if (isPassing(noted, candidate, at)) return quiet(settledApproach(noted, approach));
  if (!free || candidate.kind !== 'agrees') return quiet(noted);
  const ballot = vote(noted.ballot, track, candidate.member, at, settings);
  if (ballot.times.length < settings.votes) return quiet({ ...noted, ballot });
  if (proof === 'unknown') return quiet(unproven({ ...noted, ballot }));
  return grant({ ...noted, ballot }, at, ballot, candidate.distance, settings, gate);
}

/** Whoever was let in a moment ago is still in view, as another track: turned away, or hidden for a moment. */
function isPassing(state: DoorState, candidate: Candidate, at: number): boolean {
  const { claim, passing, cooldownUntil } = state;
  return claim === null && at < cooldownUntil && candidate.kind === 'agrees' && candidate.member === passing;
}

function settledApproach(state: DoorState, approach: Approach): DoorState {
  return { ...state, ballot: null, approach: { ...approach, settled: true } };
}

/** What a verdict is worth at this door. */
function proofOf({ state, frames, motion }: Liveness, { liveness }: DoorSettings): 'good' | 'fake' | 'unknown' {
  if (liveness.mode !== 'require') return 'good';
  if (state === 'fake') return 'fake';
  const turned = liveness.motion === 'watch' || motion === 'depth';
  return state === 'live' && frames >= liveness.frames && turned ? 'good' : 'unknown';
}

/** The votes stand; the verdict may still come. */
function unproven(state: DoorState): DoorState {
  const { approach, claim, claimSeen } = state;
  const note = (seen: Seen): Seen => ({ ...seen, unproven: seen.unproven + 1 });
  if (claim !== null) return { ...state, claimSeen: note(claimSeen) };
  return approach === null ? state : { ...state, approach: { ...approach, seen: note(approach.seen) } };
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
  if (!identifies(settings) || best === undefined) return { kind: 'none', distance: null };
  if (!under(best, settings.identifyDistance, settings)) return { kind: 'none', distance: best.distance };
  if (second !== undefined && !(second.distance - best.distance >= settings.margin))
    return { kind: 'ambiguous', distance: best.distance };
  return { kind: 'agrees', member: best.member, distance: best.distance };
}

function under(nearness: Nearness, distance: number, settings: DoorSettings): boolean {
  return nearness.distance <= distance && nearness.frameDistance <= settings.frameDistance;
}

function note(
  before: Seen,
  evidence: FaceEvidence,
  candidate: Candidate,
  liveness: Liveness,
  proof: ReturnType<typeof proofOf>,
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

/** Counts the faces that came too long after the one before for both to vote. */
function spaced(seen: Seen, at: number, { votes, voteWindowMs, absentMs }: DoorSettings): Seen {
  const longest = longestIntervalMs({ votes, voteWindowMs, absentMs });
  const far = seen.lastAt !== null && at - seen.lastAt > longest ? seen.far + 1 : seen.far;
  return { ...seen, faces: seen.faces + 1, far, lastAt: at };
}

/** Most frames were too far apart: it is the camera, not the person. */
function tooFarApart({ faces, far }: Seen): boolean {
  return far > 0 && far * 2 > faces - 1;
}

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

function grant(
  state: DoorState,
  at: number,
  ballot: Ballot,
  distance: number,
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
  // No cooldown: the door stays shut, and of two persons the second is to come now.
  if (refusal !== null) return { state: settled(state), decisions: [{ ...about, outcome: 'denied', reason: refusal }] };
  return {
    state: granted(state, ballot.member, at, settings),
    decisions: [{ ...about, outcome: 'granted', reason: 'match' }],
  };
}

function granted(state: DoorState, member: string, at: number, settings: DoorSettings): DoorState {
  return { ...settled(state), cooldownUntil: at + settings.cooldownMs, passing: member };
}

/** A decision was taken: the claim is closed, and who stands there is not judged again before leaving. */
function settled(state: DoorState): DoorState {
  return {
    ...state,
    claim: null,
    claimSeen: NOTHING_SEEN,
    ballot: null,
    approach: state.approach === null ? null : { ...state.approach, settled: true },
  };
}

/** The door stayed shut, so nothing has to cool down and nobody is settled: the person may try again at once. */
function withheld(state: DoorState, at: number): DoorState {
  const { approach } = state;
  return {
    ...state,
    cooldownUntil: at,
    ballot: null,
    approach: approach === null ? null : { ...approach, since: at, seen: NOTHING_SEEN, settled: false },
  };
}

function closeClaim(state: DoorState, at: number, reason: DenialReason, settings: DoorSettings): Step {
  const { claim, claimSeen } = state;
  if (claim === null) return quiet(state);
  const { member, reader, since } = claim;
  const about = { trigger: 'swipe' as const, reader, since, member, mode: settings.mode };
  // The person at the door was judged for this swipe; identifying the same face afterwards would judge twice.
  return {
    state: settled(state),
    decisions: [denial(at, reason, about, claimSeen, settings.verifyDistance, settings)],
  };
}

function denial(
  at: number,
  reason: DenialReason,
  about: Pick<Decision, 'trigger' | 'reader' | 'since' | 'member' | 'mode'>,
  seen: Seen,
  threshold: number | null,
  settings: DoorSettings,
): Decision {
  return {
    ...about,
    outcome: 'denied',
    reason,
    at,
    distance: seen.nearest,
    threshold,
    votes: seen.agreeing,
    ...livenessReported(seen, settings),
  };
}

function livenessReported({ liveness }: Seen, settings: DoorSettings): Pick<Decision, 'liveness'> {
  return liveness === null || settings.liveness.mode === 'off' ? {} : { liveness };
}
