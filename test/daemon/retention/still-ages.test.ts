import { StillAges } from '../../../src/daemon/retention/still-ages';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOW = Date.UTC(2026, 5, 1);
const still = (name: string, at: number) => ({ name, at });
const many = (count: number) => Array.from({ length: count }, (_, index) => still(`s${index}`, NOW - 9 * DAY));

test('by time that passed since it was first seen, whatever the date is', () => {
  const ages = new StillAges(DAY);
  const stills = [still('a', NOW + 1000 * DAY)];
  for (const [mono, old] of [
    [0, false],
    [DAY, false],
    [DAY + 1, true],
  ] as const)
    expect(ages.tooOld(stills, { mono, date: null }).has('a')).toBe(old);
});

test('by its date after an hour, and only while the date is trusted', () => {
  const ages = new StillAges(7 * DAY);
  const stills = [still('old', NOW - 8 * DAY), still('young', NOW)];
  const ask = (mono: number, date: number | null) => [...ages.tooOld(stills, { mono, date })];
  expect(ask(0, NOW)).toEqual([]);
  expect(ask(HOUR - 1, NOW)).toEqual([]);
  expect(ask(HOUR, null)).toEqual([]);
  expect(ask(HOUR + 1, NOW)).toEqual([]);
  expect(ask(2 * HOUR + 1, NOW)).toEqual(['old']);
});

test('by date no more than a quarter in an hour', () => {
  const ages = new StillAges(7 * DAY);
  let stills = many(100);
  ages.tooOld(stills, { mono: 0, date: NOW });
  const gone: number[] = [];
  for (let hour = 1; hour <= 4; hour++) {
    const old = ages.tooOld(stills, { mono: hour * HOUR, date: NOW });
    const again = ages.tooOld(stills, { mono: hour * HOUR + 60_000, date: NOW });
    gone.push(old.size, again.size);
    stills = stills.filter(({ name }) => !old.has(name));
  }
  expect(gone).toEqual([25, 0, 18, 0, 14, 0, 10, 0]);
});
