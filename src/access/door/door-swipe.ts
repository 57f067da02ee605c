import {
  type Claim,
  type Decision,
  type DoorEvent,
  type DoorSettings,
  type DoorState,
  type Gate,
  type MemberStanding,
  type Step,
  NOTHING_SEEN,
} from '../door-types';
import type { DenialReason } from '../reasons';
import { closeClaim, denial, granted } from './door-outcome';

/** A swiped card: refused at once, granted at once (mode `card`), or a claim that a face must confirm. */
export function onSwipe(
  state: DoorState,
  event: Extract<DoorEvent, { type: 'swipe' }>,
  settings: DoorSettings,
  gate: Gate,
): Step {
  const { at, reader, standing } = event;
  const asksForFace = settings.mode !== 'card';
  const refuse = (reason: DenialReason, member: string | null): Decision =>
    denial(
      { at, reason, trigger: 'swipe', reader, since: at, member, mode: settings.mode },
      NOTHING_SEEN,
      asksForFace ? settings.verifyDistance : null,
      settings,
    );
  if (!state.storeAvailable) return { state, decisions: [refuse('store-unavailable', null)] };
  const member = standing.kind === 'active' || mayDoWithoutFace(standing, settings) ? standing.member : null;
  // A locked reader must not reveal anything about the card.
  const refusal = gate.atSwipe({ reader, member }, []);
  if (standing.kind === 'refused' && member === null)
    return { state, decisions: [refuse(refusal ?? standing.reason, standing.member)] };
  if (member === null) return { state, decisions: [refuse('unknown-member', null)] };
  if (at < state.cooldownUntil) return { state, decisions: [refuse('cooldown', member)] };
  if (refusal !== null) return { state, decisions: [refuse(refusal, member)] };
  const replaced = closeClaim(state, at, 'superseded', settings);
  if (!asksForFace) return grantCard(replaced, event, member, settings, gate);
  const claim: Claim = { member, reader, since: at };
  return {
    // Votes from before the swipe answered another question.
    state: { ...replaced.state, claim, claimSeen: { ...NOTHING_SEEN, cameraLost: !state.cameraLive }, ballot: null },
    decisions: replaced.decisions,
  };
}

/** A member without a template cannot be recognised, and need not be if the card is enough. */
function mayDoWithoutFace(standing: MemberStanding, { mode }: DoorSettings): boolean {
  return mode === 'card' && standing.kind === 'refused' && standing.reason === 'no-template';
}

function grantCard(
  { state, decisions }: Step,
  { at, reader }: Extract<DoorEvent, { type: 'swipe' }>,
  member: string,
  settings: DoorSettings,
  gate: Gate,
): Step {
  const about = { at, trigger: 'swipe' as const, reader, since: at, member, mode: settings.mode };
  const evidence = { distance: null, threshold: null, votes: 0 };
  const refusal = gate.atGrant({ reader, member }, decisions);
  if (refusal !== null)
    return { state, decisions: [...decisions, { ...about, ...evidence, outcome: 'denied', reason: refusal }] };
  return {
    state: granted(state, member, at, settings),
    decisions: [...decisions, { ...about, ...evidence, outcome: 'granted', reason: 'card' }],
  };
}
