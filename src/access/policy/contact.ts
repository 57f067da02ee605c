import { type Alarm, type DoorRules, type Now, ordersOf, type PolicyState, withOrders } from './types';

/** What the door itself tells: a contact that says open or closed, and a button that lets people out. */

/** From now until shortly after the lock is shut again, the door may be opened. */
export function excuse(state: PolicyState, door: DoorRules, openMs: number, now: Now): PolicyState {
  const { contact } = ordersOf(state, door.id);
  const excusedUntil = Math.max(contact.excusedUntil, now.mono + openMs + door.graceMs);
  return withOrders(state, door.id, { contact: { ...contact, excusedUntil } });
}

/** A door that is open without an unlock was forced, even if this is the first report about it. */
export function noteContact(
  state: PolicyState,
  door: DoorRules,
  open: boolean,
  now: Now,
): { readonly state: PolicyState; readonly alarms: readonly Alarm[] } {
  const { contact, hold } = ordersOf(state, door.id);
  if (contact.open === open) return { state, alarms: [] };
  const next = withOrders(state, door.id, {
    contact: { ...contact, open, since: now.mono, heldAlarmed: false },
  });
  const explained = hold !== null || now.mono <= contact.excusedUntil;
  return { state: next, alarms: open && !explained ? [alarmOf('forced-door', door.id, now)] : [] };
}

/** Raises one alarm each time the door stands open too long and no order keeps it open. */
export function watchHeldOpen(
  state: PolicyState,
  door: DoorRules,
  now: Now,
): { readonly state: PolicyState; readonly alarms: readonly Alarm[] } {
  const { contact, hold } = ordersOf(state, door.id);
  const tooLong = contact.open === true && hold === null && now.mono - contact.since > door.heldOpenMs;
  if (!tooLong || contact.heldAlarmed) return { state, alarms: [] };
  return {
    state: withOrders(state, door.id, { contact: { ...contact, heldAlarmed: true } }),
    alarms: [alarmOf('held-open', door.id, now)],
  };
}

export function alarmOf(kind: Alarm['kind'], door: string, now: Now): Alarm {
  return { kind, door, member: null, reader: null, at: now.mono };
}
