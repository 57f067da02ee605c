import { copyFileSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Database } from '../../../src/store/database/database';
import { unseal } from '../../../src/store/keys/aead';
import { CredentialSource } from '../../../src/store/keys/credential-source';
import { Store } from '../../../src/store/store';
import { failureOf, filesBelow, templateOf, tracesOf, vectorOf } from '../fixtures';
import { withFolder } from '../harness';

const keyFile = (folder: string): string => path.join(folder, 'keys', 'box.key');

const filled = (folder: string, members = 3): Store => {
  const store = Store.open(folder);
  for (let i = 0; i < members; i += 1) store.members.add({ id: `m${i}`, name: `Name ${i}` }, [templateOf(i)]);
  return store;
};

describe('a store under a box key', () => {
  it('has nothing personal in the clear in any file, while open and after', () =>
    withFolder((folder) => {
      const store = filled(folder);
      store.members.update('m1', { groups: ['rehab'], consent: { textVersion: 'v1', by: 'Desk Person', at: 5 } });
      const look = (): string[] => {
        const files = filesBelow(folder);
        const words = ['Name 1', 'rehab', 'Desk Person'].map((word) => Buffer.from(word));
        return [...words, vectorOf(0), vectorOf(1), vectorOf(2)].flatMap((secret) => tracesOf(secret, files));
      };
      expect(look()).toEqual([]);
      store.close();
      expect(look()).toEqual([]);
    }));

  it('does not open under another key, without one, or from another source, and nothing is changed', () =>
    withFolder((folder) => {
      filled(folder).close();
      const own = readFileSync(keyFile(folder));
      const before = readFileSync(path.join(folder, 'usher.db'));
      writeFileSync(keyFile(folder), 'ab'.repeat(32));
      for (const readonly of [true, false]) {
        const error = failureOf(() => Store.open(folder, { readonly }));
        expect(error).toMatchObject({
          code: 'key-unusable',
          message: expect.stringContaining('not the box key') as string,
        });
        expect(error.remedy).toContain('Restore the key');
      }
      rmSync(keyFile(folder));
      expect(failureOf(() => Store.open(folder)).message).toContain('there is no box key');
      expect(filesBelow(path.join(folder, 'keys')).size).toBe(0);
      expect(failureOf(() => Store.open(folder, { boxKey: new CredentialSource(null) })).code).toBe('key-unusable');
      expect(readFileSync(path.join(folder, 'usher.db'))).toEqual(before);
      writeFileSync(keyFile(folder), own, { mode: 0o600 });
      const store = Store.open(folder);
      expect(store.templates.inSpace('a.space')).toHaveLength(3);
      store.close();
    }));

  it('opens no template that was moved to another member, space or row', () =>
    withFolder((folder) => {
      const store = filled(folder);
      const other = Database.open(store.file, { readonly: false, busyTimeoutMs: 0, journal: 'wal' });
      // The attack: whoever can write to the file gives the own face to a member with more rights.
      other.run("UPDATE templates SET member = 'm1' WHERE member = 'm0'");
      expect(failureOf(() => store.templates.list('m1'))).toMatchObject({ code: 'member-damaged' });
      other.run("UPDATE templates SET member = 'm0' WHERE id = 1");
      expect(store.templates.list('m0')).toHaveLength(1);
      other.run("UPDATE templates SET space = 'b.space' WHERE id = 1");
      expect(failureOf(() => store.templates.inSpace('b.space')).code).toBe('member-damaged');
      other.run("UPDATE members SET profile = (SELECT profile FROM members WHERE id = 'm0') WHERE id = 'm2'");
      expect(failureOf(() => store.members.get('m2')).code).toBe('member-damaged');
      other.run(
        "UPDATE member_keys SET wrapped = (SELECT wrapped FROM member_keys WHERE member = 'm0') WHERE member = 'm1'",
      );
      expect(failureOf(() => store.members.get('m1')).code).toBe('member-damaged');
      other.close();
      store.close();
    }));

  it('takes a moved template for damaged although it was opened before', () =>
    withFolder((folder) => {
      const store = filled(folder);
      expect(store.templates.inSpace('a.space')).toHaveLength(3);
      const other = Database.open(store.file, { readonly: false, busyTimeoutMs: 0, journal: 'wal' });
      other.run("UPDATE templates SET member = 'm1' WHERE member = 'm0'");
      other.close();
      expect(failureOf(() => store.templates.inSpace('a.space')).code).toBe('member-damaged');
      store.close();
    }));
});

describe('a stolen copy', () => {
  it(
    'yields no vector without the box key, with any key inside of it or any other',
    () =>
      withFolder((folder) => {
        const data = path.join(folder, 'data');
        const store = filled(data);
        const stolen = path.join(folder, 'stolen');
        cpSync(data, stolen, { recursive: true });
        rmSync(path.join(stolen, 'keys'), { recursive: true });
        const backup = path.join(folder, 'backup.db');
        const database = Database.open(store.file, { readonly: false, busyTimeoutMs: 0, journal: 'wal' });
        database.run('VACUUM INTO ?', backup);
        database.close();
        store.close();
        copyFileSync(backup, path.join(stolen, 'backup.db'));
        const files = filesBelow(stolen);
        expect(files.size).toBeGreaterThan(1);
        for (const seed of [0, 1, 2]) expect(tracesOf(vectorOf(seed), files)).toEqual([]);
        expect(failureOf(() => Store.open(stolen)).code).toBe('key-unusable');
        // Every 32 bytes of the database as the key: it is not in there.
        const bytes = readFileSync(path.join(stolen, 'backup.db'));
        const row = Database.open(path.join(stolen, 'backup.db'), { readonly: true, busyTimeoutMs: 0, journal: 'wal' });
        const wrapped = row.get("SELECT wrapped FROM member_keys WHERE member = 'm0'")!['wrapped'] as Uint8Array;
        row.close();
        for (let at = 0; at + 32 <= bytes.length; at += 1)
          if (unseal(bytes.subarray(at, at + 32), wrapped, ['member-key', 'm0', 1]) !== null)
            throw new Error(`key at ${at}`);
      }),
    60_000,
  );
});
