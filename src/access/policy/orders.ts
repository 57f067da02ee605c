import { type Decision } from '../door-types';
import { wallOf } from './clock';
import {
  type DoorOrders,
  type DoorRules,
  type OrderRefusal,
  ordersOf,
  type PolicyContext,
  type PolicyDecision,
  type PolicyEvent,
  type PolicyState,
  withOrders,
} from './types';

/** Lockdown and hold-open. An end that a person gives by the wall clock is reckoned in durations from then on. */

/**
 * An unlock of a held door lasts a little longer than the time to the next one. No message revokes an unlock, so this
 * is also the time that a lockdown needs to shut a held door. Each unlock is a record in the journal.
 */
const PULSE_MS = 10_000;
const RENEW_MS = 8000;
const LONGEST_HOLD_MS = 24 * 3_600_000;

interface Ordered {
  readonly state: PolicyState;
  readonly refused: OrderRefusal | null;
}

/**
 * A lockdown never makes a door less strict. A lockdown in force keeps its end if that is later, and only groups that
 * both orders name may pass. To relax one, release it first. A named door that does not exist is skipped.
 */
export function lockDown(
  state: PolicyState,
  event: Extract<PolicyEvent, { type: 'lockdown' }>,
  context: PolicyContext,
): Ordered {
  const left = event.until === null ? null : remaining(event.until, context);
  if (left !== null && left <= 0) return { state, refused: 'until-past' };
  // An end that cannot be computed counts as none: the door stays shut until the lockdown is lifted.
  const until = left === null || Number.isNaN(left) ? null : context.now.mono + left;
  let next = state;
  for (const door of doorsOf(event.doors, context))
    next = withOrders(endHold(next, door, context), door.id, {
      lockdown: stricter(ordersOf(next, door.id).lockdown, { groups: event.groups, until }),
      first: null,
    });
  return { state: next, refused: null };
}

type Lockdown = NonNullable<DoorOrders['lockdown']>;

function stricter(before: Lockdown | null, ordered: Lockdown): Lockdown {
  if (before === null) return ordered;
  return {
    groups: ordered.groups.filter((group) => before.groups.includes(group)),
    until: before.until === null || ordered.until === null ? null : Math.max(before.until, ordered.until),
  };
}

export function release(state: PolicyState, doors: readonly string[] | null, context: PolicyContext): PolicyState {
  let next = state;
  for (const door of doorsOf(doors, context)) next = withOrders(next, door.id, { lockdown: null });
  return next;
}

export function holdOpen(state: PolicyState, door: DoorRules, until: number, context: PolicyContext): Ordered {
  if (state.lost) return { state, refused: 'policy-unknown' };
  if (ordersOf(state, door.id).lockdown !== null) return { state, refused: 'lockdown' };
  const left = remaining(until, context);
  if (left === null || Number.isNaN(left)) return { state, refused: 'clock-unknown' };
  if (left <= 0) return { state, refused: 'until-past' };
  if (left > LONGEST_HOLD_MS) return { state, refused: 'until-too-far' };
  const { mono } = context.now;
  return { state: withOrders(state, door.id, { hold: { until: mono + left, renewAt: mono } }), refused: null };
}

/** The door shuts at the end of the present pulse. From then on it must not stand open. */
export function endHold(state: PolicyState, door: DoorRules, { now }: PolicyContext): PolicyState {
  const { hold, contact } = ordersOf(state, door.id);
  if (hold === null) return state;
  const ended = Math.min(now.mono, hold.until);
  const pulseEnd = Math.min(hold.until, hold.renewAt - RENEW_MS + PULSE_MS);
  return withOrders(state, door.id, {
    hold: null,
    contact: {
      ...contact,
      since: Math.max(contact.since, ended),
      excusedUntil: Math.max(contact.excusedUntil, Math.max(ended, pulseEnd) + door.graceMs),
    },
  });
}

/** Ends expired orders and renews the unlock of a held door. */
export function runOrders(
  state: PolicyState,
  door: DoorRules,
  context: PolicyContext,
): { readonly state: PolicyState; readonly decisions: readonly PolicyDecision[] } {
  const { mono } = context.now;
  let next = state;
  const { lockdown, hold } = ordersOf(state, door.id);
  if (lockdown !== null && lockdown.until !== null && mono >= lockdown.until)
    next = withOrders(next, door.id, { lockdown: null });
  if (hold === null) return { state: next, decisions: [] };
  const left = hold.until - mono;
  if (left <= 0) return { state: endHold(next, door, context), decisions: [] };
  if (mono < hold.renewAt) return { state: next, decisions: [] };
  const pulseMs = Math.min(PULSE_MS, Math.ceil(left));
  return {
    // If it cannot be recorded, this unlock is revoked, not the grant before it.
    state: withOrders(next, door.id, { hold: { ...hold, renewAt: mono + RENEW_MS }, undo: null }),
    decisions: pulseMs < 200 ? [] : [{ door: door.id, decision: heldOpen(door, pulseMs, mono) }],
  };
}

function heldOpen(door: DoorRules, unlockMs: number, at: number): Decision {
  return {
    outcome: 'granted',
    reason: 'hold-open',
    member: null,
    at,
    trigger: 'order',
    reader: null,
    since: at,
    distance: null,
    threshold: null,
    votes: 0,
    mode: door.mode,
    unlockMs,
  };
}

function remaining(until: number, { now }: PolicyContext): number | null {
  const wall = wallOf(now);
  return wall === null ? null : until - wall;
}

function doorsOf(names: readonly string[] | null, { rules }: PolicyContext): readonly DoorRules[] {
  return [...rules.doors.values()].filter(({ id }) => names === null || names.includes(id));
}
