import fc from 'fast-check';
import { inForce } from '../../../src/access/policy/schedule';
import { compilePolicy } from '../../../src/access/policy/rules';
import { instantOf, localDay, offsetMs } from '../../../src/access/policy/zone-time';
import { PolicyConfig } from '../../../src/config/schema/policy';

const ALL = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const schedule = (weekly: object[], more: object = {}, holidays: object[] = []) => {
  const rules = compilePolicy(PolicyConfig.parse({ schedules: { s: { weekly, ...more } }, holidays }), []);
  const compiled = rules.schedules.get('s');
  if (compiled === undefined) throw new Error('no schedule');
  return compiled;
};
const at = (iso: string): number => Date.parse(iso);

describe('a weekly schedule', () => {
  const office = schedule([{ days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '09:00', to: '17:30' }]);
  const night = schedule([{ days: ['fri'], from: '22:00', to: '02:30' }]);
  const always = schedule([{ days: ALL, from: '00:00', to: '24:00' }]);
  const early = schedule([{ days: ALL, from: '02:30', to: '04:00' }]);
  const first = schedule([{ days: ['sun'], from: '00:00', to: '01:00' }]);
  const late = schedule([{ days: ALL, from: '01:00', to: '02:30' }]);

  test.each([
    ['opens on the minute', office, 'UTC', '2026-06-01T09:00:00Z', true],
    ['not a moment before', office, 'UTC', '2026-06-01T08:59:59.999Z', false],
    ['closes on the minute', office, 'UTC', '2026-06-01T17:30:00Z', false],
    ['is open to the last moment', office, 'UTC', '2026-06-01T17:29:59.999Z', true],
    ['not on Saturday', office, 'UTC', '2026-06-06T12:00:00Z', false],
    ['reads the clock of the place', office, 'Europe/Berlin', '2026-06-01T07:00:00Z', true],
    ['reads the weekday of the place', office, 'Asia/Tokyo', '2026-05-31T23:30:00Z', false],
    ['… where it is Monday already', office, 'Asia/Tokyo', '2026-06-01T00:00:00Z', true],
    ['runs past midnight', night, 'UTC', '2026-06-06T01:00:00Z', true],
    ['into Saturday, not into Friday', night, 'UTC', '2026-06-05T01:00:00Z', false],
    ['and ends there', night, 'UTC', '2026-06-06T02:30:00Z', false],
    ['the whole day, to its end', always, 'UTC', '2026-06-01T23:59:59.999Z', true],
    ['and the next from its beginning', always, 'UTC', '2026-06-02T00:00:00Z', true],
    // Berlin, 29 March 2026: 02:00 → 03:00 at 01:00Z.
    ['a skipped beginning comes as much later', early, 'Europe/Berlin', '2026-03-29T01:29:00Z', false],
    ['… at 03:30 of the new time', early, 'Europe/Berlin', '2026-03-29T01:30:00Z', true],
    ['a skipped end too', late, 'Europe/Berlin', '2026-03-29T01:29:00Z', true],
    ['… and then it is closed', late, 'Europe/Berlin', '2026-03-29T01:30:00Z', false],
    // Berlin, 25 October 2026: 03:00 → 02:00 at 01:00Z.
    ['what ends in the hour that comes twice ends the first time', late, 'Europe/Berlin', '2026-10-25T00:29:00Z', true],
    ['… and closed it stays', late, 'Europe/Berlin', '2026-10-25T00:30:00Z', false],
    ['… also when the clock shows 02:00 again', late, 'Europe/Berlin', '2026-10-25T01:10:00Z', false],
    ['what begins in it begins the first time', early, 'Europe/Berlin', '2026-10-25T00:30:00Z', true],
    ['… and stays open when the clock is set back', early, 'Europe/Berlin', '2026-10-25T01:10:00Z', true],
    // St. John's, 7 November 2010: 00:01 → 23:01 of the day before at 02:31Z.
    ['a clock set back over midnight', first, 'America/St_Johns', '2010-11-07T02:45:00Z', true],
    ['… to the end of what began', first, 'America/St_Johns', '2010-11-07T04:30:00Z', false],
    ['a clock set back by half an hour (Lord Howe)', late, 'Australia/Lord_Howe', '2027-04-03T15:10:00Z', true],
  ])('%s', (_, each, zone, iso, expected) => expect(inForce(each, zone, at(iso))).toBe(expected));

  // Each clock is set forward: what is written, and from when to when it is in force on that day.
  test.each([
    ['wholly in the skipped hour', 'Europe/Berlin', '02:10', '02:50', '2026-03-29T01:10:00Z', '2026-03-29T01:50:00Z'],
    ['out of the skipped hour', 'Europe/Berlin', '02:30', '03:30', '2026-03-29T01:30:00Z', '2026-03-29T02:30:00Z'],
    ['… to less than an hour on', 'Europe/Berlin', '02:30', '03:10', '2026-03-29T01:30:00Z', '2026-03-29T02:10:00Z'],
    ['… past it', 'Europe/Berlin', '02:30', '04:00', '2026-03-29T01:30:00Z', '2026-03-29T02:00:00Z'],
    ['the whole skipped hour', 'Europe/Berlin', '02:00', '03:00', '2026-03-29T01:00:00Z', '2026-03-29T02:00:00Z'],
    ['into the skipped hour', 'Europe/Berlin', '01:30', '02:30', '2026-03-29T00:30:00Z', '2026-03-29T01:30:00Z'],
    ['across it', 'Europe/Berlin', '01:30', '03:30', '2026-03-29T00:30:00Z', '2026-03-29T01:30:00Z'],
    ['half an hour', 'Australia/Lord_Howe', '02:10', '02:40', '2027-10-02T15:40:00Z', '2027-10-02T16:10:00Z'],
    ['a skipped midnight', 'America/Havana', '00:20', '01:20', '2027-03-14T05:20:00Z', '2027-03-14T06:20:00Z'],
    ['up to a skipped midnight', 'America/Havana', '23:00', '24:00', '2027-03-14T04:00:00Z', '2027-03-14T05:00:00Z'],
    ['a skipped midnight too', 'Africa/Cairo', '00:00', '00:30', '2027-04-29T22:00:00Z', '2027-04-29T22:30:00Z'],
    ['another hemisphere', 'America/Santiago', '00:30', '01:30', '2026-09-06T04:30:00Z', '2026-09-06T05:30:00Z'],
  ])('a span over a skipped hour: %s (%s)', (_, zone, from, to, begin, end) => {
    const local = new Intl.DateTimeFormat('en', { timeZone: zone, weekday: 'short' });
    // Only on the weekday on which it begins: another day's span must not stand in for it.
    const days = [local.format(at(end) - (from === '23:00' ? 3_600_001 : 0)).toLowerCase()];
    const span = schedule([{ days, from, to }]);
    expect(inForce(span, zone, at(begin) - 1)).toBe(false);
    expect(inForce(span, zone, at(begin))).toBe(true);
    expect(inForce(span, zone, at(end) - 1)).toBe(true);
    expect(inForce(span, zone, at(end))).toBe(false);
  });

  // Each clock is set back: the first of the two counts, for both ends.
  test.each([
    ['in the doubled hour', 'Europe/Berlin', '02:10', '02:50', '2026-10-25T00:10:00Z', '2026-10-25T00:50:00Z'],
    ['out of it', 'Europe/Berlin', '02:30', '03:30', '2026-10-25T00:30:00Z', '2026-10-25T02:30:00Z'],
    ['into it', 'Europe/Berlin', '01:30', '02:30', '2026-10-24T23:30:00Z', '2026-10-25T00:30:00Z'],
    ['a doubled half hour', 'Australia/Lord_Howe', '01:40', '01:50', '2027-04-03T14:40:00Z', '2027-04-03T14:50:00Z'],
    ['before a doubled midnight', 'America/Havana', '00:10', '00:50', '2027-11-07T04:10:00Z', '2027-11-07T04:50:00Z'],
  ])('a span %s (%s)', (_, zone, from, to, begin, end) => {
    const span = schedule([{ days: ALL, from, to }]);
    const hours = [0, 1, 2, 3].map((hour) => at(end) + hour * 3_600_000);
    expect([at(begin) - 1, at(begin), at(end) - 1, ...hours].map((each) => inForce(span, zone, each))).toEqual([
      ...[false, true, true],
      ...[false, false, false, false],
    ]);
  });

  test.each([
    ['a holiday without spans is closed', '2026-12-25T12:00:00Z', {}, [{ date: '2026-12-25' }], false],
    ['another day is not', '2026-12-24T12:00:00Z', {}, [{ date: '2026-12-25' }], true],
    ['every year', '2031-12-25T12:00:00Z', {}, [{ date: '12-25' }], false],
    [
      'the date of one year wins',
      '2026-12-25T12:00:00Z',
      {},
      [{ date: '12-25' }, { date: '2026-12-25', spans: [{ from: '11:00', to: '13:00' }] }],
      true,
    ],
    ['other hours', '2026-12-25T14:00:00Z', {}, [{ date: '12-25', spans: [{ from: '11:00', to: '13:00' }] }], false],
    ['ignored', '2026-12-25T12:00:00Z', { holidays: 'ignored' }, [{ date: '12-25' }], true],
    ['of other schedules', '2026-12-25T12:00:00Z', {}, [{ date: '12-25', schedules: ['t'] }], true],
  ])('holidays: %s', (_, iso, more, holidays, expected) =>
    expect(inForce(schedule([{ days: ALL, from: '08:00', to: '22:00' }], more, holidays), 'UTC', at(iso))).toBe(
      expected,
    ),
  );

  test('a night that began before a holiday lasts into it', () => {
    const nights = schedule([{ days: ALL, from: '22:00', to: '06:00' }], {}, [{ date: '2026-12-25' }]);
    expect(inForce(nights, 'UTC', at('2026-12-25T05:00:00Z'))).toBe(true);
    expect(inForce(nights, 'UTC', at('2026-12-25T23:00:00Z'))).toBe(false);
    expect(inForce(nights, 'UTC', at('2026-12-26T05:00:00Z'))).toBe(false);
  });
});

describe('civil time', () => {
  const zone = fc.constantFrom(
    'UTC',
    'Europe/Berlin',
    'America/New_York',
    'America/Havana',
    'Australia/Lord_Howe',
    'Asia/Kathmandu',
    'Africa/Casablanca',
    'America/St_Johns',
    'Pacific/Chatham',
    'Pacific/Apia',
    'America/Santiago',
    'Asia/Beirut',
  );
  const instant = fc.integer({ min: Date.UTC(2025, 0, 1), max: Date.UTC(2037, 0, 1) });

  test('agrees with what a clock on the wall shows, in every zone and at every moment', () => {
    fc.assert(
      fc.property(zone, instant, (timeZone, moment) => {
        const shown = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' }).format(
          moment,
        );
        expect(new Date(moment + offsetMs(timeZone, moment)).toISOString().slice(0, 19)).toBe(shown.replace(' ', 'T'));
      }),
      { numRuns: 3000 },
    );
  });

  test('a time of day and back: the same, or as much later as is skipped', () => {
    fc.assert(
      fc.property(zone, instant, fc.integer({ min: 0, max: 1439 }), (timeZone, moment, minutes) => {
        const day = localDay(timeZone, moment);
        const found = instantOf(timeZone, day, minutes);
        const shown = found + offsetMs(timeZone, found);
        const skipped = shown - (day * 86_400_000 + minutes * 60_000);
        expect(skipped === 0 || (skipped > 0 && skipped <= 3_600_000)).toBe(true);
        // The first time that it is shown.
        for (const earlier of [found - 1_800_000, found - 3_600_000])
          if (skipped === 0) expect(earlier + offsetMs(timeZone, earlier)).not.toBe(shown);
      }),
      { numRuns: 3000 },
    );
  });
});
