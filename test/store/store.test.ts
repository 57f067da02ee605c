import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { UsherError } from '../../src/errors';
import { Database } from '../../src/store/database/database';
import type { NewTemplate } from '../../src/store/members/member';
import { SCHEMA_VERSION } from '../../src/store/migrations';
import { Store } from '../../src/store/store';
import { linesOf, startTask, withFolder } from './harness';

const vector = (seed: number, length = 128): Float32Array =>
  Float32Array.from({ length }, (_, i) => Math.sin(seed * 1000 + i));

const template = (seed: number, space = 'a.space'): NewTemplate => ({
  space,
  vector: vector(seed),
  quality: 0.75,
  source: 'picture',
});

const BY_DESK = { by: 'desk', reason: 'removed' } as const;

const failure = (act: () => unknown): UsherError => {
  try {
    act();
  } catch (error) {
    if (error instanceof UsherError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

const withStore = (work: (store: Store, folder: string) => Promise<void> | void) => () =>
  withFolder(async (folder) => {
    let clock = 1000;
    const store = Store.open(folder, { now: () => (clock += 1) });
    try {
      await work(store, folder);
    } finally {
      store.close();
    }
  });

describe('members', () => {
  it(
    'come back as they were written, after closing too',
    withStore((store, folder) => {
      store.members.add({ id: '4711', name: '  Zoë Example ' }, [template(1), template(2)]);
      store.members.add({ id: '12', name: 'Ann' });
      store.close();
      const again = Store.open(folder, { readonly: true });
      const common = {
        status: 'active',
        groups: [],
        validFrom: null,
        validUntil: null,
        duressIds: [],
        consent: null,
        lastSeenAt: null,
      };
      const times = (at: number): object => ({ createdAt: at, updatedAt: at, enrolledAt: at });
      expect(again.members.list()).toEqual([
        { id: '12', name: 'Ann', ...common, ...times(1004), templates: 0 },
        { id: '4711', name: 'Zoë Example', ...common, ...times(1001), templates: 2 },
      ]);
      const [first, second] = again.templates.list('4711');
      expect(first).toEqual({ id: 1, member: '4711', createdAt: 1002, ...template(1) });
      expect(second?.vector).toEqual(vector(2));
      again.close();
    }),
  );

  it(
    'are renamed, suspended, removed',
    withStore((store) => {
      store.members.add({ id: 'a', name: 'A' }, [template(1)]);
      expect(store.members.update('a', { status: 'suspended' })).toMatchObject({ name: 'A', status: 'suspended' });
      expect(store.members.update('a', { name: 'B' })).toMatchObject({ name: 'B', status: 'suspended' });
      store.members.remove('a', BY_DESK);
      expect(store.members.find('a')).toBeNull();
      expect(store.templates.inSpace('a.space')).toEqual([]);
    }),
  );

  it(
    'are unique and must exist',
    withStore((store) => {
      store.members.add({ id: 'a', name: 'A' });
      expect(failure(() => store.members.add({ id: 'a', name: 'B' }, [template(1)])).code).toBe('member-exists');
      expect(store.templates.list('a')).toEqual([]);
      for (const act of [
        () => store.members.remove('b', BY_DESK),
        () => store.members.update('b', { name: 'B' }),
        () => store.members.get('b'),
        () => store.templates.add('b', [template(1)]),
        () => store.templates.replace('b', [template(1)]),
      ])
        expect(failure(act).code).toBe('member-unknown');
    }),
  );

  it.each(['', 'a b', 'ä', 'a/b', "a'; DROP TABLE members; --", 'x'.repeat(65)])('refuse the id %j', (id) =>
    withStore((store) => {
      expect(failure(() => store.members.add({ id, name: 'A' })).code).toBe('usage');
    })(),
  );

  it.each(['', '   ', 'a\nb', '\u001b[31m', 'x'.repeat(201)])('refuse the name %j', (name) =>
    withStore((store) => {
      expect(failure(() => store.members.add({ id: 'a', name })).code).toBe('usage');
      expect(store.members.list()).toEqual([]);
    })(),
  );
});

describe('templates', () => {
  it(
    'are kept apart by space, whatever the status of their member',
    withStore((store) => {
      store.members.add({ id: 'a', name: 'A' }, [template(1), template(2, 'b.space')]);
      store.members.add({ id: 'b', name: 'B' }, [template(3), template(4)]);
      store.members.update('b', { status: 'suspended' });
      expect(store.templates.inSpace('a.space').map(({ member }) => member)).toEqual(['a', 'b', 'b']);
      expect(store.templates.inSpace('c.space')).toEqual([]);
      expect(store.templates.membersBySpace()).toEqual(
        new Map([
          ['a.space', 2],
          ['b.space', 1],
        ]),
      );
    }),
  );

  it(
    'are added, replaced, removed',
    withStore((store) => {
      store.members.add({ id: 'a', name: 'A' }, [template(1)]);
      const [added] = store.templates.add('a', [template(2)]);
      expect(store.templates.list('a').map(({ id }) => id)).toEqual([1, 2]);
      expect(store.templates.remove(added!.id)).toBe(true);
      expect(store.templates.remove(added!.id)).toBe(false);
      store.templates.replace('a', [template(5), template(6)]);
      expect(store.templates.list('a').map((each) => each.vector)).toEqual([vector(5), vector(6)]);
    }),
  );

  it(
    'with impossible values are refused, and nothing of their transaction is kept',
    withStore((store) => {
      const bad = { ...template(1), vector: Float32Array.of(1, NaN) };
      expect(failure(() => store.members.add({ id: 'a', name: 'A' }, [template(1), bad])).code).toBe('data-invalid');
      expect(store.members.list()).toEqual([]);
      store.members.add({ id: 'a', name: 'A' }, [template(1)]);
      expect(failure(() => store.templates.replace('a', [bad])).code).toBe('data-invalid');
      expect(store.templates.list('a')).toHaveLength(1);
    }),
  );

  it(
    'that were damaged name the member to enrol again',
    withStore((store, folder) => {
      store.members.add({ id: 'a', name: 'A' }, [template(1)]);
      const other = Database.open(path.join(folder, 'usher.db'), { readonly: false, busyTimeoutMs: 0, journal: 'wal' });
      other.exec("UPDATE templates SET sealed = x'010203'");
      other.close();
      const error = failure(() => store.templates.list('a'));
      expect(error.code).toBe('member-damaged');
      expect(error.message).toContain('member a ');
      expect(error.remedy).toContain('usher members repair');
    }),
  );
});

describe('store', () => {
  it(
    'sees what another process wrote, once, and not what itself wrote',
    withStore(async (store, folder) => {
      expect(store.changedElsewhere()).toBe(false);
      store.members.add({ id: 'mine', name: 'Mine' });
      expect(store.changedElsewhere()).toBe(false);
      await linesOf(startTask('write', folder), (_, count) => count >= 3);
      expect(store.changedElsewhere()).toBe(true);
      expect(store.changedElsewhere()).toBe(false);
      expect(store.members.list().length).toBeGreaterThanOrEqual(4);
    }),
  );

  it(
    'does several changes or none',
    withStore((store) => {
      const broken = (): void =>
        store.atomically(() => {
          store.members.add({ id: 'a', name: 'A' });
          store.setMeta('k', 'v');
          store.members.add({ id: 'a', name: 'A' });
        });
      expect(failure(broken).code).toBe('member-exists');
      expect(store.members.list()).toEqual([]);
      expect(store.meta('k')).toBeNull();
      store.setMeta('k', '1');
      store.setMeta('k', '2');
      expect(store.meta('k')).toBe('2');
    }),
  );

  it('keeps its folder and files from other users', () =>
    withFolder((folder) => {
      const dataDir = path.join(folder, 'deep', 'data');
      const store = Store.open(dataDir);
      store.members.add({ id: 'a', name: 'A' });
      expect(statSync(dataDir).mode & 0o777).toBe(0o700);
      const files = readdirSync(dataDir);
      expect(files).toContain('usher.db-wal');
      expect(readdirSync(path.join(dataDir, 'keys'))).toEqual(['box.key']);
      for (const entry of readdirSync(dataDir, { recursive: true, withFileTypes: true }))
        expect(statSync(path.join(entry.parentPath, entry.name)).mode & 0o777).toBe(entry.isFile() ? 0o600 : 0o700);
      store.close();
    }));

  it('is not made up by a command that only shows', () =>
    withFolder((folder) => {
      const error = failure(() => Store.open(path.join(folder, 'none'), { readonly: true }));
      expect(error).toMatchObject({
        code: 'store-unavailable',
        remedy: expect.stringContaining('usher enroll') as string,
      });
      expect(readdirSync(folder)).toEqual([]);
    }));

  it('cannot be written by a command that only shows', () =>
    withFolder((folder) => {
      Store.open(folder).close();
      const store = Store.open(folder, { readonly: true });
      expect(failure(() => store.members.add({ id: 'a', name: 'A' })).code).toBe('store-unavailable');
      store.close();
    }));

  it('of a newer usher is left alone', () =>
    withFolder((folder) => {
      Store.open(folder).close();
      const file = path.join(folder, 'usher.db');
      const database = Database.open(file, { readonly: false, busyTimeoutMs: 0, journal: 'wal' });
      database.exec(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`);
      database.close();
      const before = readFileSync(file);
      const error = failure(() => Store.open(folder));
      expect(error).toMatchObject({ code: 'store-unavailable', remedy: expect.stringContaining('newer') as string });
      expect(readFileSync(file)).toEqual(before);
    }));

  it('tells a foreign file, a folder in its place, and a file in place of its folder', () =>
    withFolder((folder) => {
      writeFileSync(path.join(folder, 'usher.db'), 'x'.repeat(9000));
      expect(failure(() => Store.open(folder)).message).toMatch(/usher\.db.*not an SQLite database/);
      mkdirSync(path.join(folder, 'b', 'usher.db'), { recursive: true });
      expect(failure(() => Store.open(path.join(folder, 'b')))).toMatchObject({ code: 'store-unavailable' });
      expect(failure(() => Store.open(path.join(folder, 'usher.db')))).toMatchObject({ code: 'store-unavailable' });
    }));

  it('tells damage inside the file when it is opened', () =>
    withFolder((folder) => {
      const store = Store.open(folder);
      for (let i = 0; i < 200; i += 1) store.members.add({ id: `m${i}`, name: 'A' }, [template(i)]);
      store.close();
      const file = path.join(folder, 'usher.db');
      const bytes = readFileSync(file);
      bytes.fill(0xa5, 3 * 4096, 12 * 4096);
      writeFileSync(file, bytes);
      const error = failure(() => Store.open(folder));
      expect(error.code).toBe('store-unavailable');
      expect(error.message).toContain('damaged');
      expect(error.remedy).toContain('backup');
    }));
});
