import { type Decision } from '../door-types';
import { COUNTS_AS_FAILURE } from '../reasons';
import { type Alarm, type Limit, type LockKind, type Now, type PolicyRules, type PolicyState } from './types';

/** Lock-outs after failures, and how many swipes a reader may bring. */

export function isLocked(state: PolicyState, kind: LockKind, id: string, now: Now): boolean {
  const until = state.locks.get(keyOf(kind, id));
  return until !== undefined && now.mono < until;
}

/** Whether the reader brought more swipes than allowed, the latest included. */
export function isOverRate(state: PolicyState, reader: string, { rate }: PolicyRules, now: Now): boolean {
  if (rate === null) return false;
  const times = state.swipes.get(reader) ?? [];
  const oldest = times[times.length - 1 - rate.swipes];
  return oldest !== undefined && now.mono - oldest < rate.perMs;
}

/** Every swipe counts, also one that is refused: whoever keeps hammering stays refused. */
export function noteSwipe(state: PolicyState, reader: string, { rate }: PolicyRules, now: Now): PolicyState {
  if (rate === null) return state;
  const times = [...(state.swipes.get(reader) ?? []), now.mono].slice(-rate.swipes - 1);
  return { ...state, swipes: new Map(state.swipes).set(reader, times) };
}

/** A wrong face, a strange card; also a wrong face that another swipe hurried to hide. */
export function isFailure(decision: Decision): boolean {
  if (decision.outcome === 'granted') return false;
  return (
    COUNTS_AS_FAILURE.has(decision.reason) ||
    (decision.reason === 'superseded' && decision.votes === 0 && decision.distance !== null)
  );
}

export function noteFailure(
  state: PolicyState,
  door: string,
  decision: Decision,
  rules: PolicyRules,
  now: Now,
): { readonly state: PolicyState; readonly alarms: readonly Alarm[] } {
  let next = state;
  const alarms: Alarm[] = [];
  const about: readonly [LockKind, string | null][] = [
    ['reader', decision.reader],
    ['member', decision.member],
    ['door', door],
  ];
  for (const [kind, id] of about) {
    const limit = rules.lockout[kind];
    if (limit === null || id === null) continue;
    const counted = count(next, keyOf(kind, id), limit, now);
    next = counted.state;
    if (!counted.locked) continue;
    alarms.push({
      kind: 'lockout',
      door,
      member: kind === 'member' ? id : null,
      reader: kind === 'reader' ? id : null,
      at: now.mono,
    });
  }
  return { state: next, alarms };
}

/** Who got in has shown to be who the card says; the reader and the door may still be under attack by others. */
export function forgive(state: PolicyState, member: string): PolicyState {
  return without(state, keyOf('member', member), false);
}

export function clearLockout(state: PolicyState, kind: LockKind, id: string): PolicyState {
  return without(state, keyOf(kind, id), true);
}

function count(
  state: PolicyState,
  key: string,
  limit: Limit,
  now: Now,
): { readonly state: PolicyState; readonly locked: boolean } {
  const recent = (times: readonly number[]): number[] => times.filter((time) => now.mono - time < limit.withinMs);
  const times = [...recent(state.failures.get(key) ?? []), now.mono];
  const failures = new Map(state.failures);
  const locks = new Map([...state.locks].filter(([, until]) => now.mono < until));
  if (times.length < limit.failures) {
    failures.set(key, times);
    return { state: { ...state, failures, locks }, locked: false };
  }
  failures.delete(key);
  locks.set(key, now.mono + limit.forMs);
  return { state: { ...state, failures, locks }, locked: true };
}

function without(state: PolicyState, key: string, unlock: boolean): PolicyState {
  if (!state.failures.has(key) && !(unlock && state.locks.has(key))) return state;
  const failures = new Map(state.failures);
  const locks = new Map(state.locks);
  failures.delete(key);
  if (unlock) locks.delete(key);
  return { ...state, failures, locks };
}

function keyOf(kind: LockKind, id: string): string {
  return `${kind}:${id}`;
}
