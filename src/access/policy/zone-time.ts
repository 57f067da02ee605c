/**
 * Local time of a place, from the time-zone data in Node (Intl). Days are counted from 1970-01-01 of the local
 * calendar, so that date arithmetic never meets a clock change.
 */
export const DAY_MS = 86_400_000;
export const MINUTE_MS = 60_000;
/** Every change of offset since 1990 falls on a quarter of an hour in UTC. */
const QUARTER_MS = 15 * MINUTE_MS;
const REMEMBERED_OFFSETS = 4096;

const formats = new Map<string, Intl.DateTimeFormat>();
const offsets = new Map<string, Map<number, number>>();

/** What to add to epoch ms to read them as local time, ms. @throws RangeError for an unknown zone */
export function offsetMs(zone: string, at: number): number {
  const quarter = Math.floor(at / QUARTER_MS);
  const known = offsets.get(zone) ?? new Map<number, number>();
  offsets.set(zone, known);
  let offset = known.get(quarter);
  if (offset === undefined) {
    // Only a cache: the result does not depend on its content.
    if (known.size >= REMEMBERED_OFFSETS) known.clear();
    offset = readOffset(zone, quarter * QUARTER_MS);
    known.set(quarter, offset);
  }
  return offset;
}

/** The local calendar day of an instant. */
export function localDay(zone: string, at: number): number {
  return Math.floor((at + offsetMs(zone, at)) / DAY_MS);
}

/** 0 is Monday. */
export function weekdayOf(day: number): number {
  return (((day + 3) % 7) + 7) % 7;
}

/** `YYYY-MM-DD`. */
export function dateOf(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

/**
 * The instant at which the local clock shows a time of day; minutes past 1440 are on the next day. A time that occurs
 * twice means the first. A time that is skipped is moved later by the skipped span (`compatible` of TC39 Temporal).
 * @returns epoch ms
 */
export function instantOf(zone: string, day: number, minutes: number): number {
  const local = day * DAY_MS + minutes * MINUTE_MS;
  const before = offsetMs(zone, local - DAY_MS);
  const after = offsetMs(zone, local + DAY_MS);
  const candidates = [local - before, local - after].filter((at) => at + offsetMs(zone, at) === local);
  return candidates.length === 0 ? local - before : Math.min(...candidates);
}

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formats.set(zone, format);
  }
  return format;
}

function readOffset(zone: string, at: number): number {
  const read: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
  for (const { type, value } of formatOf(zone).formatToParts(at)) read[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = read;
  return Date.UTC(year, month - 1, day, hour, minute, second) - at;
}
