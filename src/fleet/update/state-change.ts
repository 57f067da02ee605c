import type { Facts } from './update-events';
import { UPDATE_LIMITS } from './update-limits';
import { type ChannelState, QUARANTINE_MAX, type UpdateState } from './update-state';

/** A new state without the marks of the previous one. Interruptions are counted over the states of one trial. */
export function at(state: ChannelState, next: UpdateState, { now }: Facts): ChannelState {
  return {
    ...state,
    state: next,
    since: now,
    deadline: null,
    retryAt: null,
    reason: null,
    detail: null,
    attempt: next === 'tested' || next === 'switched' || next === 'probation' ? state.attempt : 0,
    trialBoots: 0,
    agreement: next === 'offered' ? null : state.agreement,
  };
}

/** The state with its candidate in quarantine: these bytes are not begun again on this box. */
export function quarantined(
  state: ChannelState,
  why: { readonly reason: string; readonly detail: string },
  facts: Facts,
): ChannelState {
  if (state.candidate === null) return state;
  const { document, release, version } = state.candidate.offer;
  const bad = { document: document.sha256, release, version, reason: why.reason };
  return { ...state, ...why, quarantine: withBad(state, bad, facts) };
}

/** The quarantine with one more release; the oldest makes room. */
export function withBad(
  { quarantine }: ChannelState,
  { document, release, version, reason }: Omit<ChannelState['quarantine'][number], 'at'>,
  { now }: Facts,
): ChannelState['quarantine'] {
  const others = quarantine.filter((entry) => entry.document !== document);
  return [...others, { document, release, version, reason, at: now }].slice(-QUARANTINE_MAX);
}

/** When to try again: doubling with the attempts, with jitter. */
export function retryAt(attempt: number, { now, random }: Facts): number {
  const { retryMinMs, retryMaxMs } = UPDATE_LIMITS;
  const ceiling = Math.min(retryMaxMs, retryMinMs * 2 ** Math.min(attempt, 30));
  return Math.round(now + retryMinMs / 2 + random * (ceiling - retryMinMs / 2));
}
