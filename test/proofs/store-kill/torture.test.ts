import { readdirSync } from 'node:fs';
import path from 'node:path';
import { Database } from '../../../src/store/database/database';
import { FileSource } from '../../../src/store/keys/file-source';
import { Store } from '../../../src/store/store';
import { BY_DESK, failureOf, filesBelow, templateOf, tracesOf } from '../../store/fixtures';
import { linesOf, startTask, withFolder } from '../../store/harness';
import { torture } from './torture';

const SPACE = 'test.space';

const filled = (folder: string, members = 5): void => {
  const store = Store.open(folder);
  for (let i = 0; i < members; i += 1)
    store.members.add({ id: `m${i}`, name: `Name ${i}` }, [templateOf(i, SPACE), templateOf(i + 0.5, SPACE)]);
  store.close();
};

const vectors = (store: Store): number => store.templates.inSpace(SPACE).length;
const keyFiles = (folder: string): string[] => readdirSync(path.join(folder, 'keys'));

describe('kill -9 at random moments of enrolment, deletion and rotation', () => {
  it(
    'leaves the store whole and loses nothing acknowledged, 30 times (npm run torture:store for more)',
    () =>
      withFolder(async (folder) => {
        const result = await torture(folder, 30, () => undefined);
        expect(result.kills).toBe(30);
        expect(result.acknowledged).toBeGreaterThan(30);
      }),
    180_000,
  );
});

describe('a rotation that is killed', () => {
  it.each([
    ['next-written', 1, ['box.key', 'box.key.next']],
    ['rewrapped', 1, ['box.key', 'box.key.next']],
    ['committed', 2, ['box.key', 'box.key.next']],
    ['promoted', 2, ['box.key']],
  ])('after %s leaves the store open under version %i, and the next one finishes', (step, version, files) =>
    withFolder(async (folder) => {
      filled(folder);
      expect(await linesOf(startTask('rotate', folder, '', { detail: step }))).toEqual([]);
      expect(keyFiles(folder)).toEqual(files);
      for (const readonly of [true, false]) {
        const store = Store.open(folder, { readonly });
        expect(vectors(store)).toBe(10);
        store.close();
      }
      const store = Store.open(folder);
      expect(store.rotateBoxKey()).toEqual({ version: version + 1, members: 5, advice: null });
      expect(vectors(store)).toBe(10);
      store.close();
      expect(keyFiles(folder)).toEqual(['box.key']);
    }),
  );

  it('many at once end with one key that opens all', () =>
    withFolder(async (folder) => {
      filled(folder);
      const told = await Promise.all(Array.from({ length: 4 }, () => linesOf(startTask('rotate', folder))));
      expect(told).toEqual(Array.from({ length: 4 }, () => ['rotated']));
      const store = Store.open(folder);
      expect(vectors(store)).toBe(10);
      expect(store.rotateBoxKey().version).toBe(6);
      store.close();
    }));
});

describe('a rotation beside a running process', () => {
  it('goes unnoticed by one that reads all the time, and by one that only waited', () =>
    withFolder(async (folder) => {
      filled(folder);
      const waiting = Store.open(folder);
      const rotating = Store.open(folder);
      let rounds = 0;
      const lines = await linesOf(startTask('watch', folder), (_, count) => {
        if (count % 5 === 0) rotating.rotateBoxKey();
        return (rounds += 1) >= 60;
      });
      expect(new Set(lines)).toEqual(new Set(['5 10']));
      expect(waiting.changedElsewhere()).toBe(true);
      expect(vectors(waiting)).toBe(10);
      waiting.members.add({ id: 'new', name: 'New' }, [templateOf(9, SPACE)]);
      expect(rotating.members.get('new').name).toBe('New');
      waiting.close();
      rotating.close();
    }));

  it('makes older backups unreadable for good', () =>
    withFolder((folder) => {
      const data = path.join(folder, 'data');
      filled(data);
      const store = Store.open(data);
      const database = Database.open(store.file, { readonly: false, busyTimeoutMs: 0, journal: 'wal' });
      database.run('VACUUM INTO ?', path.join(folder, 'usher.db'));
      database.close();
      store.rotateBoxKey();
      store.close();
      expect(failureOf(() => Store.open(folder, { boxKey: sourceOf(data) }))).toMatchObject({ code: 'key-unusable' });
    }));
});

describe('a deletion that is killed before it has cleaned up', () => {
  it('is a deletion, and the next start cleans up', () =>
    withFolder(async (folder) => {
      filled(folder);
      const sealed = sealedOf(folder, 'm1');
      await linesOf(startTask('remove-unscrubbed', folder, '', { detail: 'm1' }));
      const store = Store.open(folder);
      expect(store.members.find('m1')).toBeNull();
      expect(store.receipts.of('m1')).toHaveLength(1);
      for (const bytes of sealed) expect(tracesOf(bytes, filesBelow(folder))).toEqual([]);
      expect(failureOf(() => store.members.remove('m1', BY_DESK)).code).toBe('member-unknown');
      store.close();
    }));
});

function sealedOf(folder: string, member: string): Uint8Array[] {
  const database = Database.open(path.join(folder, 'usher.db'), { readonly: true, busyTimeoutMs: 0, journal: 'wal' });
  const rows = database.all(
    'SELECT sealed AS bytes FROM templates WHERE member = ? UNION ALL SELECT wrapped FROM member_keys WHERE member = ?',
    member,
    member,
  );
  database.close();
  return rows.map((row) => row['bytes'] as Uint8Array);
}

function sourceOf(dataDir: string): FileSource {
  return new FileSource(path.join(dataDir, 'keys', 'box.key'));
}
