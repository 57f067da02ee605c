import { generateKeyPairSync, verify } from 'node:crypto';
import { copyFileSync } from 'node:fs';
import path from 'node:path';
import { signedBytes } from '../../src/canonical';
import { openDeviceKey, trustedKey } from '../../src/access/keys/device-key';
import { Database } from '../../src/store/database/database';
import { DELETION_DOMAIN } from '../../src/store/members/receipts';
import { Store } from '../../src/store/store';
import { BY_DESK, filesBelow, templateOf, tracesOf, vectorOf } from './fixtures';
import { withFolder } from './harness';

const open = (file: string, readonly = true): Database =>
  Database.open(file, { readonly, busyTimeoutMs: 0, journal: 'wal' });

/** Everything that is stored of a member under seal. */
function sealedOf(file: string, member: string): Uint8Array[] {
  const database = open(file);
  const rows = database.all(
    `SELECT sealed AS bytes FROM templates WHERE member = ?1
     UNION ALL SELECT wrapped FROM member_keys WHERE member = ?1 UNION ALL SELECT profile FROM members WHERE id = ?1`,
    member,
  );
  database.close();
  return rows.map((row) => row['bytes'] as Uint8Array);
}

describe('a deleted member', () => {
  const withDeleted = (
    work: (folder: string, store: Store, sealed: Uint8Array[]) => void,
    before: (store: Store) => void = () => undefined,
  ) =>
    withFolder((folder) => {
      const store = Store.open(folder, { now: () => 5000, signer: openDeviceKey(folder) });
      for (let i = 0; i < 40; i += 1)
        store.members.add({ id: `m${i}`, name: `Name of ${i}` }, [
          templateOf(i),
          templateOf(i + 0.5),
          templateOf(i, 'b'),
        ]);
      const sealed = sealedOf(store.file, 'm7');
      expect(sealed).toHaveLength(5);
      expect(sealed.flatMap((bytes) => tracesOf(bytes, filesBelow(folder))).length).toBeGreaterThan(0);
      before(store);
      store.members.remove('m7', BY_DESK);
      work(folder, store, sealed);
      store.close();
    });

  it('leaves no byte, plain or sealed, in database, log and backups made after, whether open or closed', () =>
    withDeleted((folder, store, sealed) => {
      const secrets = [...sealed, vectorOf(7), vectorOf(7.5), Buffer.from('Name of 7')];
      const look = (): string[] => secrets.flatMap((secret) => tracesOf(secret, filesBelow(folder)));
      expect(look()).toEqual([]);
      const backup = open(store.file, false);
      backup.run('VACUUM INTO ?', path.join(folder, 'backup.db'));
      backup.close();
      copyFileSync(store.file, path.join(folder, 'copied.db'));
      expect(look()).toEqual([]);
      store.close();
      expect(look()).toEqual([]);
      // Nor can the key bring it back: there is nothing to open.
      expect(sealedOf(path.join(folder, 'copied.db'), 'm7')).toEqual([]);
    }));

  it('is out of the gallery that is held in memory', () =>
    withDeleted(
      (_, store) => expect(store.templates.inSpace('a.space').some(({ member }) => member === 'm7')).toBe(false),
      (store) => expect(store.templates.inSpace('a.space').some(({ member }) => member === 'm7')).toBe(true),
    ));

  it('is cleaned up once a reader that was in the way has gone', () =>
    withFolder((folder) => {
      const store = Store.open(folder);
      store.members.add({ id: 'a', name: 'A' }, [templateOf(1)]);
      const sealed = sealedOf(store.file, 'a');
      const reader = open(store.file);
      reader.exec('BEGIN');
      reader.get('SELECT count(*) FROM members');
      store.members.remove('a', BY_DESK);
      expect(store.scrub()).toBe(false);
      reader.close();
      expect(store.scrub()).toBe(true);
      for (const bytes of sealed) expect(tracesOf(bytes, filesBelow(folder))).toEqual([]);
      store.close();
    }));

  it('leaves a receipt that the box has signed, and that names the member only to who knows the id', () =>
    withDeleted((folder, store) => {
      const [receipt] = store.receipts.of('m7');
      expect(receipt).toMatchObject({
        at: 5000,
        by: 'desk',
        reason: 'removed',
        deleted: { keys: 1, templates: 3, spaces: ['a.space', 'b'], duressIds: 0 },
        key: openDeviceKey(folder).keyId,
      });
      expect(JSON.stringify(receipt)).not.toContain('m7');
      const { sig, ...statement } = receipt!;
      const trusted = trustedKey(openDeviceKey(folder).publicKeyText);
      expect(trusted.verify(DELETION_DOMAIN, statement, sig!)).toBe(true);
      expect(trusted.verify(DELETION_DOMAIN, { ...statement, at: 5001 }, sig!)).toBe(false);
      const { publicKey } = generateKeyPairSync('ed25519');
      expect(verify(null, signedBytes(DELETION_DOMAIN, statement), publicKey, Buffer.from(sig!, 'hex'))).toBe(false);
      expect(store.receipts.of('m8')).toEqual([]);
      expect(store.receipts.list()).toHaveLength(1);
    }));

  it('may come back as someone new', () =>
    withDeleted((_, store) => {
      store.members.add({ id: 'm7', name: 'Someone else' }, [templateOf(99)]);
      expect(store.templates.list('m7')).toHaveLength(1);
    }));
});

describe('templates that are replaced or removed', () => {
  it('leave no byte either', () =>
    withFolder((folder) => {
      const store = Store.open(folder);
      store.members.add({ id: 'a', name: 'A' }, [templateOf(1), templateOf(2)]);
      const templates = sealedOf(store.file, 'a').slice(0, 2);
      store.templates.replace('a', [templateOf(3), templateOf(4)]);
      for (const bytes of templates) expect(tracesOf(bytes, filesBelow(folder))).toEqual([]);
      const [first] = store.templates.list('a');
      const [sealed] = sealedOf(store.file, 'a');
      store.templates.remove(first!.id);
      expect(tracesOf(sealed!, filesBelow(folder))).toEqual([]);
      store.close();
    }));
});
