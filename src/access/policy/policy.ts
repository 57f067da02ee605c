import { firstOf } from './checks';
import { twoPersonApplies } from './clock';
import { alarmOf, excuse, noteContact, watchHeldOpen } from './contact';
import { clearLockout, forgive, isFailure, noteFailure, noteSwipe } from './limits';
import { endHold, holdOpen, lockDown, release, runOrders } from './orders';
import { beforePassage, forgetPassages, notePassage, place, resetDaily, undoPassage } from './presence';
import {
  type Alarm,
  type DoorRules,
  FIRST_STATE,
  ordersOf,
  type PolicyContext,
  type PolicyDecision,
  type PolicyEvent,
  type PolicyState,
  type PolicyStep,
  withOrders,
} from './types';

/**
 * The policy of all doors of a box: a pure step function over explicit state and time, like the door automaton. It
 * never grants by itself, except for a door that an order holds open. The automaton asks it (`refusalOf`,
 * `refusalOfGrant`) and afterwards reports the decision. What has expired is settled before the event.
 */
export function stepPolicy(state: PolicyState, event: PolicyEvent, context: PolicyContext): PolicyStep {
  const before = settle(state, context);
  const then = apply(before.state, event, context);
  return {
    state: then.state,
    alarms: [...before.alarms, ...then.alarms],
    decisions: [...before.decisions, ...then.decisions],
    refused: then.refused,
  };
}

function quiet(state: PolicyState): PolicyStep {
  return { state, alarms: [], decisions: [], refused: null };
}

function settle(before: PolicyState, context: PolicyContext): PolicyStep {
  const { rules, now } = context;
  let state = resetDaily(before, rules, now);
  const alarms: Alarm[] = [];
  const decisions: PolicyDecision[] = [];
  for (const door of rules.doors.values()) {
    if (state.lost && !state.lostReported) alarms.push(alarmOf('policy-unknown', door.id, now));
    const ran = runOrders(state, door, context);
    const watched = watchHeldOpen(ran.state, door, now);
    state = watched.state;
    decisions.push(...ran.decisions);
    alarms.push(...watched.alarms);
  }
  if (state.lost && !state.lostReported) state = { ...state, lostReported: true };
  return { state, alarms, decisions, refused: null };
}

function apply(state: PolicyState, event: PolicyEvent, context: PolicyContext): PolicyStep {
  const { rules, now } = context;
  switch (event.type) {
    case 'tick':
      return quiet(state);
    case 'swipe':
      return {
        ...quiet(noteSwipe(state, event.reader, rules, now)),
        alarms: event.duress
          ? [{ kind: 'duress', door: event.door, member: event.member, reader: event.reader, at: now.mono }]
          : [],
      };
    case 'decision':
      return onDecision(state, event, context);
    case 'lockdown':
      return { ...quiet(state), ...lockDown(state, event, context) };
    case 'release':
      return quiet(release(state, event.doors, context));
    case 'place':
      return quiet(place(state, event.member, event.zone));
    case 'clear-lockout':
      return quiet(clearLockout(state, event.kind, event.id));
    case 'reset':
      return quiet({ ...FIRST_STATE, resetDay: state.resetDay, doors: lockdownsAndContacts(state) });
    case 'forget':
      return quiet(forget(state, event.member));
    case 'withheld':
    case 'contact':
    case 'exit-request':
    case 'hold-open':
    case 'close':
      return onDoor(state, event, context);
  }
}

function onDoor(
  state: PolicyState,
  event: Extract<PolicyEvent, { type: 'withheld' | 'contact' | 'exit-request' | 'hold-open' | 'close' }>,
  context: PolicyContext,
): PolicyStep {
  const door = context.rules.doors.get(event.door);
  if (door === undefined) return quiet(state);
  switch (event.type) {
    case 'withheld':
      return quiet(withhold(state, door));
    case 'contact':
      return { ...quiet(state), ...noteContact(state, door, event.open, context.now) };
    case 'exit-request':
      return quiet(excuse(state, door, door.unlockMs, context.now));
    case 'close':
      return quiet(endHold(state, door, context));
    case 'hold-open': {
      const held = holdOpen(state, door, event.until, context);
      if (held.refused !== null) return { ...quiet(held.state), refused: held.refused };
      return { ...quiet(held.state), ...runOrders(held.state, door, context) };
    }
  }
}

function onDecision(
  state: PolicyState,
  { door: id, decision }: Extract<PolicyEvent, { type: 'decision' }>,
  context: PolicyContext,
): PolicyStep {
  const { rules, now } = context;
  const door = rules.doors.get(id);
  if (door === undefined) return quiet(state);
  const { member } = decision;
  if (decision.outcome === 'denied') {
    if (decision.reason === 'second-person' && member !== null)
      return quiet(withOrders(state, id, { first: { member, at: now.mono } }));
    return isFailure(decision) ? { ...quiet(state), ...noteFailure(state, id, decision, rules, now) } : quiet(state);
  }
  if (member === null) return quiet(state);
  const first = twoPersonApplies(rules, door, now) ? firstOf(state, door, context) : null;
  const passing = first === null || first === member ? [member] : [first, member];
  const undo = {
    excusedUntil: ordersOf(state, id).contact.excusedUntil,
    members: beforePassage(state, door, passing),
  };
  let next = notePassage(state, door, passing, rules, now);
  for (const passed of passing) next = forgive(next, passed);
  next = withOrders(next, id, { first: null, undo });
  return quiet(excuse(next, door, door.unlockMs, now));
}

function withhold(state: PolicyState, door: DoorRules): PolicyState {
  const { undo, contact } = ordersOf(state, door.id);
  if (undo === null) return state;
  return withOrders(undoPassage(state, door, undo.members), door.id, {
    undo: null,
    contact: { ...contact, excusedUntil: undo.excusedUntil },
  });
}

function forget(state: PolicyState, member: string): PolicyState {
  let next = clearLockout(forgetPassages(state, member), 'member', member);
  for (const [door, { first, undo }] of next.doors) {
    if (first?.member === member) next = withOrders(next, door, { first: null });
    if (undo?.members.some((each) => each.member === member) === true) next = withOrders(next, door, { undo: null });
  }
  return next;
}

/** Clears persons and hold-open orders. Open doors stay open, and only `release` lifts a lockdown. */
function lockdownsAndContacts(state: PolicyState): PolicyState['doors'] {
  return new Map(
    [...state.doors.keys()].map((door) => {
      const { contact, lockdown } = ordersOf(state, door);
      return [door, { lockdown, hold: null, first: null, contact, undo: null }];
    }),
  );
}
