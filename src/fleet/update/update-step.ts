import type { Offer } from '../release';
import { AFTER, DUE, isDue, isSwitched } from './due-work';
import { at, quarantined, retryAt, withBad } from './state-change';
import { DEADLINE, type DesiredOffer, type Facts, type UpdateEvent } from './update-events';
import { UPDATE_LIMITS } from './update-limits';
import type { ChannelState } from './update-state';

/**
 * One step of a channel. Pure. The same state object comes back when nothing changed, so that nothing is written.
 *
 * Held by tests: the running version changes by `watch` and `revert` alone; a quarantined document is never begun; every failure
 * after the switch leads to `rolled-back`; an offer that is given twice changes nothing.
 */
export function step(state: ChannelState, event: UpdateEvent, facts: Facts): ChannelState {
  switch (event.type) {
    case 'wanted':
      return event.desired === null ? unwanted(state, facts) : wanted(state, event.desired, facts);
    case 'done':
      return done(state, event, facts);
    case 'failed':
      return failed(state, event, facts);
    case 'rollback':
      return rolledBack(state, event, facts);
    case 'boot':
      return booted(state, facts);
  }
}

function wanted(state: ChannelState, desired: DesiredOffer, facts: Facts): ChannelState {
  const { candidate } = state;
  const { offer } = desired;
  if (candidate !== null && isSame(candidate.offer, offer)) {
    const { from } = candidate;
    if (offer.rollout.state === 'aborted') return aborted(state, desired, facts);
    return JSON.stringify({ offer: candidate.offer, from }) === JSON.stringify(desired)
      ? state
      : { ...state, candidate: { ...candidate, ...desired } };
  }
  // A candidate that is tried at the door is tried to its end, unless the fleet says otherwise of it; then this offer's turn comes.
  if (isSwitched(state) || state.leaving !== null) return state;
  const fresh = { ...at(state, 'offered', facts), candidate: { ...desired, release: null } };
  if (facts.active?.document === offer.document.sha256) {
    const committed = { ...at(state, 'committed', facts), candidate: { ...desired, release: null } };
    return offer.rollout.state === 'aborted' ? aborted(committed, desired, facts) : committed;
  }
  const known = state.quarantine.find(({ document }) => document === offer.document.sha256);
  if (known !== undefined)
    return { ...fresh, state: 'refused', reason: 'quarantined', detail: `bad on this box before: ${known.reason}` };
  if (offer.rollout.state === 'aborted')
    return { ...fresh, state: 'refused', reason: 'aborted', detail: offer.rollout.why };
  return fresh;
}

/** The fleet aborts a release: boxes that have started it stop, boxes that have it roll back. */
function aborted(state: ChannelState, desired: DesiredOffer, facts: Facts): ChannelState {
  if (state.candidate === null || state.state === 'rolled-back' || state.leaving !== null) return state;
  const reported = { ...state, candidate: { ...state.candidate, ...desired } };
  const why = { reason: 'aborted', detail: desired.offer.rollout.why ?? '' };
  if (isSwitched(state) || facts.active?.document === desired.offer.document.sha256)
    return rolledBack(reported, { type: 'rollback', ...why }, facts);
  return state.state === 'refused' && state.reason === why.reason
    ? state
    : { ...at(reported, 'refused', facts), ...why };
}

function unwanted(state: ChannelState, facts: Facts): ChannelState {
  if (state.candidate === null || state.state === 'committed' || state.state === 'rolled-back') return state;
  return isSwitched(state)
    ? rolledBack(state, { type: 'rollback', reason: 'withdrawn', detail: 'the fleet no longer wants it' }, facts)
    : { ...at(state, 'idle', facts), candidate: null };
}

function done(
  state: ChannelState,
  { work, release, agreement }: UpdateEvent & { type: 'done' },
  facts: Facts,
): ChannelState {
  if (work === 'revert')
    return state.leaving === null ? state : { ...state, leaving: null, deadline: null, retryAt: null };
  if (state.candidate === null || !isDue(work, state)) return state;
  const { candidate } = state;
  return {
    ...at(state, AFTER[work], facts),
    candidate: release === undefined ? candidate : { ...candidate, release },
    agreement: agreement === undefined ? state.agreement : agreement,
  };
}

function failed(
  state: ChannelState,
  { work, fault, reason, detail }: UpdateEvent & { type: 'failed' },
  facts: Facts,
): ChannelState {
  if (work === 'revert')
    return { ...state, attempt: state.attempt + 1, deadline: null, retryAt: retryAt(state.attempt + 1, facts) };
  if (state.candidate === null || !isDue(work, state)) return state;
  const why = { reason, detail: detail.slice(0, 512) };
  if (isSwitched(state) && fault === 'postponed') {
    // The running service disappeared during the trial, perhaps by chance: it is tried again, but not for ever.
    const again = state.attempt + 1;
    if (again >= UPDATE_LIMITS.interruptions) return quarantined(at(state, 'rolled-back', facts), why, facts);
    return { ...at(state, 'staged', facts), ...why, attempt: again, retryAt: retryAt(again, facts) };
  }
  // At the door there is no second attempt: the running model is available and proven.
  if (isSwitched(state)) return quarantined(at(state, 'rolled-back', facts), why, facts);
  const attempt = state.attempt + 1;
  // The tested candidate ends with the trial.
  const from = work === 'switch' ? 'staged' : state.state;
  const again = { ...state, state: from, attempt, deadline: null, ...why };
  switch (fault) {
    case 'release':
      return quarantined(at(state, 'refused', facts), why, facts);
    case 'trial':
      if (attempt >= UPDATE_LIMITS.trialTries) return quarantined(at(state, 'refused', facts), why, facts);
      return { ...again, retryAt: retryAt(attempt, facts) };
    case 'postponed':
      return { ...again, retryAt: retryAt(attempt, facts) };
    case 'box':
      // A release whose bytes did not arrive for so long may be withdrawn meanwhile: start again from the beginning.
      return reason === DEADLINE && work === 'transfer'
        ? { ...again, state: 'offered', since: facts.now, retryAt: retryAt(attempt, facts) }
        : { ...again, retryAt: retryAt(attempt, facts) };
    case 'later':
      return { ...again, state: 'refused', since: facts.now, retryAt: retryAt(attempt, facts) };
  }
}

/** Back to the previous version, with quarantine: a release that was rolled back is not started again by itself. */
function rolledBack(
  state: ChannelState,
  { reason, detail }: UpdateEvent & { type: 'rollback' },
  facts: Facts,
): ChannelState {
  const why = { reason, detail: detail.slice(0, 512) };
  const { active } = facts;
  if (isSwitched(state)) {
    // In the moment of the commit the pointer names it already: then that is to be taken back too.
    const named = active !== null && active.document === state.candidate?.offer.document.sha256;
    const back = quarantined(at(state, 'rolled-back', facts), why, facts);
    return named ? { ...back, leaving: active.document } : back;
  }
  if (active === null || state.leaving !== null) return state;
  const back = { ...at(state, 'rolled-back', facts), ...why, leaving: active.document };
  // Another offer in progress is handled when this is done.
  const candidate = state.candidate?.offer.document.sha256 === active.document ? state.candidate : null;
  return { ...back, candidate, quarantine: withBad(state, { ...active, ...why }, facts) };
}

function booted(state: ChannelState, facts: Facts): ChannelState {
  const { candidate } = state;
  // The release to leave is no longer active, or another one became active since.
  if (state.leaving !== null && facts.active?.document !== state.leaving) return { ...state, leaving: null };
  if (candidate === null) return state;
  // The pointer counts: the switch was made, and the power failed before it was recorded.
  if (facts.active?.document === candidate.offer.document.sha256)
    return state.state === 'committed' || state.leaving !== null ? state : at(state, 'committed', facts);
  if (state.state === 'committed') return { ...at(state, 'idle', facts), candidate: null };
  if (candidate.release?.kind === 'config' && isSwitched(state)) {
    // A configuration can only be tried by starting under it; the start counts the attempts (`countTrialStart`).
    return state.trialBoots > UPDATE_LIMITS.trialBoots
      ? quarantined(at(state, 'rolled-back', facts), INTERRUPTED, facts)
      : state;
  }
  if (state.state !== 'tested' && !isSwitched(state)) return withinReason(state, facts);
  const attempt = state.attempt + 1;
  if (attempt >= UPDATE_LIMITS.interruptions) return quarantined(at(state, 'refused', facts), INTERRUPTED, facts);
  // The trial lived in the process that has ended; the running model is back in service.
  return { ...at(state, 'staged', facts), attempt };
}

/** A box without a clock may have written a deadline of another year. */
function withinReason(state: ChannelState, { now }: Facts): ChannelState {
  const work = state.state === 'refused' ? 'verify' : DUE[state.state];
  if (work === undefined) return state;
  const latest = now + UPDATE_LIMITS.deadlineMs[work];
  const retryLatest = now + UPDATE_LIMITS.retryMaxMs;
  return {
    ...state,
    deadline: state.deadline === null ? null : Math.min(state.deadline, latest),
    retryAt: state.retryAt === null ? null : Math.min(state.retryAt, retryLatest),
  };
}

const INTERRUPTED = {
  reason: 'interrupted',
  detail: 'the daemon ended too often while it was being tried; it may be the cause',
};

function isSame(a: Offer, b: Offer): boolean {
  return a.release === b.release && a.document.sha256 === b.document.sha256;
}
