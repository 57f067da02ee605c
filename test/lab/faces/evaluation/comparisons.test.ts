import fc from 'fast-check';
import { JavaScriptKernel } from '../../../../src/access/members/similarity';
import { bootstrapFnmr } from '../../../../src/lab/report/bootstrap';
import { compareAll } from '../../../../src/lab/faces/evaluation/comparisons';
import { embeddingSet, type Role } from '../../../../src/lab/faces/data/embedding-set';
import { fnirAtFpir, openSetSearches } from '../../../../src/lab/faces/evaluation/identification';
import { seededRandom } from '../../../../src/random';
import { l2Distance } from '../../../../src/store/members/vector';

interface Entry {
  readonly person: number;
  readonly role: Role;
  readonly vector: readonly number[] | null;
}

const setOf = (entries: readonly Entry[]) =>
  embeddingSet(
    entries.map(({ person, role }, i) => ({ file: `${i}`, person, role })),
    entries.map(({ vector }) => (vector === null ? null : Float32Array.from(vector))),
  );

/** Persons as clusters on a sphere; `spread` 0 makes them perfect. */
function people(count: number, pictures: number, spread: number, seed = 7): Entry[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, (_, person) => {
    const centre = Array.from({ length: 24 }, () => random.normal());
    return Array.from({ length: pictures }, (): Entry => {
      const vector = centre.map((x) => x + spread * random.normal());
      const norm = Math.hypot(...vector);
      return { person, role: 'any', vector: vector.map((x) => x / norm) };
    });
  }).flat();
}

const role = fc.constantFrom<Role>('enrolled', 'probe');
const vector = fc.array(
  fc.integer({ min: -8, max: 8 }).map((n) => n / 8),
  { minLength: 5, maxLength: 5 },
);

test.each(['wasm', 'javascript'] as const)(
  'every pair once, by the %s kernel, as the plain double loop has it',
  async (kind) => {
    const entry = fc.record({
      person: fc.integer({ min: 0, max: 5 }),
      role,
      vector: fc.option(vector, { freq: 8, nil: null }),
    });
    const entries = fc.array(entry, { minLength: 2, maxLength: 300 });
    await fc.assert(
      fc.asyncProperty(entries, fc.boolean(), async (list, all) => {
        const set = setOf(all ? list.map((e) => ({ ...e, role: 'any' as const })) : list);
        const genuine: number[] = [];
        const impostor: number[] = [];
        let notMade = 0;
        for (let i = 0; i < set.pictures.length; i++)
          for (let j = i + 1; j < set.pictures.length; j++) {
            const a = list[i]!;
            const b = list[j]!;
            if (!all && a.role === b.role) continue;
            const [left, right] = [a.vector, b.vector].map((v) => v && Float32Array.from(v));
            const d = left && right ? l2Distance(left, right) : Infinity;
            if (a.person === b.person) genuine.push(d);
            else if (left && right) impostor.push(d);
            else notMade++;
          }
        const result = await compareAll(set, undefined, kind === 'javascript' ? new JavaScriptKernel() : undefined);
        expect(result.genuine.count).toBe(genuine.length);
        expect(result.impostor.count).toBe(impostor.length);
        expect(result.impostorsNotMade).toBe(notMade);
        const measured = [...result.genuine.sorted().distances, ...result.impostor.tail().distances];
        const expected = [genuine, impostor].flatMap((each) => each.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)));
        measured.forEach((d, i) => {
          if (expected[i] === Infinity) expect(d).toBe(Infinity);
          else expect(d).toBeCloseTo(expected[i]!, 5);
        });
      }),
      { numRuns: 20 },
    );
  },
);

test('a vector that is not finite, or of another length, is the model’s fault and is said so', () => {
  const pictures = [0, 1].map((person) => ({ file: `${person}.jpg`, person, role: 'any' as const }));
  expect(() => embeddingSet(pictures, [Float32Array.of(1, 2), Float32Array.of(1, NaN)])).toThrow(/1\.jpg/);
  expect(() => embeddingSet(pictures, [Float32Array.of(1, 2), Float32Array.of(1)])).toThrow(/1\.jpg/);
});

describe('the person-level bootstrap', () => {
  test('the weight of a draw in which each person comes once is the number of impostor pairs', async () => {
    const everybody = people(9, 3, 0.4);
    const once = new Int32Array(9).fill(1);
    const all = await compareAll(setOf(everybody));
    expect(all.weightOf(once)).toBe(all.impostor.count);
    const roles = everybody.map((e, i): Entry => ({ ...e, role: i % 3 === 0 ? 'enrolled' : 'probe' }));
    const probes = await compareAll(setOf(roles));
    expect(probes.weightOf(once)).toBe(probes.impostor.count);
    expect(probes.impostor.count).toBe(9 * 8 * 2);
  });

  test('holds the measured rate, is repeatable, and is no point where there are errors', async () => {
    const scores = await compareAll(setOf(people(60, 4, 0.75)));
    const [interval] = bootstrapFnmr(scores, 60, scores.weightOf, [0.01]);
    const threshold = scores.impostor.thresholdAccepting(Math.floor(0.01 * scores.impostor.count));
    const measured = scores.genuine.refused(threshold) / scores.genuine.count;
    expect(measured).toBeGreaterThan(0.01);
    expect(interval!.low).toBeLessThan(measured);
    expect(interval!.high).toBeGreaterThan(measured);
    expect(bootstrapFnmr(scores, 60, scores.weightOf, [0.01])[0]).toEqual(interval);
  });
});

describe('open-set search', () => {
  test('perfect clusters: nobody missed, nobody let in', () => {
    const trials = openSetSearches(setOf(people(40, 3, 0.01)))!;
    expect(trials.gallerySize).toBe(20);
    expect(trials.mated).toHaveLength(80);
    expect(trials.nonMated).toHaveLength(80);
    expect(fnirAtFpir(trials, 0.1)).toMatchObject({ fnir: 0 });
    expect(fnirAtFpir(trials, 0.1)!.fpir).toBeLessThanOrEqual(0.1);
  });

  test('somebody whose nearest is another member is missed at every threshold', () => {
    const x = [1, 0];
    const y = [0, 1];
    const z = [-1, 0];
    const entries: Entry[] = [
      { person: 0, role: 'any', vector: x },
      { person: 0, role: 'any', vector: y },
      { person: 1, role: 'any', vector: z },
      { person: 1, role: 'any', vector: z },
      { person: 2, role: 'any', vector: y },
      { person: 2, role: 'any', vector: y },
    ];
    // Gallery of the first half: persons 0 (x) and 2 (y). Person 0's second picture (y) is taken for person 2.
    const trials = openSetSearches(setOf(entries))!;
    expect([...trials.mated]).toEqual([0, 0, Infinity]);
  });

  test('persons with one picture are strangers only', () => {
    const entries = [...people(4, 2, 0.1), ...people(3, 1, 0.1, 9).map((e) => ({ ...e, person: e.person + 4 }))];
    const trials = openSetSearches(setOf(entries))!;
    expect(trials.mated).toHaveLength(4);
    expect(trials.nonMated).toHaveLength(4 + 3);
  });

  test('a probe without a face is missed, and lets nobody in', () => {
    const entries = people(4, 2, 0.01).map((e, i) => (i === 1 ? { ...e, vector: null } : e));
    const trials = openSetSearches(setOf(entries))!;
    expect(trials.mated[3]).toBe(Infinity);
    expect(trials.nonMated).toHaveLength(3);
  });

  test('too few searches for the target: no value', () => {
    expect(fnirAtFpir(openSetSearches(setOf(people(4, 2, 0.1)))!, 0.01)).toBeNull();
    expect(openSetSearches(setOf(people(3, 1, 0.1)))).toBeNull();
  });
});
