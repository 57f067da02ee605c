import { join } from 'node:path';
import { Database } from '../../src/store/database/database';
import { Journal } from '../../src/store/journal/journal';
import { Store } from '../../src/store/store';
import { failureOf, filesBelow, templateOf, tracesOf, vectorOf } from './fixtures';
import { withFolder } from './harness';

const doubled = (vector: Float32Array): Float32Array => vector.map((value) => 2 * value);
const OVER = { from: 'a.space', to: 'b.space', map: doubled, dropOld: false, by: 'desk' };

const withMembers = (work: (store: Store, folder: string, kinds: () => string[]) => void) => () =>
  withFolder((folder) => {
    const journal = Journal.open(folder);
    const store = Store.open(folder, { ledger: journal });
    store.members.add({ id: 'ann', name: 'Ann' }, [templateOf(1), { ...templateOf(2), source: 'adapted' }]);
    store.members.add({ id: 'ben', name: 'Ben', groups: ['staff'] }, [templateOf(3)]);
    store.members.update('ben', { status: 'suspended' });
    store.members.add({ id: 'new', name: 'New' }, [templateOf(4), templateOf(5, 'b.space')]);
    try {
      work(store, folder, () => [...journal.records()].map(({ kind, body }) => `${kind} ${body}`));
    } finally {
      store.close();
    }
  });

describe('carrying templates over into another space', () => {
  it(
    'adds a mapped one for each, leaves the old and those who are there already, and records it; the second time, nothing',
    withMembers((store, _, records) => {
      expect(store.templates.carryOver(OVER)).toEqual({
        members: 2,
        templates: 3,
        alreadyThere: 1,
        dropped: 0,
        broken: 0,
      });
      const moved = store.templates.inSpace('b.space');
      expect(moved.map(({ member, source, quality }) => [member, source, quality])).toEqual([
        ['ann', 'picture', 0.75],
        ['ann', 'adapted', 0.75],
        ['ben', 'picture', 0.75],
        ['new', 'picture', 0.75],
      ]);
      expect([...moved[0]!.vector]).toEqual([...doubled(vectorOf(1))]);
      expect([...moved[3]!.vector]).toEqual([...vectorOf(5)]);
      expect(store.templates.inSpace('a.space')).toHaveLength(4);
      expect(records().filter((line) => line.startsWith('encoding'))).toEqual([
        expect.stringMatching(/"by":"desk".*"from":"a.space".*"members":2.*"templates":3.*"to":"b.space"/),
      ]);
      expect(store.templates.carryOver(OVER)).toEqual({
        members: 0,
        templates: 0,
        alreadyThere: 3,
        dropped: 0,
        broken: 0,
      });
    }),
  );

  it(
    'leaves out one that cannot be read, and says so; the others go',
    withMembers((store, folder) => {
      const file = Database.open(join(folder, 'usher.db'), { readonly: false, busyTimeoutMs: 0, journal: 'wal' });
      file.exec('UPDATE templates SET sealed = substr(sealed, 1, 40) WHERE id = 3');
      file.close();
      expect(store.templates.carryOver(OVER)).toMatchObject({ members: 1, templates: 2, broken: 1 });
    }),
  );

  it(
    'can drop the old ones, which then are in no file any more',
    withMembers((store, folder) => {
      store.templates.carryOver({ ...OVER, dropOld: true });
      expect(store.templates.inSpace('a.space')).toEqual([]);
      expect(store.templates.inSpace('b.space')).toHaveLength(4);
      expect(store.scrub()).toBe(true);
      // Sealed as they were, they would not be found in the clear; and neither are the new ones.
      const files = filesBelow(folder);
      expect([1, 2, 3, 4].flatMap((seed) => tracesOf(doubled(vectorOf(seed)), files))).toEqual([]);
    }),
  );

  it(
    'does nothing at all when one of them cannot be mapped',
    withMembers((store, _, records) => {
      let mapped = 0;
      const map = (vector: Float32Array): Float32Array => {
        if (++mapped === 3) throw new Error('no such vector');
        return doubled(vector);
      };
      expect(() => store.templates.carryOver({ ...OVER, map, dropOld: true })).toThrow('no such vector');
      const bad = failureOf(() => store.templates.carryOver({ ...OVER, map: () => Float32Array.of(NaN) }));
      expect(bad.code).toBe('data-invalid');
      expect(store.templates.inSpace('a.space')).toHaveLength(4);
      expect(store.templates.inSpace('b.space')).toHaveLength(1);
      expect(records().filter((line) => line.startsWith('encoding'))).toEqual([]);
    }),
  );
});
