import fc from 'fast-check';
import { withFolder } from '../harness';
import path from 'node:path';
import { Database } from '../../../src/store/database/database';
import { Store } from '../../../src/store/store';
import { openContainer, sealContainer } from '../../../src/store/transfer/container';
import { parseTransfer } from '../../../src/store/transfer/document';
import { type ConflictRule, exportMembers, importMembers } from '../../../src/store/transfer/transfer';
import { failureOf, templateOf, tracesOf, vectorOf } from '../fixtures';

const PASSPHRASE = 'correct horse battery';
const rules = (onConflict: ConflictRule = 'refuse') => ({ passphrase: PASSPHRASE, onConflict, by: 'desk' });

/** Two boxes; the first with two members, and its export. */
const withBoxes = (work: (from: Store, to: Store, bytes: Uint8Array, clock: { now: number }) => void) => () =>
  withFolder((folder) => {
    const clock = { now: 1000 };
    const options = { now: () => clock.now };
    const from = Store.open(path.join(folder, 'from'), options);
    const to = Store.open(path.join(folder, 'to'), options);
    from.members.add(
      {
        ...{ id: 'a', name: 'Ann', groups: ['staff'], validFrom: 5, validUntil: null, duressIds: ['a9'] },
        consent: { textVersion: '1', by: 'desk', at: 900 },
      },
      [templateOf(1), templateOf(2, 'b.space')],
    );
    from.members.add({ id: 'b', name: 'Bo' }, [templateOf(3)]);
    from.members.update('b', { status: 'suspended' });
    const { bytes } = exportMembers(from, PASSPHRASE, clock.now);
    clock.now = 2000;
    try {
      work(from, to, bytes, clock);
    } finally {
      from.close();
      to.close();
    }
  });

/** The export with another vector for one member. */
function withVector(bytes: Uint8Array, id: string, vector: Float32Array): Uint8Array {
  const document = parseTransfer(openContainer(bytes, PASSPHRASE));
  const template = document.members.find((member) => member.id === id)?.templates[0];
  if (template !== undefined) template.vector = Buffer.from(vector.buffer).toString('base64');
  return sealContainer(Buffer.from(JSON.stringify(document)), PASSPHRASE, 15);
}

describe('members from box to box', () => {
  it.each<[string, Float32Array, string]>([
    ['zeros', new Float32Array(128), 'length 0'],
    ['three dimensions', Float32Array.of(1, 0, 0), '3 dimensions instead of 128'],
    ['no number', vectorOf(3).fill(NaN, 0, 1), 'not a finite number'],
  ])('a vector of %s refuses the whole import, and names the member', (_what, vector, fault) =>
    withBoxes((_, to, bytes) => {
      const error = failureOf(() => importMembers(to, withVector(bytes, 'b', vector), rules()));
      expect(error.code).toBe('data-invalid');
      expect(error.message).toContain(`member b has `);
      expect(error.message).toContain(fault);
      expect(to.members.ids()).toEqual([]);
    })(),
  );

  it(
    'a space that is known here decides how long its vectors are',
    withBoxes((_, to, bytes) => {
      to.members.add({ id: 'z', name: 'Zoe' }, [{ ...templateOf(9), vector: vectorOf(9, 64) }]);
      const error = failureOf(() => importMembers(to, bytes, rules()));
      expect(error.message).toContain('128 dimensions instead of 64');
    }),
  );

  it('a file replaces a member whose data here are damaged, and brings the others too', () =>
    withFolder((folder) => {
      const place = path.join(folder, 'to');
      const open = (): Store => Store.open(place);
      const before = open();
      before.members.add({ id: 'a', name: 'Ann' }, [templateOf(1)]);
      before.members.add({ id: 'b', name: 'Bo' }, [templateOf(2)]);
      const { bytes } = exportMembers(before, PASSPHRASE, 1);
      before.close();
      const database = Database.open(path.join(place, 'usher.db'), {
        readonly: false,
        busyTimeoutMs: 0,
        journal: 'wal',
      });
      database.exec(`UPDATE members SET profile = x'00' WHERE id = 'a'`);
      database.close();
      const after = open();
      try {
        expect(failureOf(() => after.members.get('a')).code).toBe('member-damaged');
        expect(importMembers(after, bytes, rules('replace')).replaced).toEqual(['a', 'b']);
        expect(after.members.get('a').name).toBe('Ann');
      } finally {
        after.close();
      }
    }));

  it(
    'arrive as they were, sealed on the way',
    withBoxes((from, to, bytes) => {
      const file = new Map([['export', Buffer.from(bytes)]]);
      for (const secret of [vectorOf(1), vectorOf(3), Buffer.from('Ann'), Buffer.from('a9"')])
        expect(tracesOf(secret, file)).toEqual([]);
      expect(importMembers(to, bytes, rules())).toEqual({ added: ['a', 'b'], replaced: [], kept: [], deletedHere: [] });
      for (const id of ['a', 'b']) {
        const { name, status, groups, validFrom, validUntil, duressIds, consent, enrolledAt } = from.members.get(id);
        const same = { name, status, groups, validFrom, validUntil, duressIds, consent, enrolledAt };
        expect(to.members.get(id)).toMatchObject(same);
        expect(to.templates.list(id)).toMatchObject(
          from.templates.list(id).map(({ vector, space }) => ({ vector, space })),
        );
      }
    }),
  );

  it(
    'refuse, keep or replace those who are there',
    withBoxes((_, to, bytes) => {
      to.members.add({ id: 'a', name: 'Other' });
      const error = failureOf(() => importMembers(to, bytes, rules()));
      expect(error).toMatchObject({
        code: 'member-exists',
        message: expect.stringContaining('already exist here: a') as string,
      });
      expect(to.members.list().map(({ name }) => name)).toEqual(['Other']);
      expect(importMembers(to, bytes, rules('keep'))).toMatchObject({ added: ['b'], kept: ['a'] });
      expect(to.members.get('a').name).toBe('Other');
      expect(importMembers(to, bytes, rules('replace'))).toMatchObject({ added: [], replaced: ['a', 'b'] });
      expect(to.members.get('a').name).toBe('Ann');
      expect(importMembers(to, bytes, rules('replace'))).toMatchObject({ replaced: ['a', 'b'], deletedHere: [] });
      expect(to.scrub()).toBe(true);
    }),
  );

  it(
    'do not come back after they withdrew here',
    withBoxes((_, to, bytes) => {
      importMembers(to, bytes, rules());
      to.members.remove('a', { by: 'desk', reason: 'withdrawal' });
      expect(importMembers(to, bytes, rules('keep'))).toMatchObject({ deletedHere: ['a'], kept: ['b'] });
      expect(to.members.find('a')).toBeNull();
    }),
  );

  it(
    'come all or none',
    withBoxes((_, to, bytes) => {
      to.members.add({ id: 'c', name: 'C', duressIds: ['a9'] });
      expect(failureOf(() => importMembers(to, bytes, rules())).code).toBe('member-exists');
      expect(to.members.list().map(({ id }) => id)).toEqual(['c']);
    }),
  );
});

describe('a hostile file', () => {
  const plain = (members: readonly object[]): Buffer => Buffer.from(JSON.stringify({ v: 1, at: 1, members }));
  const member = {
    ...{ id: 'a', name: 'A', status: 'active', groups: [], validFrom: null, validUntil: null, duressIds: [] },
    ...{ consent: null, enrolledAt: 1, templates: [] },
  };
  const vector = Buffer.alloc(16).toString('base64');
  const template = { space: 's', vector, quality: 0.5, source: 'picture' };

  it(
    'opens with no other passphrase and with no bit changed, and asks no more memory than our own',
    withBoxes((_, to) => {
      const bytes = sealContainer(plain([member]), PASSPHRASE, 15);
      expect(failureOf(() => openContainer(bytes, 'another passphrase')).code).toBe('data-invalid');
      // Each part of the header, and a sample of the rest: every try derives a key.
      for (const at of [0, 8, 9, 10, 26, 40, bytes.length - 1]) {
        const bent = Uint8Array.from(bytes);
        bent[at]! ^= 1;
        expect(failureOf(() => importMembers(to, bent, rules())).code).toBe('data-invalid');
      }
      const greedy = Uint8Array.from(bytes);
      greedy[9] = 30;
      expect(failureOf(() => openContainer(greedy, PASSPHRASE)).message).toContain('version');
      for (const length of [0, 8, 37, 53, bytes.length - 1])
        expect(failureOf(() => importMembers(to, bytes.subarray(0, length), rules())).code).toBe('data-invalid');
      expect(to.members.list()).toEqual([]);
    }),
    60_000,
  );

  it('needs a passphrase that cannot be guessed', () => {
    expect(failureOf(() => sealContainer(new Uint8Array(1), 'short')).code).toBe('usage');
  });

  it.each<[string, Buffer]>([
    ['no JSON', Buffer.from('{')],
    ['another version', Buffer.from('{"v":2,"at":1,"members":[]}')],
    ['an unknown field', plain([{ ...member, admin: true }])],
    ['a vector that is no base64', plain([{ ...member, templates: [{ ...template, vector: '****' }] }])],
    ['a vector beyond all size', plain([{ ...member, templates: [{ ...template, vector: 'A'.repeat(40_000) }] }])],
    ['too many templates', plain([{ ...member, templates: Array.from({ length: 65 }, () => template) }])],
    ['a prototype', Buffer.from('{"v":1,"at":1,"members":[{"__proto__":{"x":1}}]}')],
  ])('with %s is refused', (_, content) => {
    expect(failureOf(() => parseTransfer(content)).code).toBe('data-invalid');
  });

  it.each<[string, object[]]>([
    ['a member twice', [member, member]],
    ['an id that is a duress id of another', [member, { ...member, id: 'b', duressIds: ['a'] }]],
    ['an id that topics cannot carry', [{ ...member, id: 'a/b' }]],
    ['a name with a line end', [{ ...member, name: 'a\nb' }]],
    ['a vector that is not finite', [{ ...member, templates: [{ ...template, vector: 'AADAfwAAwH8=' }] }]],
    ['a vector of half a number', [{ ...member, templates: [{ ...template, vector: 'AAAAAAA=' }] }]],
  ])('sealed by whom we trust, but with %s, changes nothing', (_, members) =>
    withFolder((folder) => {
      const store = Store.open(folder);
      const sealed = sealContainer(plain(members), PASSPHRASE, 15);
      expect(['data-invalid', 'usage']).toContain(failureOf(() => importMembers(store, sealed, rules())).code);
      expect(store.members.list()).toEqual([]);
      store.close();
    }),
  );

  it('of any content is taken or refused with a reason, never anything else', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (content) => {
          expect(failureOf(() => parseTransfer(Buffer.from(content))).code).toBe('data-invalid');
          expect(failureOf(() => openContainer(content, PASSPHRASE)).code).toBe('data-invalid');
        },
      ),
    );
  });
});
