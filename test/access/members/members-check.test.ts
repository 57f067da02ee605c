import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkMembers, type MemberProblem, repairMembers } from '../../../src/access/members/members-check';
import { Database } from '../../../src/store/database/database';
import { Journal } from '../../../src/store/journal/journal';
import { Store } from '../../../src/store/store';
import { ENCODER, faceAt, SPACE } from '../../support/members';

const OTHER_SPACE = 'test-2';
const SHORT = Float32Array.of(0.6, 0.8);

let dir: string;
let store: Store;
let journal: Journal;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'usher-members-check-'));
  journal = Journal.open(dir);
  store = Store.open(dir, { ledger: journal });
  for (const [axis, id] of ['ann', 'bob', 'cid'].entries()) {
    store.members.add({ id, name: `Member ${id}` });
    add(id, faceAt(axis));
    add(id, faceAt(axis, 0.1));
  }
});
afterEach(() => {
  store.close();
  rmSync(dir, { recursive: true });
});

/** @returns the number of the new template */
function add(member: string, vector: Float32Array, space = SPACE): number {
  const [stored] = store.templates.add(member, [{ space, vector, quality: 0.9, source: 'picture' }]);
  return stored?.id ?? NaN;
}

/** Changes the file as another program would. */
function change(...statements: readonly string[]): void {
  const database = Database.open(join(dir, 'usher.db'), { readonly: false, busyTimeoutMs: 5000, journal: 'wal' });
  try {
    database.exec('PRAGMA foreign_keys = OFF');
    for (const sql of statements) database.exec(sql);
  } finally {
    database.close();
  }
}

const templatesOf = (member: string): number[] => store.templates.readMember(member).templates.map(({ id }) => id);
const cut = (id: number): void => change(`UPDATE templates SET sealed = substr(sealed, 1, 30) WHERE id = ${id}`);
const briefly = (problems: readonly MemberProblem[]) =>
  problems.map(({ member, what, template }) => [member, what, template]);
const records = (kind: string) =>
  [...journal.records()].filter((record) => record.kind === kind).map(({ body }) => JSON.parse(body) as object);
const [first, second, last] = [0, 1, -1].map((at) => (member: string) => templatesOf(member).at(at) ?? NaN) as [
  (member: string) => number,
  (member: string) => number,
  (member: string) => number,
];

describe('a check', () => {
  test('finds nothing in what usher wrote', () => {
    add('ann', SHORT, OTHER_SPACE);
    expect(checkMembers(store, ENCODER)).toEqual([]);
    expect(checkMembers(store, null)).toEqual([]);
  });

  test('names a template that cannot be opened, with or without an encoder', () => {
    const id = second('bob');
    cut(id);
    const found = [{ member: 'bob', what: 'template', template: id, fault: expect.any(String) as string }];
    expect(checkMembers(store, ENCODER)).toEqual(found);
    expect(checkMembers(store, null)).toEqual(found);
  });

  test('names a template that the encoder cannot have made, of its own space alone', () => {
    const id = add('bob', SHORT);
    add('ann', SHORT, OTHER_SPACE);
    expect(checkMembers(store, ENCODER)).toEqual([
      { member: 'bob', what: 'template', template: id, fault: 'it has 2 dimensions instead of 8' },
    ]);
    expect(checkMembers(store, null)).toEqual([]);
    expect(checkMembers(store, { ...ENCODER, space: 'test-3' })).toEqual([]);
  });

  test.each([
    ['profile', "UPDATE members SET profile = x'0102' WHERE id = 'bob'"],
    ['key', "UPDATE member_keys SET wrapped = x'0102' WHERE member = 'bob'"],
  ])('names a member with a damaged %s once, and not each template', (_, sql) => {
    cut(first('bob'));
    change(sql);
    expect(checkMembers(store, ENCODER)).toEqual([
      { member: 'bob', what: 'member', template: null, fault: expect.any(String) as string },
    ]);
  });

  test('names rows without a member by their table, and not each template', () => {
    cut(first('bob'));
    change("DELETE FROM members WHERE id = 'bob'");
    expect(checkMembers(store, ENCODER)).toEqual([
      { member: 'bob', what: 'orphan', template: null, fault: '1 rows of member_keys belong to no member' },
      { member: 'bob', what: 'orphan', template: null, fault: '2 rows of templates belong to no member' },
    ]);
  });

  test('names all kinds at once: members, templates, rows', () => {
    cut(first('ann'));
    const stray = add('ann', SHORT);
    change("UPDATE members SET profile = x'0102' WHERE id = 'bob'", "DELETE FROM members WHERE id = 'cid'");
    const broken = checkMembers(store, null).find(({ member }) => member === 'ann')?.template ?? NaN;
    expect(briefly(checkMembers(store, ENCODER))).toEqual([
      ['bob', 'member', null],
      ['ann', 'template', broken],
      ['ann', 'template', stray],
      ['cid', 'orphan', null],
      ['cid', 'orphan', null],
    ]);
  });
});

describe('a repair', () => {
  const repair = (encoder: typeof ENCODER | null = ENCODER) =>
    repairMembers(store, checkMembers(store, encoder), encoder, 'desk');

  test('of sound data changes and records nothing', () => {
    const head = journal.head().seq;
    expect(repair()).toEqual({ templates: new Map(), members: [], orphans: 0, enrolAgain: [] });
    expect(journal.head().seq).toBe(head);
    expect(store.members.ids()).toEqual(['ann', 'bob', 'cid']);
  });

  test('deletes damaged templates, keeps the sound ones, and asks for no enrolment', () => {
    const kept = first('bob');
    add('bob', SHORT);
    cut(second('bob'));
    expect(repair()).toEqual({ templates: new Map([['bob', 2]]), members: [], orphans: 0, enrolAgain: [] });
    expect(store.templates.countOf('bob')).toBe(1);
    expect(templatesOf('bob')).toEqual([kept]);
    expect(templatesOf('ann')).toHaveLength(2);
    expect(records('member').at(-1)).toMatchObject({ member: 'bob', damagedTemplates: 2, by: 'desk' });
    expect(checkMembers(store, ENCODER)).toEqual([]);
  });

  test.each([
    ['of the space that was looked at', ENCODER, ['bob']],
    ['at all, where no encoder is known', null, []],
  ])('says who is left without a template %s', (_, encoder, enrolAgain) => {
    for (const id of templatesOf('bob')) cut(id);
    add('bob', SHORT, OTHER_SPACE);
    expect(repair(encoder)).toEqual({ templates: new Map([['bob', 2]]), members: [], orphans: 0, enrolAgain });
    expect(templatesOf('bob')).toEqual([last('bob')]);
  });

  test('says who has no template left', () => {
    for (const id of templatesOf('bob')) cut(id);
    expect(repair(null).enrolAgain).toEqual(['bob']);
  });

  test('deletes a damaged member with all templates and a receipt, and asks to enrol again', () => {
    change("UPDATE members SET profile = x'0102' WHERE id = 'bob'");
    expect(repair()).toEqual({ templates: new Map(), members: ['bob'], orphans: 0, enrolAgain: ['bob'] });
    expect(store.members.ids()).toEqual(['ann', 'cid']);
    expect(store.templates.countOf('bob')).toBe(0);
    expect(store.receipts.of('bob')).toMatchObject([{ by: 'desk', reason: 'removed' }]);
  });

  test('deletes rows without a member, and records each kind', () => {
    change("DELETE FROM members WHERE id = 'bob'");
    expect(repair()).toEqual({ templates: new Map(), members: [], orphans: 2, enrolAgain: [] });
    expect(store.check.orphans()).toEqual([]);
    expect(store.templates.countOf('bob')).toBe(0);
    expect(store.members.ids()).toEqual(['ann', 'cid']);
    expect(templatesOf('cid')).toHaveLength(2);
    expect(records('member').slice(-2)).toMatchObject([
      { member: 'bob', removed: '1 rows of member_keys belong to no member', by: 'desk' },
      { member: 'bob', removed: '2 rows of templates belong to no member', by: 'desk' },
    ]);
  });

  test('touches only what was found, and counts only what was there', () => {
    cut(first('ann'));
    const problems = checkMembers(store, ENCODER);
    change("DELETE FROM members WHERE id = 'cid'");
    expect(repairMembers(store, problems, ENCODER, 'desk')).toMatchObject({
      templates: new Map([['ann', 1]]),
      orphans: 0,
    });
    expect(store.check.orphans()).toHaveLength(2);
    const head = journal.head().seq;
    expect(repairMembers(store, problems, ENCODER, 'desk')).toEqual({
      ...{ templates: new Map(), members: [], orphans: 0, enrolAgain: [] },
    });
    expect(journal.head().seq).toBe(head);
  });
});
