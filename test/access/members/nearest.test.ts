import fc from 'fast-check';
import { NearestPersons } from '../../../src/access/members/nearest';

const idOf = (person: number): string => 'dbacfegihj'[person]!;
type Offer = readonly [person: number, squared: number];

/** Few distances, so that many are equal. */
const offers = fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 4 })), { maxLength: 30 });

function expected(all: readonly Offer[], k: number): Offer[] {
  const best = new Map<number, number>();
  for (const [person, squared] of all) best.set(person, Math.min(squared, best.get(person) ?? Infinity));
  return [...best].sort((a, b) => a[1] - b[1] || (idOf(a[0]) < idOf(b[0]) ? -1 : 1)).slice(0, k);
}

test('the k nearest persons, each once, equal ones by id, whatever the order of the rows', () => {
  const nearest = new NearestPersons(idOf);
  fc.assert(
    fc.property(offers, fc.integer({ min: 1, max: 12 }), (all, k) => {
      nearest.reset(k);
      for (const [person, squared] of all) nearest.offer(person, squared);
      const found = Array.from({ length: nearest.length }, (_, rank) => [
        ...[nearest.person(rank), nearest.squaredDistance(rank)],
      ]);
      expect(found).toEqual(expected(all, k));
    }),
    { numRuns: 500 },
  );
});

test('what is above the bound cannot matter: the last distance once there are k, and none before', () => {
  const nearest = new NearestPersons(idOf);
  nearest.reset(2);
  const rows: readonly Offer[] = [
    [0, 3],
    [1, 5],
    [2, 4],
  ];
  const bounds = rows.map(([person, squared]) => {
    nearest.offer(person, squared);
    return nearest.bound;
  });
  expect(bounds).toEqual([Infinity, 5, 4]);
  nearest.reset(2);
  expect([nearest.bound, nearest.length]).toEqual([Infinity, 0]);
});
