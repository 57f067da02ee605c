import { wallOf } from './clock';
import { type DoorRules, type Now, OUTSIDE, type PolicyRules, type PolicyState, scopeOf, type Undo } from './types';
import { instantOf, localDay } from './zone-time';

/** Who is in which zone, and who passed when: anti-passback and occupancy. A grant counts as a passage. */

/** Whether anti-passback lets a member through this door. */
export function mayPass(state: PolicyState, door: DoorRules, member: string, now: Now): boolean {
  if (door.zoneAntiPassback && door.passage !== null && zoneOf(state, member) !== door.passage.from) return false;
  if (door.antiPassbackMs === null) return true;
  const last = state.passages.get(passageKey(scopeOf(door), member));
  return last === undefined || now.mono - last >= door.antiPassbackMs;
}

/** Whether the zone behind the door has no room for these members. Members who are already inside need none. */
export function isFull(
  state: PolicyState,
  { passage }: DoorRules,
  members: readonly string[],
  { maxOccupancy }: PolicyRules,
): boolean {
  const limit = passage === null ? undefined : maxOccupancy.get(passage.to);
  if (passage === null || limit === undefined) return false;
  const newcomers = members.filter((member) => zoneOf(state, member) !== passage.to).length;
  return newcomers > 0 && occupancyOf(state, passage.to) + newcomers > limit;
}

export function occupancyOf(state: PolicyState, zone: string): number {
  let count = 0;
  for (const present of state.presence.values()) if (present === zone) count++;
  return count;
}

export function notePassage(
  state: PolicyState,
  door: DoorRules,
  members: readonly string[],
  rules: PolicyRules,
  now: Now,
): PolicyState {
  let next = state;
  if (door.passage !== null) for (const member of members) next = place(next, member, door.passage.to);
  const scope = scopeOf(door);
  const keptMs = rules.timedScopes.get(scope);
  if (keptMs === undefined) return next;
  const passages = new Map(
    [...next.passages].filter(([key, at]) => !key.startsWith(`${scope} `) || now.mono - at < keptMs),
  );
  for (const member of members) passages.set(passageKey(scope, member), now.mono);
  return { ...next, passages };
}

/** The data that `undoPassage` needs to reverse a passage. */
export function beforePassage(state: PolicyState, door: DoorRules, members: readonly string[]): Undo['members'] {
  return members.map((member) => ({
    member,
    zone: zoneOf(state, member),
    passedAt: state.passages.get(passageKey(scopeOf(door), member)) ?? null,
  }));
}

export function undoPassage(state: PolicyState, door: DoorRules, members: Undo['members']): PolicyState {
  let next = state;
  const passages = new Map(state.passages);
  for (const { member, zone, passedAt } of members) {
    if (door.passage !== null) next = place(next, member, zone);
    if (passedAt === null) passages.delete(passageKey(scopeOf(door), member));
    else passages.set(passageKey(scopeOf(door), member), passedAt);
  }
  return { ...next, passages };
}

export function place(state: PolicyState, member: string, zone: string): PolicyState {
  const presence = new Map(state.presence);
  if (zone === OUTSIDE) presence.delete(member);
  else presence.set(member, zone);
  return { ...state, presence };
}

/**
 * All members count as outside again at the configured time. The clock must be known, and only forward changes count.
 */
export function resetDaily(state: PolicyState, rules: PolicyRules, now: Now): PolicyState {
  const wall = wallOf(now);
  if (rules.presenceResetAt === null || wall === null) return state;
  const today = localDay(rules.zone, wall);
  const day = wall >= instantOf(rules.zone, today, rules.presenceResetAt) ? today : today - 1;
  if (state.resetDay !== null && day <= state.resetDay) return state;
  return { ...state, resetDay: day, presence: state.resetDay === null ? state.presence : new Map() };
}

export function forgetPassages(state: PolicyState, member: string): PolicyState {
  const passages = new Map([...state.passages].filter(([key]) => !key.endsWith(` ${member}`)));
  return { ...place(state, member, OUTSIDE), passages };
}

function zoneOf(state: PolicyState, member: string): string {
  return state.presence.get(member) ?? OUTSIDE;
}

/** Neither part can contain a space. */
function passageKey(scope: string, member: string): string {
  return `${scope} ${member}`;
}
