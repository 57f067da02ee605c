import fc from 'fast-check';
import { strangeTime, strangeUnit } from '../src/strange-time';

const NOW = Date.parse('2026-06-01T12:00:00Z');
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

test.each<[what: string, said: unknown, looksLike: string | null]>([
  ['the time', NOW, null],
  ['a little behind', NOW - 10_000, null],
  ['a little ahead', NOW + 10_000, null],
  ['one ms more', NOW + 10_001, 'is 10 s ahead, or the message was held up'],
  ['seconds', NOW / 1000, 'looks like seconds: send milliseconds'],
  ['seconds of last year', NOW / 1000 - 300 * 86_400, 'looks like seconds'],
  ['microseconds', NOW * 1000, 'looks like microseconds'],
  ['nanoseconds', NOW * 1e6, 'looks like nanoseconds'],
  ['summer time', NOW + HOUR, 'is 1 h ahead, which looks like a time zone: send UTC'],
  ['… with an inexact clock', NOW + HOUR - 4000, 'is 1 h ahead, which looks like a time zone'],
  ['New York', NOW - 4 * HOUR, 'is 4 h behind, which looks like a time zone'],
  ['Kathmandu', NOW + 5.75 * HOUR, 'is 5 h 45 min ahead, which looks like a time zone'],
  ['no zone', NOW + 15 * HOUR, 'is 15 h ahead, or the message'],
  ['minutes', NOW - 7 * MINUTE, 'is 7 min behind, or the message'],
  ['2038', Date.UTC(2038, 0, 1), 'days ahead'],
  ['1970', 42_000, 'was never set, or it sends the time since it started'],
  ['0', 0, 'was never set'],
  ['ISO', '2026-06-01T12:00:00Z', 'ISO 8601'],
  ['ISO with a blank', '2026-06-01 12:00', 'ISO 8601'],
  ['a quoted number', String(NOW), 'in quotes'],
  ['words', 'now', 'this is text'],
  ['nothing', null, 'this is no time'],
  ['not a number', NaN, 'this is no time'],
])('%s', (_, said, looksLike) => {
  const text = strangeTime(said, NOW, 10_000);
  if (looksLike === null) expect(text).toBeNull();
  else expect(text).toContain(looksLike);
});

test('says something of every time that is refused, and nothing of one that is taken', () => {
  fc.assert(
    fc.property(fc.oneof(fc.double(), fc.integer({ min: NOW - 1e6, max: NOW + 1e6 })), (said) => {
      expect(strangeTime(said, NOW, 10_000) === null).toBe(Math.abs(said - NOW) <= 10_000);
    }),
    { numRuns: 5000 },
  );
});

test.each([
  [NOW / 1000, 'seconds'],
  [999_999_999_999, 'seconds'],
  [1e12, null],
  [NOW, null],
])('an end of %p', (said, unit) => {
  expect(strangeUnit(said) === null).toBe(unit === null);
});
