import path from 'node:path';
import { Database } from '../../src/store/database/database';
import { Keyring } from '../../src/store/keys/keyring';
import { boxKeySource } from '../../src/store/keys/source';
import { PLAIN_SCHEMA, sealStore } from '../../src/store/schema';
import { Store } from '../../src/store/store';
import { failureOf, filesBelow, tracesOf, vectorOf } from './fixtures';
import { linesOf, startTask, withFolder } from './harness';

/** A store as version 1 left it, with members in the clear, some of them deleted. */
function plainStore(folder: string, members = 60): void {
  const database = Database.open(path.join(folder, 'usher.db'), { readonly: false, busyTimeoutMs: 0, journal: 'wal' });
  database.exec(PLAIN_SCHEMA);
  database.exec('PRAGMA secure_delete = OFF');
  for (let i = 0; i < members; i += 1) {
    const status = i % 10 === 0 ? 'suspended' : 'active';
    database.run(
      'INSERT INTO members VALUES (?, ?, ?, ?, ?)',
      `m${i}`,
      `Name of member ${i}`,
      status,
      100 + i,
      200 + i,
    );
    for (const space of ['a.space', 'b.space'])
      database.run(
        'INSERT INTO templates (member, space, vector, quality, source, created_at) VALUES (?, ?, ?, 0.5, ?, ?)',
        ...[`m${i}`, space, new Uint8Array(vectorOf(i).buffer), 'camera', 300 + i],
      );
  }
  database.exec("DELETE FROM members WHERE id = 'm3'");
  database.exec('PRAGMA user_version = 1');
  database.close();
}

const secrets = (): NodeJS.ArrayBufferView[] =>
  Array.from({ length: 60 }, (_, i) => i).flatMap((i) => [vectorOf(i), Buffer.from(`Name of member ${i}`)]);
const traces = (folder: string): string[] => secrets().flatMap((secret) => tracesOf(secret, filesBelow(folder)));

function expectTakenOver(store: Store): void {
  expect(store.members.list()).toHaveLength(59);
  expect(store.members.get('m10')).toMatchObject({
    name: 'Name of member 10',
    status: 'suspended',
    consent: null,
    groups: [],
    createdAt: 110,
    updatedAt: 210,
    enrolledAt: 210,
  });
  expect(store.templates.list('m20').map(({ vector }) => vector)).toEqual([vectorOf(20), vectorOf(20)]);
  expect(store.templates.inSpace('b.space')).toHaveLength(59);
}

describe('a store in the clear', () => {
  it('is sealed when it is opened for writing, and nothing of it stays readable in any file', () =>
    withFolder((folder) => {
      plainStore(folder);
      expect(traces(folder).length).toBeGreaterThan(100);
      expect(failureOf(() => Store.open(folder, { readonly: true })).remedy).toContain('usher run');
      const store = Store.open(folder);
      expectTakenOver(store);
      expect(traces(folder)).toEqual([]);
      store.close();
      expect(traces(folder)).toEqual([]);
    }));

  it('is taken over whole although the process was killed before the file was written anew', () =>
    withFolder(async (folder) => {
      plainStore(folder);
      await linesOf(startTask('migrate-unscrubbed', folder));
      const store = Store.open(folder);
      expectTakenOver(store);
      expect(traces(folder)).toEqual([]);
      store.close();
    }));

  it('is taken over once by many that open it at once', () =>
    withFolder(async (folder) => {
      plainStore(folder);
      const answers = await Promise.all(Array.from({ length: 4 }, () => linesOf(startTask('open', folder))));
      expect(answers).toEqual(Array.from({ length: 4 }, () => ['opened']));
      const store = Store.open(folder);
      expectTakenOver(store);
      store.close();
      expect(traces(folder)).toEqual([]);
    }));

  it('of which one template is damaged is taken over, and that one is named', () =>
    withFolder((folder) => {
      plainStore(folder);
      const file = path.join(folder, 'usher.db');
      const database = Database.open(file, { readonly: false, busyTimeoutMs: 0, journal: 'wal' });
      database.exec("UPDATE templates SET vector = x'0102' WHERE id = 5");
      database.close();
      const store = Store.open(folder);
      expect(store.members.list()).toHaveLength(59);
      const { templates, broken } = store.templates.readAll();
      expect([templates.length, broken.map(({ id, member }) => [id, member])]).toEqual([117, [[5, 'm2']]]);
      store.close();
    }));
});

describe('a store that was sealed, its rights in the clear', () => {
  it('is bound when it is opened for writing; what was damaged before stays damaged, and is the only loss', () =>
    withFolder((folder) => {
      plainStore(folder, 5);
      const file = path.join(folder, 'usher.db');
      const database = Database.open(file, { readonly: false, busyTimeoutMs: 0, journal: 'wal' });
      const keyring = new Keyring(
        database,
        boxKeySource({ source: 'file' }, { dataDir: folder, credentialsDir: null }),
      );
      database.transaction(() => {
        sealStore({ database, keyring });
        database.exec('PRAGMA user_version = 2');
      });
      database.exec("UPDATE templates SET sealed = x'00' WHERE id = 3");
      keyring.dispose();
      database.close();
      const store = Store.open(folder);
      expect(store.members.list().map(({ id, status }) => `${id} ${status}`)).toEqual([
        'm0 suspended',
        ...['m1 active', 'm2 active', 'm4 active'],
      ]);
      const { templates, broken } = store.templates.readAll();
      expect([templates.length, broken.map(({ id, member }) => [id, member])]).toEqual([7, [[3, 'm1']]]);
      expect(templates.find(({ member }) => member === 'm4')?.vector).toEqual(vectorOf(4));
      const other = Database.open(file, { readonly: false, busyTimeoutMs: 0, journal: 'wal' });
      other.exec("UPDATE members SET status = 'active' WHERE id = 'm0'");
      other.close();
      expect(failureOf(() => store.members.get('m0')).code).toBe('member-damaged');
      store.close();
    }));
});
