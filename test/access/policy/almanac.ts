import { type PolicyConfig } from '../../../src/config/schema/policy';

/**
 * The oracle's own calendar: it looks at a clock on the wall, minute by minute, and writes down when each time of each day is
 * first shown. It shares nothing with the code under test but the time-zone data.
 */
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const NAMES = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const almanacs = new Map<string, Almanac>();
const shifts = new Map<string, string>();

export class Almanac {
  private readonly shown: string[] = [];
  private readonly first = new Map<string, number>();

  private constructor(
    zone: string,
    private readonly from: number,
    days: number,
  ) {
    // 'sv-SE' writes 2026-03-29 03:00.
    const format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' });
    for (let at = from; at < from + days * DAY; at += MINUTE) {
      const text = format.format(at);
      this.shown.push(text);
      if (!this.first.has(text)) this.first.set(text, at);
    }
  }

  /** Around a day: four before, fifteen after. */
  static around(zone: string, day: number): Almanac {
    const key = `${zone} ${day}`;
    let almanac = almanacs.get(key);
    if (almanac === undefined) almanacs.set(key, (almanac = new Almanac(zone, day - 4 * DAY, 19)));
    return almanac;
  }

  /** `YYYY-MM-DD HH:mm`, or null outside of what was written down. */
  read(at: number): string | null {
    return this.shown[Math.floor((at - this.from) / MINUTE)] ?? null;
  }

  covers(at: number): boolean {
    return at >= this.from + 2 * DAY && this.read(at + 2 * DAY) !== null;
  }

  inForce(policy: PolicyConfig, name: string, at: number): boolean {
    const today = this.read(at)?.slice(0, 10) ?? '';
    return [shift(today, -1), today].some((date) =>
      this.spansOf(policy, name, date).some(({ from, to }) => {
        const tomorrow = to === '24:00' || to <= from;
        const begin = this.when(date, from);
        const end = tomorrow ? this.when(shift(date, 1), to === '24:00' ? '00:00' : to) : this.when(date, to);
        const length = (minuteOf(to) - minuteOf(from) + (tomorrow && to !== '24:00' ? 1440 : 0)) * MINUTE;
        return begin <= at && at < (begin < end ? end : begin + length);
      }),
    );
  }

  /** When the clock first shows a time. A time that it skips: as long after the last one shown before as the clock would need. */
  private when(date: string, time: string): number {
    for (let back = 0; back <= 120; back++) {
      const minute = new Date(Date.parse(`${date}T${time}Z`) - back * MINUTE).toISOString();
      const shown = this.first.get(minute.slice(0, 16).replace('T', ' '));
      if (shown !== undefined) return shown + back * MINUTE;
    }
    throw new Error(`the almanac lacks ${date} ${time}`);
  }

  private spansOf(policy: PolicyConfig, name: string, date: string): readonly { from: string; to: string }[] {
    const schedule = policy.schedules[name];
    if (schedule === undefined) return [];
    if (schedule.holidays === 'observed') {
      const concerning = policy.holidays.filter((day) => day.schedules === undefined || day.schedules.includes(name));
      const holiday =
        concerning.find((day) => day.date === date) ?? concerning.find((day) => day.date === date.slice(5));
      if (holiday !== undefined) return holiday.spans;
    }
    const weekday = NAMES[new Date(`${date}T12:00:00Z`).getUTCDay()] ?? '';
    return schedule.weekly.filter(({ days }) => (days as readonly string[]).includes(weekday));
  }
}

const minuteOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));

export function shift(date: string, days: number): string {
  const key = `${date} ${days}`;
  let shifted = shifts.get(key);
  if (shifted === undefined) shifts.set(key, (shifted = calculate(date, days)));
  return shifted;
}

function calculate(date: string, days: number): string {
  return new Date(Date.parse(`${date}T12:00:00Z`) + days * DAY).toISOString().slice(0, 10);
}
