import { type Decision } from '../door-types';
import { COUNTS_AS_FAILURE } from '../reasons';
import { type Alarm, type Limit, type LockKind, type Now, type PolicyRules, type PolicyState } from './types';

/** Whether a reader, member or door is locked out after failures. */

export function isLocked(state: PolicyState, kind: LockKind, id: string, now: Now): boolean {
  const until = state.locks.get(keyOf(kind, id));
  return until !== undefined && now.mono < until;
}

/** Whether the reader sent more swipes than allowed, including the latest. */
export function isOverRate(state: PolicyState, reader: string, { rate }: PolicyRules, now: Now): boolean {
  if (rate === null) return false;
  const times = state.swipes.get(reader) ?? [];
  const oldest = times[times.length - 1 - rate.swipes];
  return oldest !== undefined && now.mono - oldest < rate.perMs;
}

/** Every swipe counts, even a refused one: a person who keeps swiping stays refused. */
export function noteSwipe(state: PolicyState, reader: string, { rate }: PolicyRules, now: Now): PolicyState {
  if (rate === null) return state;
  const times = [...(state.swipes.get(reader) ?? []), now.mono].slice(-rate.swipes - 1);
  return { ...state, swipes: new Map(state.swipes).set(reader, times) };
}

/** A wrong face or an unknown card, also a wrong face that another swipe tried to hide. */
export function isFailure(decision: Decision): boolean {
  if (decision.outcome === 'granted') return false;
  return (
    COUNTS_AS_FAILURE.has(decision.reason) ||
    (decision.reason === 'superseded' && decision.votes === 0 && decision.distance !== null)
  );
}

/** Counts a failure, and locks what has failed too often. */
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

/**
 * An admitted member has proven to be the card's owner. Other people may still attack the reader and the door, so their
 * failures stay.
 */
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
