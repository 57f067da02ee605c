import { isSameIdentifier } from '../../identifier';
import { type DenialReason } from '../reasons';
import { scheduleHolds, twoPersonApplies, wallOf } from './clock';
import { isLocked, isOverRate } from './limits';
import { isFull, mayPass } from './presence';
import {
  type DoorRules,
  type MemberRights,
  ordersOf,
  type PolicyContext,
  type PolicyState,
  type RightsOf,
} from './types';

/** Who wants to pass which door. `member` is null while unknown: then only the door itself is judged. */
export interface Passing {
  readonly door: string;
  readonly reader: string | null;
  readonly member: string | null;
}

/**
 * Everything that can be judged without knowing who else comes: at the swipe, before a face was seen, so that a person
 * learns it at once; and again at the grant. The first rule that forbids it gives the reason.
 * @returns null if nothing forbids it
 */
export function refusalOf(state: PolicyState, passing: Passing, context: PolicyContext): DenialReason | null {
  const { rules, now } = context;
  const door = rules.doors.get(passing.door);
  if (state.lost || door === undefined) return 'policy-unknown';
  const { reader, member } = passing;
  const locked = isLocked(state, 'door', door.id, now) || (reader !== null && isLocked(state, 'reader', reader, now));
  const { lockdown } = ordersOf(state, door.id);
  const shut = lockdown !== null && (lockdown.until === null || now.mono < lockdown.until);
  if (shut && (member === null ? lockdown.groups.length === 0 : !isOf(context.rightsOf(member), lockdown.groups)))
    return 'lockdown';
  if (locked) return 'locked-out';
  if (reader !== null && isOverRate(state, reader, rules, now)) return 'rate-limited';
  return member === null ? null : judgeMember(state, door, member, context);
}

/** The last check before a grant. @returns null to admit */
export function refusalOfGrant(
  state: PolicyState,
  passing: Passing & { readonly member: string },
  context: PolicyContext,
): DenialReason | null {
  const refusal = refusalOf(state, passing, context);
  const door = context.rules.doors.get(passing.door);
  if (refusal !== null || door === undefined || !twoPersonApplies(context.rules, door, context.now)) return refusal;
  const first = firstOf(state, door, context);
  if (first === null || first === passing.member) return 'second-person';
  // The first of the two is admitted too, so check that member again: something may have changed in half a minute.
  if (refusalOf(state, { ...passing, member: first }, context) !== null) return 'second-person';
  return isFull(state, door, [first, passing.member], context.rules) ? 'zone-full' : null;
}

/** The first of two persons, if one was recognised and the time for the second has not expired. */
export function firstOf(state: PolicyState, door: DoorRules, { now }: PolicyContext): string | null {
  const { first } = ordersOf(state, door.id);
  if (first === null || door.twoPerson === null || now.mono - first.at > door.twoPerson.windowMs) return null;
  return first.member;
}

function judgeMember(state: PolicyState, door: DoorRules, member: string, context: PolicyContext): DenialReason | null {
  const { rules, now } = context;
  const rights = context.rightsOf(member);
  if (rights === null) return 'member-suspended';
  if (rights === 'unreadable') return 'store-unavailable';
  if (rights === 'damaged') return 'member-damaged';
  if (isLocked(state, 'member', member, now)) return 'locked-out';
  return (
    refusalOfDates(rights, context) ??
    refusalOfRights(door, member, rights, context) ??
    (mayPass(state, door, member, now) ? null : 'anti-passback') ??
    (isFull(state, door, [member], rules) ? 'zone-full' : null)
  );
}

function refusalOfDates({ validFrom, validUntil }: MemberRights, { now }: PolicyContext): DenialReason | null {
  if (validFrom === null && validUntil === null) return null;
  const wall = wallOf(now);
  if (wall === null) return 'clock-unknown';
  // Written so that a date of NaN refuses.
  if (validFrom !== null && !(wall >= validFrom)) return 'not-yet-valid';
  return validUntil !== null && !(wall < validUntil) ? 'no-longer-valid' : null;
}

function refusalOfRights(
  door: DoorRules,
  member: string,
  rights: MemberRights,
  { rules, now }: PolicyContext,
): DenialReason | null {
  if (door.rights === null) return null;
  const own = door.rights.filter(
    (right) =>
      right.everyone || right.members.some((named) => isSameIdentifier(named, member)) || isOf(rights, right.groups),
  );
  if (own.length === 0) return 'no-right';
  if (own.some((right) => right.schedules.length === 0)) return null;
  const holding = own.flatMap((right) => right.schedules).map((name) => scheduleHolds(rules, name, now));
  if (holding.includes(true)) return null;
  return holding.includes(null) ? 'clock-unknown' : 'outside-schedule';
}

function isOf(rights: ReturnType<RightsOf>, groups: readonly string[]): boolean {
  return rights !== null && typeof rights !== 'string' && groups.some((group) => rights.groups.includes(group));
}
