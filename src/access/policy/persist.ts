import { z } from 'zod';
import { LOST_STATE, type Now, OUTSIDE, type PolicyState } from './types';

/**
 * The policy's state as text, to survive a restart. Its times are monotonic, and the monotonic clock restarts with the
 * machine, so the moment of saving is saved too: both clocks, and the boot of the machine. Within one boot the monotonic
 * clock gives the elapsed time; across boots the wall clock does, but never less than zero.
 */

/** Of a machine's boot: `/proc/sys/kernel/random/boot_id`, or '' if there is none (then no two boots are the same). */
export interface Moment extends Now {
  readonly machineBoot: string;
}

const VERSION = 1;
/** A box that was off for longer comes back without its orders: after such a time the clock may well be wrong. */
const LONGEST_OFF_MS = 7 * 24 * 3_600_000;
const MAX_CHARS = 32 * 1024 * 1024;

const Name = z.string().min(1).max(160);
const Time = z.number();
const entries = <T extends z.ZodType>(value: T) => z.array(z.tuple([Name, value])).max(200_000);

const Orders = z.strictObject({
  lockdown: z.strictObject({ groups: z.array(Name).max(64), until: Time.nullable() }).nullable(),
  hold: z.strictObject({ until: Time, renewAt: Time }).nullable(),
  first: z.strictObject({ member: Name, at: Time }).nullable(),
  contact: z.strictObject({
    open: z.boolean().nullable(),
    since: Time,
    excusedUntil: Time.nullable(),
    heldAlarmed: z.boolean(),
  }),
});

const Saved = z.strictObject({
  v: z.literal(VERSION),
  saved: z.strictObject({ mono: Time, wall: Time.nullable(), machineBoot: z.string().max(64) }),
  lost: z.boolean(),
  presence: entries(Name),
  passages: entries(Time),
  failures: entries(z.array(Time).max(1000)),
  locks: entries(Time),
  swipes: entries(z.array(Time).max(1001)),
  doors: entries(Orders),
  resetDay: z.number().int().nullable(),
});
type Saved = z.infer<typeof Saved>;

/** The state as text for `parsePolicyState`, with the moment of saving. */
export function serialisePolicyState(state: PolicyState, moment: Moment): string {
  const { mono, wall, machineBoot } = moment;
  const saved: Saved = {
    v: VERSION,
    saved: { mono, wall, machineBoot },
    lost: state.lost,
    presence: [...state.presence],
    passages: [...state.passages],
    failures: [...state.failures].map(([key, times]) => [key, [...times]]),
    locks: [...state.locks],
    swipes: [...state.swipes].map(([key, times]) => [key, [...times]]),
    doors: [...state.doors].map(([door, { lockdown, hold, first, contact }]) => [
      door,
      {
        lockdown: lockdown === null ? null : { ...lockdown, groups: [...lockdown.groups] },
        hold,
        first,
        contact: { ...contact, excusedUntil: Number.isFinite(contact.excusedUntil) ? contact.excusedUntil : null },
      },
    ]),
    resetDay: state.resetDay,
  };
  return JSON.stringify(saved);
}

/**
 * Never throws and never guesses: text that cannot be understood, including one of a later version, is a lost state, in
 * which no one passes until an order sets a new one. What admits people (a held door, the first of two persons) ends
 * with the machine's boot; what keeps them out does not.
 */
export function parsePolicyState(text: string, moment: Moment): PolicyState {
  let saved: Saved;
  try {
    if (text.length > MAX_CHARS) return LOST_STATE;
    saved = Saved.parse(JSON.parse(text));
  } catch {
    return LOST_STATE;
  }
  const sameBoot =
    moment.machineBoot !== '' && saved.saved.machineBoot === moment.machineBoot && moment.mono >= saved.saved.mono;
  const elapsed = sameBoot ? moment.mono - saved.saved.mono : elapsedByWall(saved.saved.wall, moment.wall);
  const shift = moment.mono - elapsed - saved.saved.mono;
  const move = (at: number): number => at + shift;
  return {
    lost: saved.lost,
    lostReported: false,
    presence: new Map(saved.presence.filter(([, zone]) => zone !== OUTSIDE)),
    passages: new Map(saved.passages.map(([key, at]) => [key, move(at)])),
    failures: new Map(saved.failures.map(([key, times]) => [key, times.map(move)])),
    locks: new Map(saved.locks.map(([key, until]) => [key, move(until)])),
    swipes: new Map(saved.swipes.map(([key, times]) => [key, times.map(move)])),
    doors: new Map(
      saved.doors.map(([door, { lockdown, hold, first, contact }]) => [
        door,
        {
          lockdown:
            lockdown === null ? null : { ...lockdown, until: lockdown.until === null ? null : move(lockdown.until) },
          hold: sameBoot && hold !== null ? { until: move(hold.until), renewAt: move(hold.renewAt) } : null,
          first: sameBoot && first !== null ? { member: first.member, at: move(first.at) } : null,
          undo: null,
          contact: {
            ...contact,
            since: move(contact.since),
            excusedUntil: sameBoot && contact.excusedUntil !== null ? move(contact.excusedUntil) : -Infinity,
          },
        },
      ]),
    ),
    resetDay: saved.resetDay,
  };
}

/**
 * If the clock went back, jumped or is unknown, no time has passed: what keeps people out lasts longer. Otherwise a
 * clock in 2038 at a start would lift a lockdown that has an end.
 */
function elapsedByWall(then: number | null, now: number | null): number {
  const elapsed = then === null || now === null ? 0 : now - then;
  return elapsed > 0 && elapsed <= LONGEST_OFF_MS ? elapsed : 0;
}
