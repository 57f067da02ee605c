import { type DoorMode } from '../door-types';
import { inForce } from './schedule';
import { type DoorRules, type Now, type PolicyRules } from './types';

/** A wall clock before this was never set: a box without a battery starts in 1970. */
const EARLIEST_WALL = Date.UTC(2025, 0, 1);

/** Epoch ms, or null for a clock that cannot be right. */
export function wallOf(now: Now): number | null {
  return now.wall !== null && now.wall >= EARLIEST_WALL ? now.wall : null;
}

/** Null if unknown. A name without a schedule is never in force. */
export function scheduleHolds(rules: PolicyRules, name: string, now: Now): boolean | null {
  const wall = wallOf(now);
  if (wall === null) return null;
  const schedule = rules.schedules.get(name);
  return schedule !== undefined && inForce(schedule, rules.zone, wall);
}

/** The present mode of a door. If the time is unknown, both card and face are required. */
export function modeAt(rules: PolicyRules, door: DoorRules, now: Now): DoorMode {
  for (const { schedule, mode } of door.modes) {
    const holds = scheduleHolds(rules, schedule, now);
    if (holds === null) return 'verify';
    if (holds) return mode;
  }
  return door.mode;
}

/** Whether two persons are required at present. If the time is unknown, they are. */
export function twoPersonApplies(rules: PolicyRules, door: DoorRules, now: Now): boolean {
  if (door.twoPerson === null) return false;
  const { schedule } = door.twoPerson;
  return schedule === null || (scheduleHolds(rules, schedule, now) ?? true);
}
