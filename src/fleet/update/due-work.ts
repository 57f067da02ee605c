import type { Offer } from '../release';
import type { Facts, WorkKind } from './update-events';
import type { ChannelState, UpdateState } from './update-state';

export type Work =
  { readonly kind: 'none' } | { readonly kind: 'wait'; readonly until: number } | { readonly kind: WorkKind };

/** The work that moves each state on. */
export const DUE: Readonly<Partial<Record<UpdateState, WorkKind>>> = {
  offered: 'verify',
  verified: 'transfer',
  transferred: 'stage',
  staged: 'test',
  tested: 'switch',
  switched: 'settle',
  probation: 'watch',
};
/** The state that each work leads to. */
export const AFTER: Readonly<Record<Exclude<WorkKind, 'revert'>, UpdateState>> = {
  verify: 'verified',
  transfer: 'transferred',
  stage: 'staged',
  test: 'tested',
  switch: 'switched',
  settle: 'probation',
  watch: 'committed',
};

/** The candidate decides at the door; any failure leads back at once. */
export const isSwitched = ({ state }: ChannelState): boolean => state === 'switched' || state === 'probation';

/** The work due in a state. Gives the same after a restart. */
export function workOf(state: ChannelState, facts: Facts): Work {
  const { candidate, retryAt } = state;
  if (state.leaving !== null && facts.active?.document === state.leaving) return due('revert', state, facts);
  if (candidate === null || state.state === 'rolled-back') return { kind: 'none' };
  // A refusal that may pass: start again from the beginning.
  const kind = state.state === 'refused' ? (retryAt === null ? undefined : 'verify') : DUE[state.state];
  if (kind === undefined) return { kind: 'none' };
  if (state.state === 'offered' && !isOpen(candidate.offer, facts)) return { kind: 'none' };
  return due(kind, state, facts);
}

function due(kind: WorkKind, { retryAt }: ChannelState, { now }: Facts): Work {
  if (retryAt !== null && now < retryAt) return { kind: 'wait', until: retryAt };
  return { kind };
}

/** The state with the deadline of what is due now, which outlives the process; the same state where it has one. */
export function begun(state: ChannelState, { now }: Facts, allowedMs: number): ChannelState {
  return state.deadline !== null ? state : { ...state, deadline: now + allowedMs };
}

/** Whether the stage that is open has reached this box. */
function isOpen({ rollout, release }: Offer, { placeOf }: Facts): boolean {
  return rollout.state === 'rolling' && placeOf(release) < (rollout.stages[rollout.stage] ?? 0);
}

/** Whether a work is what the state asks for: else its outcome is of the past. */
export function isDue(work: WorkKind, { state }: ChannelState): boolean {
  return DUE[state] === work || (work === 'verify' && state === 'refused');
}
