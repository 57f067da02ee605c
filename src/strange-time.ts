/**
 * What a time that differs from ours looks like, for the person who set up the sender. Guesses, in words; nothing is accepted
 * because of them.
 */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** Zones lie whole quarters of an hour apart, from UTC-12 to UTC+14. */
const ZONE_STEP_MS = 15 * MINUTE_MS;
const ZONE_MAX_MS = 14 * HOUR_MS;
/** A clock that is off by a zone is off by little more. */
const ZONE_SLACK_MS = 30_000;
/** A number in another unit is near our time once it is scaled. */
const UNIT_SLACK_MS = 400 * DAY_MS;
/** 2001 in ms. No clock that was ever set is before it; any number of seconds until the year 5138 is below it. */
const EARLIEST_MS = 1e12;

const UNITS: readonly (readonly [name: string, toMs: number])[] = [
  ['seconds', 1000],
  ['microseconds', 1e-3],
  ['nanoseconds', 1e-6],
];

/**
 * @param given what was sent as a time
 * @param now epoch ms
 * @param toleranceMs accepted difference
 * @returns null if it looks like a present time
 */
export function strangeTime(given: unknown, now: number, toleranceMs: number): string | null {
  if (typeof given === 'string') return strangeText(given);
  if (typeof given !== 'number' || !Number.isFinite(given))
    return 'this is no time: send milliseconds since 1970 (UTC)';
  const ahead = given - now;
  if (Math.abs(ahead) <= toleranceMs) return null;
  for (const [unit, toMs] of UNITS)
    if (Math.abs(given * toMs - now) <= UNIT_SLACK_MS)
      return `this looks like ${unit}: send milliseconds since 1970 (UTC)`;
  if (given < EARLIEST_MS)
    return 'the sender’s clock was never set, or it sends the time since it started: set its clock';
  const behindOrAhead = `${durationText(Math.abs(ahead))} ${ahead > 0 ? 'ahead' : 'behind'}`;
  const zone = Math.round(ahead / ZONE_STEP_MS) * ZONE_STEP_MS;
  if (zone !== 0 && Math.abs(zone) <= ZONE_MAX_MS && Math.abs(ahead - zone) <= Math.max(toleranceMs, ZONE_SLACK_MS))
    return `the sender’s clock is ${durationText(Math.abs(zone))} ${zone > 0 ? 'ahead' : 'behind'}, which looks like a time zone: send UTC`;
  return `the sender’s clock is ${behindOrAhead}, or the message was held up on its way`;
}

/** A moment that should not be near now, such as an end: null, or what its unit looks like. */
export function strangeUnit(given: number): string | null {
  return given < EARLIEST_MS ? 'this looks like seconds: send milliseconds since 1970 (UTC)' : null;
}

function strangeText(given: string): string {
  if (/^\s*\d+(\.\d+)?\s*$/.test(given)) return 'this is a number in quotes: send it without them';
  if (/^\d{4}-\d\d-\d\d([T ]\d\d:\d\d)?/.test(given))
    return 'this looks like a date in words (ISO 8601): send milliseconds since 1970 (UTC), as a number';
  return 'this is text: send milliseconds since 1970 (UTC), as a number';
}

function durationText(ms: number): string {
  if (ms >= 2 * DAY_MS) return `${Math.round(ms / DAY_MS)} days`;
  if (ms >= HOUR_MS) {
    const minutes = Math.round(ms / MINUTE_MS);
    return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  }
  return ms >= 2 * MINUTE_MS ? `${Math.round(ms / MINUTE_MS)} min` : `${Math.round(ms / 1000)} s`;
}
