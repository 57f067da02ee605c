import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Binding, compare, type JournalFacts } from '../../../src/store/journal/binding';
import { Database } from '../../../src/store/database/database';
import { Journal } from '../../../src/store/journal/journal';
import { Store } from '../../../src/store/store';

const BOUND: Binding = { journal: 'j', epoch: 7, head: { seq: 20, hash: 'h' } };
const facts = (more: Partial<JournalFacts> = {}): JournalFacts => ({
  ...{ journal: 'j', lastEpoch: 7, settledEpoch: 6, hashAt: () => 'h', enrolled: () => true },
  ...more,
});

test.each<[what: string, binding: Binding | null, known: Partial<JournalFacts>, empty: boolean, result: string]>([
  ['both at one epoch', BOUND, {}, false, 'agreed'],
  ['with nobody left', BOUND, {}, true, 'agreed'],
  ['a journal whose beginning was pruned', BOUND, { hashAt: () => null }, false, 'agreed'],
  ['a crash between the two', BOUND, { lastEpoch: 8 }, false, 'journal-ahead'],
  ['one change, which a start has seen', BOUND, { lastEpoch: 8, settledEpoch: 8 }, false, 'older-store'],
  ['two changes', BOUND, { lastEpoch: 9 }, false, 'older-store'],
  ['another journal', BOUND, { journal: 'k' }, false, 'other-journal'],
  ['a journal that ends before', BOUND, { hashAt: () => undefined, lastEpoch: 5 }, false, 'older-journal'],
  ['a journal that was rewritten', BOUND, { hashAt: () => 'x' }, false, 'older-journal'],
  ['a new box', null, { lastEpoch: null, settledEpoch: null, enrolled: () => false }, true, 'unbound'],
  ['an upgraded box', null, { lastEpoch: null, settledEpoch: null }, false, 'unbound'],
  ['an upgraded box without its members', null, { lastEpoch: null, settledEpoch: null }, true, 'empty'],
  ['a copy from before the upgrade', null, {}, false, 'older-store'],
  ['new members’ data', null, {}, true, 'empty'],
  ['a copy from before the upgrade, changes pruned', null, { lastEpoch: null, settledEpoch: 9 }, false, 'older-store'],
  ['a new box that was started', null, { lastEpoch: null, settledEpoch: 0, enrolled: () => false }, true, 'unbound'],
])('%s', (_, binding, known, empty, result) => {
  const agreement = compare(binding, facts(known), empty);
  expect(agreement.state === 'contradicted' ? agreement.why : agreement.state).toBe(result);
});

describe('with real files', () => {
  const folders: string[] = [];
  const folder = (): string => {
    folders.push(mkdtempSync(join(tmpdir(), 'usher-binding-')));
    return folders.at(-1) ?? '';
  };
  afterEach(() => folders.splice(0).forEach((each) => rmSync(each, { recursive: true, force: true })));

  const within = <T>(dir: string, work: (store: Store, journal: Journal) => T): T => {
    const journal = Journal.open(dir);
    const store = Store.open(dir, { ledger: journal });
    try {
      return work(store, journal);
    } finally {
      store.close();
    }
  };
  const enrol = (dir: string, ...ids: string[]): void =>
    within(dir, (store) => ids.forEach((id) => store.members.add({ id, name: id })));
  const withdraw = (dir: string, id: string): void =>
    within(dir, (store) => void store.members.remove(id, { by: 'desk', reason: 'withdrawal' }));
  const start = (dir: string): void =>
    within(dir, (store, journal) => void journal.append('start', { epoch: store.epoch }));
  const contradiction = (dir: string) => within(dir, (store) => store.contradiction);
  const copies = (dir: string, name: string): { back: () => void } => {
    copyFileSync(join(dir, name), join(dir, `${name}.copy`));
    return {
      back: () => {
        for (const rest of ['-wal', '-shm']) rmSync(join(dir, `${name}${rest}`), { force: true });
        copyFileSync(join(dir, `${name}.copy`), join(dir, name));
      },
    };
  };

  test('an older usher.db does not revive who was withdrawn, and says nothing good until it is accepted', () => {
    const dir = folder();
    enrol(dir, 'ann', 'bob', 'cat');
    const copy = copies(dir, 'usher.db');
    withdraw(dir, 'ann');
    within(dir, (store) => void store.members.update('bob', { groups: ['staff'] }));
    copy.back();
    within(dir, (store, journal) => {
      expect(store.contradiction).toBe('older-store');
      expect(() => store.requireAgreed()).toThrow('older than the journal');
      // Nothing is added to a history that is not that of these members.
      const head = journal.head();
      expect(() => store.members.add({ id: 'dan', name: 'Dan' })).toThrow('older than the journal');
      expect(store.members.find('dan')).toBeNull();
      expect(journal.head()).toEqual(head);
      expect(store.acceptRestore('desk')).toEqual({ deleted: ['ann'], suspended: ['bob'] });
      expect(() => store.requireAgreed()).not.toThrow();
    });
    within(dir, (store, journal) => {
      expect(store.contradiction).toBeNull();
      expect(store.members.list().map(({ id, status }) => `${id} ${status}`)).toEqual(['bob suspended', 'cat active']);
      expect(journal.latest('restore')?.body).toContain('"why":"older-store"');
    });
  });

  test('one change that a start has seen is enough', () => {
    const dir = folder();
    enrol(dir, 'ann', 'bob');
    const copy = copies(dir, 'usher.db');
    withdraw(dir, 'ann');
    start(dir);
    copy.back();
    expect(contradiction(dir)).toBe('older-store');
  });

  test('starting over an old copy again and again does not make it good', () => {
    const dir = folder();
    enrol(dir, 'ann');
    const copy = copies(dir, 'usher.db');
    within(dir, (store) => void store.members.update('ann', { validUntil: 1 }));
    start(dir);
    within(dir, (store, journal) => void journal.append('stop', { epoch: store.epoch }));
    copy.back();
    for (let n = 0; n < 3; n++)
      within(dir, (store, journal) => {
        expect(store.contradiction).toBe('older-store');
        journal.append('start', {});
        journal.append('stop', {});
      });
  });

  test('a withdrawal that a crash cut short after its record is finished at the next start', () => {
    const dir = folder();
    enrol(dir, 'ann', 'bob');
    const copy = copies(dir, 'usher.db');
    withdraw(dir, 'ann');
    copy.back();
    within(dir, (store) => {
      expect(store.contradiction).toBeNull();
      expect(store.members.ids()).toEqual(['bob']);
      expect(store.receipts.of('ann')).toMatchObject([{ by: 'recovery' }]);
    });
    expect(contradiction(dir)).toBeNull();
  });

  test('several deletions in one change are finished too, and an enrolment that never was is none', () => {
    const dir = folder();
    enrol(dir, 'ann', 'bob', 'cat');
    const copy = copies(dir, 'usher.db');
    within(dir, (store) =>
      store.atomically(() => {
        for (const id of ['ann', 'bob']) store.members.remove(id, { by: 'retention', reason: 'expired' });
        store.members.add({ id: 'dan', name: 'Dan' });
      }),
    );
    copy.back();
    within(dir, (store) => expect([store.contradiction, store.members.ids()]).toEqual([null, ['cat']]));
  });

  test('a change that was rolled back leaves both in agreement, and the next one has its number', () => {
    const dir = folder();
    enrol(dir, 'ann');
    within(dir, (store) => {
      const { epoch } = store;
      expect(() =>
        store.atomically(() => {
          store.members.add({ id: 'bob', name: 'Bob' });
          throw new Error('no');
        }),
      ).toThrow('no');
      expect(store.epoch).toBe(epoch);
      store.members.add({ id: 'cat', name: 'Cat' });
      expect(store.epoch).toBe(epoch + 1);
    });
    expect(contradiction(dir)).toBeNull();
  });

  test('an older copy stays one when the daemon was started with it and noticed', () => {
    const dir = folder();
    enrol(dir, 'ann', 'bob');
    const copy = copies(dir, 'usher.db');
    withdraw(dir, 'bob');
    start(dir);
    copy.back();
    expect(contradiction(dir)).toBe('older-store');
    // A start that found the contradiction is recorded without the number of a change.
    within(dir, (store, journal) => {
      journal.append('start', { bootId: 'next' });
      expect(() => store.requireAgreed()).toThrow('older than the journal');
    });
    expect(contradiction(dir)).toBe('older-store');
  });

  const spoil = (dir: string, sql: string): void => {
    const database = Database.open(join(dir, 'usher.db'), { readonly: false, busyTimeoutMs: 0, journal: 'wal' });
    database.exec(sql);
    database.close();
  };
  const SPOIL_BOB = `UPDATE members SET profile = x'00' WHERE id = 'bob'`;

  test('a damaged member keeps nobody else out when a copy is accepted', () => {
    const dir = folder();
    enrol(dir, 'ann', 'bob', 'cat');
    const copy = copies(dir, 'usher.db');
    withdraw(dir, 'ann');
    within(dir, (store) => void store.members.update('bob', { groups: ['staff'] }));
    copy.back();
    spoil(dir, SPOIL_BOB);
    within(dir, (store) => {
      expect(store.acceptRestore('desk')).toMatchObject({ deleted: ['ann'] });
      expect(() => store.requireAgreed()).not.toThrow();
      expect(() => store.members.get('bob')).toThrow('damaged');
      expect(store.members.get('cat').status).toBe('active');
    });
  });

  test('a damaged member whose suspension a crash cut short keeps nobody else out', () => {
    const dir = folder();
    enrol(dir, 'ann', 'bob');
    const copy = copies(dir, 'usher.db');
    within(dir, (store) => void store.members.update('bob', { status: 'suspended' }));
    copy.back();
    spoil(dir, SPOIL_BOB);
    expect(contradiction(dir)).toBeNull();
  });

  test('a copy is accepted once and for all, also where the records of the changes are too old to be kept', () => {
    const dir = folder();
    enrol(dir, 'ann', 'bob');
    const copy = copies(dir, 'usher.db');
    for (const id of ['cat', 'dan', 'eve', 'fay']) enrol(dir, id);
    within(dir, (store, journal) => {
      journal.append('stop', { epoch: store.epoch });
      journal.prune(journal.latest('enrolment')?.seq ?? 0);
    });
    copy.back();
    within(dir, (store, journal) => {
      journal.append('start', { epoch: store.epoch });
      store.acceptRestore('desk');
      expect(() => store.requireAgreed()).not.toThrow();
    });
    expect(contradiction(dir)).toBeNull();
  });

  test('where the journal does not reach back to the copy, everybody in it waits for a person', () => {
    const dir = folder();
    enrol(dir, 'ann', 'bob');
    const copy = copies(dir, 'usher.db');
    withdraw(dir, 'ann');
    withdraw(dir, 'bob');
    enrol(dir, 'bob');
    within(dir, (_, journal) => journal.prune((journal.latest('deletion')?.seq ?? 0) - 1));
    copy.back();
    within(dir, (store) => {
      expect(store.contradiction).toBe('older-store');
      expect(store.acceptRestore('desk')).toEqual({ deleted: ['bob'], suspended: ['ann'] });
    });
  });

  test('a copy from right after the upgrade knows how far its journal went', () => {
    const dir = folder();
    const journal = Journal.open(dir);
    for (let n = 0; n < 5; n++) journal.append('start', { n });
    journal.prune(4);
    // Without a ledger: a store of before there were bindings.
    const old = Store.open(dir);
    for (const id of ['ann', 'bob']) old.members.add({ id, name: id });
    old.close();
    journal.close();
    expect(contradiction(dir)).toBeNull();
    const copy = copies(dir, 'usher.db');
    withdraw(dir, 'ann');
    start(dir);
    copy.back();
    within(dir, (store) => {
      expect(store.contradiction).toBe('older-store');
      expect(store.acceptRestore('desk')).toEqual({ deleted: ['ann'], suspended: [] });
    });
  });

  test('an usher.db that was emptied or taken away', () => {
    const dir = folder();
    enrol(dir, 'ann');
    for (const rest of ['', '-wal', '-shm']) rmSync(join(dir, `usher.db${rest}`), { force: true });
    expect(contradiction(dir)).toBe('empty');
    expect(() => enrol(dir, 'bob')).toThrow('the journal contains members');
    within(dir, (store) => store.acceptRestore('desk'));
    enrol(dir, 'bob');
    expect(contradiction(dir)).toBeNull();
  });

  test('an usher.db of another box, an older journal, and a new one', () => {
    const [dir, other] = [folder(), folder()];
    enrol(dir, 'ann');
    enrol(other, 'eve');
    const journal = copies(dir, 'journal.db');
    enrol(dir, 'bob');
    const store = copies(dir, 'usher.db');
    const ahead = copies(dir, 'journal.db');
    expect(existsSync(join(dir, 'journal.db.copy'))).toBe(true);
    ahead.back();
    expect(contradiction(dir)).toBeNull();

    copyFileSync(join(other, 'journal.db'), join(dir, 'journal.db'));
    expect(contradiction(dir)).toBe('other-journal');
    store.back();
    for (const rest of ['', '-wal', '-shm']) rmSync(join(dir, `journal.db${rest}`), { force: true });
    expect(contradiction(dir)).toBe('other-journal');
    journal.back();
  });

  test('an older journal is noticed by the record that it lacks', () => {
    const dir = folder();
    enrol(dir, 'ann');
    const copy = copies(dir, 'journal.db');
    enrol(dir, 'bob');
    copy.back();
    expect(contradiction(dir)).toBe('older-journal');
    // Also when it has gone on differently since.
    within(dir, (_, journal) => {
      for (let n = 0; n < 5; n++) journal.append('start', { n });
    });
    expect(contradiction(dir)).toBe('older-journal');
  });

  test('both copied back together agree: only the head that was published elsewhere tells', () => {
    const dir = folder();
    enrol(dir, 'ann');
    const both = [copies(dir, 'usher.db'), copies(dir, 'journal.db')];
    withdraw(dir, 'ann');
    both.forEach((copy) => copy.back());
    expect(contradiction(dir)).toBeNull();
  });
});
