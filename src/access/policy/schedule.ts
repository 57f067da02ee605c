import { dateOf, instantOf, localDay, MINUTE_MS, weekdayOf } from './zone-time';

/** Minutes of the local day of begin and end; an end past 1440 is on the next day. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export interface Schedule {
  /** Spans that begin on each weekday, Monday first. */
  readonly weekly: readonly (readonly Span[])[];
  /** Spans that begin on a special day instead, by `YYYY-MM-DD` or, every year, by `MM-DD`. Empty: closed. */
  readonly special: ReadonlyMap<string, readonly Span[]>;
}

/**
 * Whether a schedule is in force. A span belongs to the day on which it begins: one that runs past midnight lasts into
 * the next day even if that is a holiday. It begins and ends at instants, so a clock set back neither starts it twice
 * nor prolongs what has ended. Both ends follow `instantOf`. If that puts the begin at or past the end (02:30–03:30 on
 * the day on which 02:00–03:00 is skipped begins at 03:30), the end moves as well, and the span keeps its length.
 * @param wall epoch ms
 */
export function inForce(schedule: Schedule, zone: string, wall: number): boolean {
  const today = localDay(zone, wall);
  for (let day = today - 1; day <= today + 1; day++)
    for (const { from, to } of spansOn(schedule, day)) {
      const begin = instantOf(zone, day, from);
      const end = instantOf(zone, day, to);
      if (begin <= wall && wall < (end > begin ? end : begin + (to - from) * MINUTE_MS)) return true;
    }
  return false;
}

function spansOn(schedule: Schedule, day: number): readonly Span[] {
  if (schedule.special.size > 0) {
    const date = dateOf(day);
    const special = schedule.special.get(date) ?? schedule.special.get(date.slice(5));
    if (special !== undefined) return special;
  }
  return schedule.weekly[weekdayOf(day)] ?? [];
}
