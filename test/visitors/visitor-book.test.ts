import fc from 'fast-check';
import { type Visit, VisitorBook, type VisitorBookOptions } from '../../src/visitors/visitor-book';
import { seededRandom } from '../../src/random';

const HOUR = 3_600_000;
/** Noon of a day. */
const NOON = 20_000 * 24 * HOUR + 12 * HOUR;
const at = (hours: number): { mono: number; wall: number } => ({ mono: hours * HOUR, wall: NOON + hours * HOUR });

const bookOf = (options: Partial<VisitorBookOptions> = {}): VisitorBook => {
  let keys = 0;
  const random = seededRandom(5);
  return new VisitorBook(
    {
      method: 'density',
      reach: 1,
      ttlMs: 4 * HOUR,
      capacity: 50,
      newKey: () => new Uint8Array(32).fill(++keys),
      random: () => random.next(),
      ...options,
    },
    at(0),
  );
};
const visit = (place: number, hours = 0, camera = 'hall'): Visit => ({
  vector: Float32Array.of(place, 0),
  quality: 0.5,
  camera,
  at: at(hours),
});

describe.each(['density', 'k-means'] as const)('visitors by %s', (method) => {
  it('are told apart, known again, and keep their identifier', async () => {
    const book = bookOf({ method });
    const first = await book.add(visit(0));
    const other = await book.add(visit(10));
    const again = await book.add(visit(0.3, 1));
    expect(first?.visits).toHaveLength(1);
    expect(first?.visitor).toMatch(/^[0-9a-f]{12}$/);
    expect(other?.visitor).not.toBe(first?.visitor);
    expect(again).toMatchObject({ visitor: first?.visitor, visits: [{ at: at(0) }, { at: at(1) }] });
    expect(book.visitors().map(({ visits }) => visits.length)).toEqual([2, 1]);
  });

  it('have one identifier each, of their own, whoever comes and goes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(4), { minLength: 1, maxLength: 25 }), async (places) => {
        const book = bookOf({ method, capacity: 12, reach: 1 });
        const named = new Map<number, Set<string>>();
        for (const [i, place] of places.entries()) {
          const found = await book.add(visit(10 * place + i / 80, i / 100));
          const names = named.get(place) ?? new Set();
          named.set(place, names.add(found?.visitor ?? 'nobody'));
          const held = new Set(book.visitors().map(({ visitor }) => visitor));
          expect(held.size).toBe(new Set(places.slice(Math.max(0, i - 11), i + 1)).size);
        }
        const all = [...named.values()].flatMap((names) => [...names]);
        expect(new Set(all).size).toBe(all.length);
        expect(all).not.toContain('nobody');
      }),
      { numRuns: 30 },
    );
  });
});

describe('the day of a book', () => {
  const DAY = 24 * HOUR;
  /** Opened long after the machine started. */
  const opened = { mono: 40 * DAY, wall: NOON };
  const openBook = () => {
    const keys: Uint8Array[] = [];
    const newKey = (): Uint8Array => {
      keys.push(new Uint8Array(32).fill(keys.length + 1));
      return keys.at(-1)!;
    };
    const options = { method: 'density', reach: 1, ttlMs: 4 * DAY, capacity: 50, random: () => 0.5 } as const;
    return { book: new VisitorBook({ ...options, newKey }, opened), keys };
  };
  const after = (ms: number, wallMs = ms) => ({ mono: opened.mono + ms, wall: opened.wall + wallMs });
  const come = async (book: VisitorBook, when: Visit['at'], place = 0) =>
    (await book.add({ ...visit(place), at: when }))?.visits.length;

  it.each([
    ['goes on to the last moment', after(12 * HOUR - 1), 2],
    ['ends at midnight', after(12 * HOUR), 1],
    ['goes on for a moment less than 24 hours where the clock stands still', after(DAY - 1, 0), 2],
    ['ends after 24 hours, whatever the clock says', after(DAY, 0), 1],
  ])('%s', async (_, later, visits) => {
    const { book } = openBook();
    await come(book, opened);
    // Nobody sweeps: the next visit does.
    expect(await come(book, later)).toBe(visits);
  });

  it('begins again with each key, and the old key is wiped', async () => {
    const { book, keys } = openBook();
    const [today, tomorrow] = [opened, after(DAY)];
    await come(book, today);
    await come(book, tomorrow);
    expect(keys.map((key) => key[0])).toEqual([0, 2]);
    expect(await come(book, after(2 * DAY - 1, DAY))).toBe(2);
    expect(await come(book, after(2 * DAY, DAY))).toBe(1);
    expect(keys.map((key) => key[0])).toEqual([0, 0, 3]);
  });

  it('counts what is forgotten', async () => {
    const { book } = openBook();
    for (const place of [0, 10, 20]) await come(book, opened, place);
    expect(book.forget(({ vector }) => (vector[0] ?? 0) >= 10)).toBe(2);
    expect(book.forget(() => false)).toBe(0);
    expect(book.size).toBe(1);
  });
});

describe('what is remembered of unknown visitors', () => {
  it('goes after a while, visit by visit, and the oldest first where there are too many', async () => {
    const book = bookOf({ capacity: 3 });
    await book.add(visit(0, 0));
    await book.add(visit(10, 1));
    book.sweep(at(3.9));
    expect(book.size).toBe(2);
    book.sweep(at(4));
    expect(book.visitors().map(({ visits }) => visits[0]?.vector[0])).toEqual([10]);
    for (const place of [20, 30, 40]) await book.add(visit(place, 4.5));
    expect(book.visitors().map(({ visits }) => visits[0]?.vector[0])).toEqual([20, 30, 40]);
  });

  it.each([
    ['the day of the wall clock', { mono: HOUR, wall: NOON + 12 * HOUR }],
    ['24 hours, though the clock was set back', { mono: 24 * HOUR, wall: NOON - HOUR }],
    ['a clock that jumps back over midnight', { mono: HOUR, wall: NOON - 13 * HOUR }],
  ])('goes with %s, and the same face then has another identifier', async (_, later) => {
    const book = bookOf({ ttlMs: 24 * HOUR });
    const before = await book.add(visit(0));
    book.sweep(later);
    expect(book.size).toBe(0);
    expect(book.find(before?.visitor ?? '')).toBeNull();
    const after = await book.add({ ...visit(0), at: later });
    expect(after?.visits).toHaveLength(1);
    expect(after?.visitor).not.toBe(before?.visitor);
  });

  it('says that a visit was forgotten before it was told apart', async () => {
    const book = bookOf();
    const adding = book.add(visit(0));
    book.forget(() => true);
    expect(await adding).toBeNull();
    expect(book.visitors()).toEqual([]);
  });

  it('is told one after the other when several come at once', async () => {
    const book = bookOf({ method: 'k-means' });
    const found = await Promise.all(
      [visit(0), visit(10), visit(0.2), visit(10.2), visit(0.1)].map((one) => book.add(one)),
    );
    expect(new Set(found.map((one) => one?.visitor)).size).toBe(2);
    expect(book.visitors().map(({ visits }) => visits.length)).toEqual([3, 2]);
  });

  it('gives the identifier to the larger part when a cluster falls apart, and never to both', async () => {
    const book = bookOf();
    const [a, b] = [await book.add(visit(0)), await book.add(visit(1.8))];
    expect(a?.visitor).not.toBe(b?.visitor);
    const bridged = await book.add(visit(0.9));
    expect(bridged).toMatchObject({ visitor: a?.visitor, visits: [{}, {}, {}] });
    await book.add(visit(1.9));
    book.forget(({ vector }) => vector[0] === Math.fround(0.9));
    await book.add(visit(50));
    const names = book.visitors().map(({ visitor, visits }) => [visits.length, visitor === a?.visitor]);
    expect(names.sort()).toEqual([
      [1, false],
      [1, false],
      [2, true],
    ]);
  });
});

test('a visitor is found by the identifier, and by no other', async () => {
  const book = bookOf();
  const first = await book.add(visit(0));
  const second = await book.add(visit(10));
  expect(book.find(second!.visitor)).toEqual(second);
  expect(book.find(first!.visitor)).toEqual(first);
  expect(book.find('000000000000')).toBeNull();
});
