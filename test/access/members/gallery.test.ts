import fc from 'fast-check';
import { Gallery, type GalleryTemplate, type Neighbour } from '../../../src/access/members/gallery';
import { createKernel, JavaScriptKernel, type SimilarityKernel } from '../../../src/access/members/similarity';
import { UsherError } from '../../../src/errors';

const SPACE = 'test.space';

const kernels: [string, () => SimilarityKernel][] = [
  ['WebAssembly SIMD', createKernel],
  ['JavaScript', () => new JavaScriptKernel()],
];

const template = (member: string, values: readonly number[]): GalleryTemplate => ({
  member,
  space: SPACE,
  vector: Float32Array.from(values),
});
const query = (...values: number[]) => ({ space: SPACE, vector: Float32Array.from(values) });

/** The definition, in float64 and without any cleverness. */
function naive(templates: readonly GalleryTemplate[], vector: Float32Array): Neighbour[] {
  const best = new Map<string, number>();
  for (const { member, vector: other } of templates) {
    const squared = other.reduce((sum, value, i) => sum + (value - vector[i]!) ** 2, 0);
    best.set(member, Math.min(best.get(member) ?? Infinity, Math.sqrt(squared)));
  }
  return [...best]
    .map(([member, distance]) => ({ member, distance }))
    .sort((a, b) => a.distance - b.distance || (a.member < b.member ? -1 : 1));
}

const vectorOf = (dimensions: number) =>
  fc
    .array(fc.float({ min: -2, max: 2, noNaN: true }), { minLength: dimensions, maxLength: dimensions })
    .filter((values) => values.some((value) => Math.abs(value) > 1e-3));

const scene = fc.constantFrom(1, 3, 16, 17, 128).chain((dimensions) =>
  fc.record({
    templates: fc.array(
      fc
        .record({ member: fc.integer({ min: 0, max: 12 }), values: vectorOf(dimensions) })
        .map(({ member, values }) => template(`m${member}`, values)),
      { maxLength: 40 },
    ),
    wanted: vectorOf(dimensions).map((values) => Float32Array.from(values)),
    k: fc.integer({ min: 1, max: 15 }),
    removed: fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 5 }),
    dimensions: fc.constant(dimensions),
  }),
);

const refused = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof UsherError) return error.code;
    throw error;
  }
  return 'accepted';
};

describe.each(kernels)('gallery on the %s kernel', (_, kernel) => {
  const make = (dimensions: number): Gallery => new Gallery(SPACE, dimensions, kernel());

  const expectNearest = (gallery: Gallery, templates: readonly GalleryTemplate[], wanted: Float32Array, k: number) => {
    const expected = naive(templates, wanted);
    const distance = new Map(expected.map((neighbour) => [neighbour.member, neighbour.distance]));
    const found = gallery.search({ space: SPACE, vector: wanted }, k);
    expect(found.length).toBe(Math.min(k, expected.length));
    expect(new Set(found.map((neighbour) => neighbour.member)).size).toBe(found.length);
    found.forEach((neighbour, rank) => {
      // Persons whose distances differ by less than float32 resolves may swap; everyone is at the true distance of the rank.
      expect(Math.abs(neighbour.distance - expected[rank]!.distance)).toBeLessThan(1e-4);
      expect(Math.abs(neighbour.distance - distance.get(neighbour.member)!)).toBeLessThan(1e-4);
    });
    for (const [member, expectedDistance] of distance)
      expect(Math.abs(gallery.distanceTo(member, { space: SPACE, vector: wanted })! - expectedDistance)).toBeLessThan(
        1e-4,
      );
  };

  it('finds the persons that the definition finds, also after removals', () => {
    fc.assert(
      fc.property(scene, ({ templates, wanted, k, removed, dimensions }) => {
        const gallery = make(dimensions);
        for (const each of templates) gallery.add(each);
        expect(gallery.size).toBe(templates.length);
        expectNearest(gallery, templates, wanted, k);

        for (const member of removed) gallery.removeMember(`m${member}`);
        const left = templates.filter(({ member }) => !removed.some((gone) => `m${gone}` === member));
        expect(gallery.size).toBe(left.length);
        expect(gallery.members).toBe(new Set(left.map(({ member }) => member)).size);
        expectNearest(gallery, left, wanted, k);

        for (const each of templates.slice(0, 3)) gallery.add(each);
        expectNearest(gallery, [...left, ...templates.slice(0, 3)], wanted, k);

        gallery.replaceAll(templates);
        expectNearest(gallery, templates, wanted, k);
      }),
      { numRuns: 150 },
    );
  });

  it('takes more templates at once than it has room for', () => {
    const gallery = make(3);
    gallery.replaceAll(Array.from({ length: 1000 }, (_, i) => template(`m${i}`, [i + 1, 0, 0])));
    for (const i of [0, 63, 64, 96, 500, 999]) {
      expect(gallery.search(query(i + 1.25, 0, 0), 1)).toEqual([{ member: `m${i}`, distance: 0.25 }]);
      // Room that is not used belongs to nobody.
      expect(gallery.distanceTo(`m${i}`, query(0.5, 0, 0))).toBe(i + 0.5);
    }
  });

  it('finds nobody where nobody is, however long a vector is', () => {
    expect(make(20_000).search({ space: SPACE, vector: new Float32Array(20_000).fill(1) })).toEqual([]);
  });

  it('wipes what is removed or replaced from memory', () => {
    const block = kernel();
    const gallery = new Gallery(SPACE, 3, block);
    const traces = () => [...block.floats].filter((value) => value !== 0);
    for (const value of [7, 8, 9]) gallery.add(template(`m${value}`, [value, 0, 0]));
    gallery.removeMember('m7');
    expect(traces()).toEqual([9, 8]);
    expect(gallery.search(query(9, 0, 0), 1)).toEqual([{ member: 'm9', distance: 0 }]);
    gallery.replaceAll([]);
    // Of a search the query stays, until the next.
    expect(traces().filter((value) => value === 8)).toEqual([]);
    expect(block.floats.subarray(16 + 2048).every((value) => value === 0)).toBe(true);
  });

  it.each([0, -1, 1.5, NaN])('refuses to find the %d nearest', (k) => {
    expect(() => make(3).search(query(1, 0, 0), k)).toThrow(RangeError);
  });

  it('searches beyond one chunk of rows, and keeps all vectors while it grows', () => {
    const gallery = make(4);
    for (let i = 0; i < 5000; i += 1) gallery.add(template(`m${i}`, [i, 1, 0, 0]));
    for (const i of [0, 2047, 2048, 4095, 4096, 4999]) {
      expect(gallery.search(query(i + 0.25, 1, 0, 0), 1)).toEqual([{ member: `m${i}`, distance: 0.25 }]);
      expect(gallery.distanceTo(`m${i}`, query(i, 1, 0, 3))).toBe(3);
    }
  });

  it('orders exact ties by member, whatever the order of enrolment', () => {
    const names = ['b', 'a', 'd', 'c'];
    for (const order of [names, [...names].reverse()]) {
      const gallery = make(2);
      for (const name of order) gallery.add(template(name, [1, 0]));
      expect(gallery.search(query(1, 0), 3).map(({ member }) => member)).toEqual(['a', 'b', 'c']);
    }
  });

  it('is exact for a vector that coincides with a template, of any length', () => {
    const gallery = make(128);
    const values = Array.from({ length: 128 }, (_, i) => Math.sin(i) * 40);
    gallery.add(template('same', values));
    gallery.add(template('other', [...values].reverse()));
    expect(gallery.search(query(...values), 1)).toEqual([{ member: 'same', distance: 0 }]);
  });

  it('names a person once, by the best of several templates', () => {
    const gallery = make(2);
    gallery.replaceAll([template('a', [5, 0]), template('b', [3, 0]), template('a', [1, 0]), template('a', [1, 0])]);
    expect(gallery.search(query(1, 1), 5)).toEqual([
      { member: 'a', distance: 1 },
      { member: 'b', distance: Math.sqrt(5) },
    ]);
  });

  it('answers nothing when empty, and null for someone without templates', () => {
    const gallery = make(3);
    expect(gallery.search(query(1, 0, 0))).toEqual([]);
    expect(gallery.distanceTo('nobody', query(1, 0, 0))).toBeNull();
    expect(gallery.removeMember('nobody')).toBe(false);
    gallery.add(template('a', [1, 0, 0]));
    expect(gallery.removeMember('a')).toBe(true);
    expect(gallery.search(query(1, 0, 0))).toEqual([]);
    expect(gallery.has('a')).toBe(false);
  });

  it('refuses what cannot be compared, as template and as query, and stays as it was', () => {
    const gallery = make(2);
    gallery.add(template('a', [1, 0]));
    const bad = [
      { space: SPACE, vector: Float32Array.of(NaN, 0) },
      { space: SPACE, vector: Float32Array.of(0, Infinity) },
      { space: SPACE, vector: Float32Array.of(0, 0) },
      { space: SPACE, vector: Float32Array.of(1, 0, 0) },
      { space: SPACE, vector: new Float32Array(0) },
      { space: 'another.space', vector: Float32Array.of(1, 0) },
    ];
    for (const embedding of bad) {
      expect(refused(() => gallery.search(embedding))).toBe('data-invalid');
      expect(refused(() => gallery.distanceTo('a', embedding))).toBe('data-invalid');
      expect(refused(() => gallery.distanceTo('nobody', embedding))).toBe('data-invalid');
      expect(refused(() => gallery.add({ member: 'b', ...embedding }))).toBe('data-invalid');
      expect(refused(() => gallery.replaceAll([template('c', [0, 1]), { member: 'b', ...embedding }]))).toBe(
        'data-invalid',
      );
    }
    expect(gallery.search(query(1, 0), 9)).toEqual([{ member: 'a', distance: 0 }]);
    expect(() => gallery.search(query(1, 0), 0)).toThrow(RangeError);
  });

  it('never lets values that overflow come near', () => {
    const gallery = make(2);
    gallery.add(template('far', [1e19, 0]));
    gallery.add(template('near', [1, 0]));
    expect(gallery.search(query(-3e19, 0), 2).map(({ distance }) => distance)).not.toContain(NaN);
    expect(gallery.search(query(1, 0), 2)[0]).toEqual({ member: 'near', distance: 0 });
  });
});

test('templates may come one by one', () => {
  const gallery = new Gallery(SPACE, 2);
  gallery.replaceAll(new Set([template('ann', [1, 0]), template('bob', [0, 1])]));
  expect([gallery.size, gallery.search(query(0, 1), 1)[0]?.member]).toEqual([2, 'bob']);
});

test('memory that cannot be had is an error that says how much, and the kernel is as it was', () => {
  const kernel = new JavaScriptKernel();
  const { floats } = kernel;
  expect(() => kernel.reserve(2 ** 52)).toThrow(
    expect.objectContaining({
      code: 'store-unavailable',
      message: expect.stringContaining(`${2 ** 34} MiB`) as string,
    }) as Error,
  );
  expect(kernel.floats).toBe(floats);
});
