import path from 'node:path';
import { Database } from '../../src/store/database/database';
import { Store } from '../../src/store/store';
import { failureOf, templateOf, vectorOf } from './fixtures';
import { withFolder } from './harness';

/** Changes the file as a failing disk or a wrong hand would, without foreign keys. */
type Spoil = string | ((database: Database) => void);
function spoil(folder: string, ...statements: readonly Spoil[]): void {
  const database = Database.open(path.join(folder, 'usher.db'), { readonly: false, busyTimeoutMs: 0, journal: 'wal' });
  database.exec('PRAGMA foreign_keys = OFF');
  for (const each of statements) {
    if (typeof each === 'string') database.exec(each);
    else each(database);
  }
  database.close();
}

/** Three members with two templates each, spoilt. */
const withSpoilt = (statements: readonly Spoil[], work: (store: Store) => void) => () =>
  withFolder((folder) => {
    const before = Store.open(folder);
    for (const [i, id] of ['a', 'b', 'c'].entries())
      before.members.add({ id, name: `Name of ${id}`, duressIds: [`${id}9`] }, [templateOf(i), templateOf(i + 10)]);
    before.close();
    spoil(folder, ...statements);
    const store = Store.open(folder);
    try {
      work(store);
    } finally {
      store.close();
    }
  });

/** Flips one bit of a stored value. */
const flip =
  (table: string, column: string, where: string, at: number) =>
  (database: Database): void => {
    const bytes = database.get(`SELECT ${column} AS bytes FROM ${table} WHERE ${where}`)?.['bytes'] as Uint8Array;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    database.run(`UPDATE ${table} SET ${column} = ? WHERE ${where}`, bytes);
  };

describe('one member’s damage', () => {
  it.each<[string, Spoil, number]>([
    ['a byte in a sealed template', flip('templates', 'sealed', 'id = 1', 30), 1],
    ['a template cut short', `UPDATE templates SET sealed = substr(sealed, 1, 20) WHERE id = 1`, 1],
    ['an empty template', `UPDATE templates SET sealed = x'' WHERE id = 1`, 1],
    ['a template under another member’s id', `UPDATE templates SET member = 'a' WHERE id = 3`, 1],
    [
      'a template of another space',
      `UPDATE templates SET sealed = (SELECT sealed FROM templates WHERE id = 3) WHERE id = 1`,
      1,
    ],
    ['the member’s key', flip('member_keys', 'wrapped', "member = 'a'", 30), 2],
    ['the member’s key is gone', `DELETE FROM member_keys WHERE member = 'a'`, 2],
  ])('%s: that one’s alone', (_what, statement, lost) =>
    withSpoilt([statement], (store) => {
      const { templates, broken } = store.templates.readSpace('a.space');
      expect(broken).toHaveLength(lost);
      expect(new Set(broken.map(({ member }) => member))).toEqual(new Set(['a']));
      expect(templates).toHaveLength(6 - lost);
      expect(templates.find(({ member }) => member === 'c')?.vector).toEqual(vectorOf(2));
      expect(JSON.stringify(broken)).not.toContain('Name of');
      expect(failureOf(() => store.templates.inSpace('a.space'))).toMatchObject({ code: 'member-damaged' });
      expect(failureOf(() => store.templates.inSpace('a.space')).remedy).toContain('usher members repair');
    })(),
  );

  it.each<[string, Spoil]>([
    ['the profile', flip('members', 'profile', "id = 'a'", 20)],
    ['another’s profile', `UPDATE members SET profile = (SELECT profile FROM members WHERE id = 'b') WHERE id = 'a'`],
    ['the key', `DELETE FROM member_keys WHERE member = 'a'`],
  ])('%s: the others are listed, this one is named', (_what, statement) =>
    withSpoilt([statement], (store) => {
      const { members, damaged } = store.members.survey();
      expect(members.map(({ id }) => id)).toEqual(['b', 'c']);
      expect(damaged.map(({ id }) => id)).toEqual(['a']);
      expect(failureOf(() => store.members.get('a')).code).toBe('member-damaged');
      expect(store.members.whose('a9')).toEqual({ id: 'a', duress: true });
      expect(store.members.remove('a', { by: 'desk', reason: 'removed' }).deleted.templates).toBe(2);
      expect(store.members.survey().damaged).toEqual([]);
    })(),
  );

  it.each([
    ['a suspension lifted', "UPDATE members SET status = 'active' WHERE id = 'a'", ['a']],
    ['a longer validity', "UPDATE members SET valid_until = 9e15 WHERE id = 'a'", ['a']],
    ['no end of validity', "UPDATE members SET valid_until = NULL WHERE id = 'a'", ['a']],
    ['an earlier validity', "UPDATE members SET valid_from = 1 WHERE id = 'a'", ['a']],
    ['a duress id given to another', "UPDATE duress_ids SET member = 'b' WHERE member = 'a'", ['a', 'b']],
    ['a duress id taken away', "DELETE FROM duress_ids WHERE member = 'a'", ['a']],
    ['a duress id added', "INSERT INTO duress_ids VALUES ('zz', 'a')", ['a']],
    ['another id', "UPDATE members SET id = 'd' WHERE id = 'a'", ['d']],
    [
      'another’s key',
      "UPDATE member_keys SET wrapped = (SELECT wrapped FROM member_keys WHERE member = 'b') WHERE member = 'a'",
      ['a'],
    ],
  ])('%s in the file is noticed', (_what, statement, who) =>
    withFolder((folder) => {
      const before = Store.open(folder);
      before.members.add({ id: 'a', name: 'A', duressIds: ['a9'], validFrom: 1000, validUntil: 2000 });
      before.members.update('a', { status: 'suspended' });
      before.members.add({ id: 'b', name: 'B' });
      before.close();
      spoil(folder, statement);
      const store = Store.open(folder);
      expect(store.members.survey().damaged.map(({ id }) => id)).toEqual(who);
      for (const id of who) expect(failureOf(() => store.members.get(id)).code).toBe('member-damaged');
      store.close();
    }),
  );

  it(
    'an adapted template that is made to pass for an enrolled one is no template',
    withSpoilt([], (store) => {
      const taken = { door: 'front', distance: 0.1 };
      const [adapted] = store.templates.adapt('a', templateOf(20), 3, taken);
      expect(store.templates.inSpace('a.space')).toHaveLength(7);
      spoil(path.dirname(store.file), "UPDATE templates SET source = 'picture' WHERE source = 'adapted'");
      expect(store.templates.readSpace('a.space').broken.map(({ id }) => id)).toEqual([adapted?.id]);
    }),
  );

  it(
    'rows of members who are not there are found, and taken out',
    withSpoilt(
      [
        `UPDATE templates SET member = 'ghost' WHERE id = 2`,
        `UPDATE duress_ids SET member = 'ghost' WHERE member = 'b'`,
        `DELETE FROM members WHERE id = 'c'`,
      ],
      (store) => {
        expect(store.check.integrity()).toEqual([]);
        expect(store.check.orphans()).toEqual([
          { table: 'member_keys', member: 'c', rows: 1 },
          { table: 'duress_ids', member: 'c', rows: 1 },
          { table: 'duress_ids', member: 'ghost', rows: 1 },
          { table: 'templates', member: 'c', rows: 2 },
          { table: 'templates', member: 'ghost', rows: 1 },
        ]);
        expect(store.members.whose('b9')).toBeNull();
        store.check.removeOrphans();
        expect(store.check.orphans()).toEqual([]);
        expect(store.templates.readAll()).toMatchObject({ broken: [] });
      },
    ),
  );
});

it.each<[string, Float32Array]>([
  ['zeros', new Float32Array(128)],
  ['a value that is no number', vectorOf(1).fill(NaN, 5, 6)],
  ['an infinite value', vectorOf(1).fill(Infinity, 5, 6)],
  ['next to no length', vectorOf(1).map((value) => value * 1e-6)],
  ['an enormous length', vectorOf(1).map((value) => value * 1e6)],
  ['no dimensions', new Float32Array(0)],
  ['too many dimensions', new Float32Array(5000).fill(0.1)],
])('a template of %s goes in nowhere', (_what, vector) =>
  withFolder((folder) => {
    const store = Store.open(folder);
    store.members.add({ id: 'a', name: 'Ann' }, [templateOf(1)]);
    const bad = { ...templateOf(1), vector };
    const taken = { door: 'front', distance: 0.1 };
    for (const enter of [
      () => store.members.add({ id: 'b', name: 'Bo' }, [templateOf(2), bad]),
      () => store.templates.add('a', [bad]),
      () => store.templates.replace('a', [bad]),
      () => store.templates.adapt('a', bad, 3, taken),
      () => store.members.restore({ id: 'b', name: 'Bo', status: 'active', enrolledAt: 1 }, [bad]),
      () => store.templates.carryOver({ from: 'a.space', to: 'b.space', map: () => vector, dropOld: true, by: 'desk' }),
    ])
      expect(failureOf(enter).code).toBe('data-invalid');
    expect(store.members.ids()).toEqual(['a']);
    expect(store.templates.list('a').map((template) => template.vector)).toEqual([vectorOf(1)]);
    store.close();
  }),
);
