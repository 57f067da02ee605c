import fc from 'fast-check';
import { distanceFor, isMeasured, oneToMany } from '../../../src/access/members/thresholds';

const TABLE = [
  { fmr: 1e-3, distance: 1.2 },
  { fmr: 1e-5, distance: 1.0 },
  { fmr: 1e-4, distance: 1.1 },
];

const rate = fc.double({ min: 1e-12, max: 0.5, noNaN: true });
const table = fc
  .array(
    fc.record({
      fmr: fc.constantFrom(1e-1, 1e-2, 1e-3, 1e-4, 1e-5),
      distance: fc.double({ min: 0.1, max: 2, noNaN: true }),
    }),
    {
      minLength: 1,
      maxLength: 6,
    },
  )
  // Rows over at least two rates that rise somewhere: a table that can be extended.
  .filter((rows) => {
    const strictest = Math.min(...rows.map((row) => row.fmr));
    const loosest = Math.max(...rows.map((row) => row.fmr));
    const at = (fmr: number): number => Math.min(...rows.filter((row) => row.fmr === fmr).map((row) => row.distance));
    return strictest < loosest && Math.min(...rows.map((row) => row.distance)) < at(loosest);
  });

describe('distanceFor', () => {
  it.each([
    [1e-3, 1.2],
    [1e-4, 1.1],
    [1e-5, 1.0],
    [10 ** -3.5, 1.15],
    [10 ** -4.25, 1.075],
    [1e-6, 0.9],
    [1e-7, 0.8],
    [1e-2, 1.2],
    [0.9, 1.2],
  ])('answers for a rate of %d', (fmr, distance) => {
    expect(distanceFor(TABLE, fmr)).toBeCloseTo(distance, 10);
  });

  it('never loosens as the rate falls', () => {
    fc.assert(
      fc.property(table, rate, rate, (rows, a, b) => {
        expect(distanceFor(rows, Math.min(a, b))).toBeLessThanOrEqual(distanceFor(rows, Math.max(a, b)) + 1e-12);
      }),
    );
  });

  it('is never looser than a row whose rate is at least the wanted one, and never negative', () => {
    fc.assert(
      fc.property(table, rate, (rows, fmr) => {
        const distance = distanceFor(rows, fmr);
        expect(distance).toBeGreaterThanOrEqual(0);
        for (const row of rows) if (row.fmr >= fmr) expect(distance).toBeLessThanOrEqual(row.distance + 1e-12);
        expect(distance).toBeLessThanOrEqual(Math.max(...rows.map((row) => row.distance)));
      }),
    );
  });

  it('tightens beyond a flat end of the table', () => {
    const flat = [...TABLE, { fmr: 1e-6, distance: 1.0 }];
    expect(distanceFor(flat, 1e-7)).toBeLessThan(1.0);
  });

  it('takes the stricter of two rows for one rate', () => {
    const other = { fmr: 1e-4, distance: 1.05 };
    expect([distanceFor([...TABLE, other], 1e-4), distanceFor([other, ...TABLE], 1e-4)]).toEqual([1.05, 1.05]);
  });

  it('refuses to guess beyond a single row, but uses it', () => {
    const single = [{ fmr: 1e-4, distance: 1.1 }];
    expect(distanceFor(single, 1e-4)).toBe(1.1);
    expect(() => distanceFor(single, 1e-5)).toThrow(/no slope to extend/);
  });

  it.each([0, -1, 1, NaN])('refuses the rate %d', (fmr) => {
    expect(() => distanceFor(TABLE, fmr)).toThrow(RangeError);
  });

  it('refuses an empty table', () => {
    expect(() => distanceFor([], 1e-3)).toThrow(/no thresholds/);
  });

  it.each([
    { fmr: 0, distance: 1 },
    { fmr: 1, distance: 1 },
    { fmr: -1e-3, distance: 1 },
    { fmr: NaN, distance: 1 },
    { fmr: 1e-3, distance: 0 },
    { fmr: 1e-3, distance: -1 },
    { fmr: 1e-3, distance: Infinity },
    { fmr: 1e-3, distance: NaN },
  ])('refuses a table with the impossible row %p', (row) => {
    expect(() => distanceFor([...TABLE, row], 1e-3)).toThrow(/impossible/);
  });
});

describe('oneToMany', () => {
  it('shares the rate among the members', () => {
    expect(oneToMany(TABLE, 1e-3, 1)).toBeCloseTo(1.2, 10);
    expect(oneToMany(TABLE, 1e-3, 100)).toBeCloseTo(1.0, 10);
    expect(oneToMany(TABLE, 1e-4, 1000)).toBeCloseTo(0.8, 10);
    expect(oneToMany(TABLE, 1e-4, 0)).toBeCloseTo(1.1, 10);
  });

  it('tightens with every member', () => {
    fc.assert(
      fc.property(table, fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: 1, max: 1e6 }), (rows, a, b) => {
        expect(oneToMany(rows, 1e-3, Math.max(a, b))).toBeLessThanOrEqual(
          oneToMany(rows, 1e-3, Math.min(a, b)) + 1e-12,
        );
      }),
    );
  });
});

describe('isMeasured', () => {
  it('tells extension from measurement', () => {
    expect(isMeasured(TABLE, 1e-5)).toBe(true);
    expect(isMeasured(TABLE, 9e-6)).toBe(false);
  });
});
