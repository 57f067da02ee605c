import { type Decision, type DoorMode } from '../door-types';
import { REASONS } from '../reasons';
import { type Schedule } from './schedule';

/** The vocabulary of the policy: rules, state, events, alarms. All of it plain data; nothing here reads a clock or a store. */

/** Durations use `mono`, which never jumps; schedules and validity dates use `wall`. */
export interface Now {
  /** Monotonic ms. */
  readonly mono: number;
  /** Epoch ms; null while the wall clock is not trusted: whatever depends on it is then refused. */
  readonly wall: number | null;
}

/** What the rules need to know about an active member. */
export interface MemberRights {
  readonly groups: readonly string[];
  /** Epoch ms; valid from then on, and before `validUntil`. */
  readonly validFrom: number | null;
  readonly validUntil: number | null;
}

/**
 * Null if not an active member; `unreadable` if the store is unavailable, `damaged` if this one member cannot be read.
 */
export type RightsOf = (member: string) => MemberRights | 'unreadable' | 'damaged' | null;

/** The zone of all members until a door moves them. */
export const OUTSIDE = 'outside';

export interface Right {
  readonly everyone: boolean;
  readonly groups: readonly string[];
  readonly members: readonly string[];
  readonly schedules: readonly string[];
}

export interface Limit {
  readonly failures: number;
  readonly withinMs: number;
  readonly forMs: number;
}

export interface DoorRules {
  readonly id: string;
  readonly unlockMs: number;
  readonly mode: DoorMode;
  readonly modes: readonly { readonly schedule: string; readonly mode: DoorMode }[];
  readonly rights: readonly Right[] | null;
  readonly passage: { readonly from: string; readonly to: string } | null;
  readonly zoneAntiPassback: boolean;
  readonly antiPassbackMs: number | null;
  readonly twoPerson: { readonly schedule: string | null; readonly windowMs: number } | null;
  readonly heldOpenMs: number;
  readonly graceMs: number;
}

export interface PolicyRules {
  readonly zone: string;
  readonly schedules: ReadonlyMap<string, Schedule>;
  readonly doors: ReadonlyMap<string, DoorRules>;
  readonly maxOccupancy: ReadonlyMap<string, number>;
  /** Scopes of timed anti-passback (see `scopeOf`) with the longest time of any of their doors, ms. */
  readonly timedScopes: ReadonlyMap<string, number>;
  readonly lockout: { readonly reader: Limit | null; readonly member: Limit | null; readonly door: Limit | null };
  readonly rate: { readonly swipes: number; readonly perMs: number } | null;
  /** Minutes of the local day. */
  readonly presenceResetAt: number | null;
}

export interface ContactState {
  /** Null until the contact has reported. */
  readonly open: boolean | null;
  /** Since when it has been open. */
  readonly since: number;
  /** Until when an opening is expected. */
  readonly excusedUntil: number;
  readonly heldAlarmed: boolean;
}

export interface DoorOrders {
  /** Only these groups pass. `until` is monotonic; null: until it is lifted. */
  readonly lockdown: { readonly groups: readonly string[]; readonly until: number | null } | null;
  readonly hold: { readonly until: number; readonly renewAt: number } | null;
  /** The first of two persons. */
  readonly first: { readonly member: string; readonly at: number } | null;
  readonly contact: ContactState;
  /** What the last grant at this door changed, in case it must be withheld after all. */
  readonly undo: Undo | null;
}

export interface Undo {
  readonly excusedUntil: number;
  readonly members: readonly { readonly member: string; readonly zone: string; readonly passedAt: number | null }[];
}

/** Times are monotonic ms. */
export interface PolicyState {
  /** The state was lost: no one passes until an order sets a new one. */
  readonly lost: boolean;
  readonly lostReported: boolean;
  /** Zone by member; a member who is not in here is outside. */
  readonly presence: ReadonlyMap<string, string>;
  /** Last passage by scope and member. */
  readonly passages: ReadonlyMap<string, number>;
  /** By `reader:…`, `member:…` or `door:…`. */
  readonly failures: ReadonlyMap<string, readonly number[]>;
  readonly locks: ReadonlyMap<string, number>;
  /** Latest swipes by reader, oldest first, as many as the rate limit needs. */
  readonly swipes: ReadonlyMap<string, readonly number[]>;
  readonly doors: ReadonlyMap<string, DoorOrders>;
  /** Local day of the last reset of `presence`. */
  readonly resetDay: number | null;
}

export type PolicyEvent =
  | { readonly type: 'tick' }
  | {
      readonly type: 'swipe';
      readonly door: string;
      readonly reader: string;
      readonly member: string | null;
      /** The identifier is one that the member uses under threat. */
      readonly duress: boolean;
    }
  | { readonly type: 'decision'; readonly door: string; readonly decision: Decision }
  /** The last grant could not be recorded, so nothing was opened. */
  | { readonly type: 'withheld'; readonly door: string }
  | { readonly type: 'contact'; readonly door: string; readonly open: boolean }
  | { readonly type: 'exit-request'; readonly door: string }
  | PolicyOrder;

/** An order of a person, given by a signed command. `until` is epoch ms. `doors: null` means all doors. */
export type PolicyOrder =
  | {
      readonly type: 'lockdown';
      readonly doors: readonly string[] | null;
      readonly groups: readonly string[];
      readonly until: number | null;
    }
  | { readonly type: 'release'; readonly doors: readonly string[] | null }
  | { readonly type: 'hold-open'; readonly door: string; readonly until: number }
  | { readonly type: 'close'; readonly door: string }
  /** Puts a member into a zone, for example after leaving by another way or being admitted by hand. */
  | { readonly type: 'place'; readonly member: string; readonly zone: string }
  | { readonly type: 'clear-lockout'; readonly kind: LockKind; readonly id: string }
  /**
   * Starts again: all members outside, no lock-outs, no door held open. The only way out of a lost state. A lockdown
   * stays: only `release` lifts it.
   */
  | { readonly type: 'reset' }
  /** Deletes everything about a deleted member. */
  | { readonly type: 'forget'; readonly member: string };

/** Why an order is not obeyed, as an answer to its sender. The first three are also reasons of a denial. */
export const ORDER_REFUSALS = {
  'policy-unknown': REASONS['policy-unknown'],
  'clock-unknown': REASONS['clock-unknown'],
  lockdown: 'the door is locked down: send release-lockdown first',
  'until-past':
    '"until" is in the past, so the order would end before it begins (give epoch milliseconds, or null for no end; ' +
    'to lift a lockdown send release-lockdown, to end a hold-open send end-hold-open)',
  'until-too-far': '"until" is more than 24 hours ahead, and a door is held open for at most 24 hours',
} as const;
export type OrderRefusal = keyof typeof ORDER_REFUSALS;

export type LockKind = 'reader' | 'member' | 'door';

export type AlarmKind = 'duress' | 'forced-door' | 'held-open' | 'lockout' | 'policy-unknown';

/**
 * For the people who guard the door, not for the person at it: a duress alarm is silent, and the decision does not
 * mention it.
 */
export interface Alarm {
  readonly kind: AlarmKind;
  readonly door: string;
  readonly member: string | null;
  readonly reader: string | null;
  /** Monotonic ms. */
  readonly at: number;
}

export interface PolicyDecision {
  readonly door: string;
  readonly decision: Decision;
}

export interface PolicyStep {
  readonly state: PolicyState;
  readonly alarms: readonly Alarm[];
  /** Unlocks that an order requests, to be announced and audited like any other grant. */
  readonly decisions: readonly PolicyDecision[];
  /** Why an order was not obeyed. */
  readonly refused: OrderRefusal | null;
}

export interface PolicyContext {
  readonly rules: PolicyRules;
  readonly now: Now;
  readonly rightsOf: RightsOf;
}

export const CLOSED_CONTACT: ContactState = { open: null, since: 0, excusedUntil: -Infinity, heldAlarmed: false };
export const NO_ORDERS: DoorOrders = { lockdown: null, hold: null, first: null, contact: CLOSED_CONTACT, undo: null };

/** The state of a new box: all members are outside. A lost state is another one: see `lostState`. */
export const FIRST_STATE: PolicyState = {
  lost: false,
  lostReported: false,
  presence: new Map(),
  passages: new Map(),
  failures: new Map(),
  locks: new Map(),
  swipes: new Map(),
  doors: new Map(),
  resetDay: null,
};

export const LOST_STATE: PolicyState = { ...FIRST_STATE, lost: true };

/** Doors into one zone share their timed anti-passback; a door without a named zone has its own. */
export function scopeOf(door: Pick<DoorRules, 'id' | 'passage'>): string {
  return door.passage === null ? `door:${door.id}` : `zone:${door.passage.to}`;
}

export function ordersOf(state: PolicyState, door: string): DoorOrders {
  return state.doors.get(door) ?? NO_ORDERS;
}

export function withOrders(state: PolicyState, door: string, change: Partial<DoorOrders>): PolicyState {
  return { ...state, doors: new Map(state.doors).set(door, { ...ordersOf(state, door), ...change }) };
}
