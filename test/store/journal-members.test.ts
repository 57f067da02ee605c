import { openStore } from '../../src/daemon/store/open-store';
import { UsherError } from '../../src/errors';
import { Journal } from '../../src/store/journal/journal';
import { bodyOf } from '../../src/store/journal/journal-reader';
import type { Ledger } from '../../src/store/journal/ledger';
import type { Store } from '../../src/store/store';
import { exportMembers, importMembers } from '../../src/store/transfer/transfer';
import { withFolder } from './harness';

const template = { space: 's', vector: Float32Array.of(0.6, 0.8), quality: 0.5, source: 'picture' as const };
const consent = { textVersion: '2026-1', by: 'Ada at the desk', at: 1000 };

const told = (dataDir: string) => {
  const journal = Journal.open(dataDir, { readonly: true });
  const records = [...journal.records()].slice(1).map((record) => ({ kind: record.kind, ...bodyOf(record) }));
  journal.close();
  return records;
};

const withStore = (dataDir: string, work: (store: Store) => void, ledger?: Ledger): void => {
  const store = openStore({ dataDir, configured: null }, ledger === undefined ? {} : { ledger });
  try {
    work(store);
  } finally {
    store.close();
  }
};

describe('changes of the members', () => {
  it('are recorded whoever makes them, by id and without what is personal', () =>
    withFolder((dataDir) => {
      withStore(dataDir, (store) => {
        const taken = { door: 'front', distance: 0.25 };
        store.members.add({ id: '4711', name: 'Ada Lovelace', consent }, [template, template]);
        store.templates.replace('4711', [template]);
        store.templates.adapt('4711', { space: 's', vector: Float32Array.of(0.8, 0.6), quality: 0.9 }, 1, taken);
        store.templates.adapt('4711', { space: 's', vector: Float32Array.of(0.7, 0.7), quality: 0.8 }, 1, taken);
        store.templates.forgetAdapted(null, 'desk');
        store.templates.forgetAdapted('4711', 'desk');
        store.members.update('4711', { status: 'suspended', groups: ['staff'] });
        store.members.update('4711', { consent: { ...consent, textVersion: '2026-2' } });
      });
      withStore(dataDir, (store) => {
        store.rotateBoxKey();
        store.members.remove('4711', { by: 'desk', reason: 'withdrawal' });
      });
      const records = told(dataDir);
      expect(records).toMatchObject([
        { kind: 'enrolment', member: '4711', templates: 2, again: false, consentText: '2026-1' },
        { kind: 'enrolment', member: '4711', templates: 1, again: true },
        { kind: 'adaptation', member: '4711', door: 'front', quality: 0.9, distance: 0.25, instead: 0 },
        { kind: 'adaptation', member: '4711', door: 'front', quality: 0.8, distance: 0.25, instead: 1 },
        { kind: 'adaptation', member: '4711', forgotten: 1, by: 'desk' },
        { kind: 'member', member: '4711', fields: ['groups', 'status'], status: 'suspended' },
        { kind: 'consent', member: '4711', text: '2026-2' },
        { kind: 'key', what: 'box-key', change: 'rotation-begun' },
        { kind: 'key', what: 'box-key', change: 'rotated', members: 1 },
        { kind: 'deletion', member: '4711', by: 'desk', reason: 'withdrawal', templates: 1 },
      ]);
      expect(JSON.stringify(records)).not.toMatch(/Ada|Lovelace|staff/);
    }));

  it('of an import are one record', () =>
    withFolder((dataDir) => {
      withStore(dataDir, (store) => {
        for (const id of ['1', '2', '3']) store.members.add({ id, name: id, consent }, [template]);
        const { bytes } = exportMembers(store, 'correct horse battery', 5);
        importMembers(store, bytes, { passphrase: 'correct horse battery', onConflict: 'replace', by: 'desk' });
      });
      expect(told(dataDir).slice(3)).toMatchObject([
        { kind: 'transfer', what: 'export', members: 3 },
        { kind: 'transfer', what: 'import', by: 'desk', added: 0, replaced: 3 },
      ]);
    }));

  it('do not come about when they cannot be recorded', () =>
    withFolder((dataDir) => {
      withStore(dataDir, (store) => void store.members.add({ id: 'kept', name: 'Kept', consent }, [template]));
      const full: Ledger = {
        append: () => {
          throw new UsherError('store-unavailable', 'the disk is full');
        },
        close: () => undefined,
      };
      const attempts: ((store: Store) => unknown)[] = [
        (store) => store.members.add({ id: 'new', name: 'New', consent }, [template]),
        (store) => store.members.update('kept', { status: 'suspended' }),
        (store) => store.templates.replace('kept', []),
        (store) => store.members.remove('kept', { by: 'x', reason: 'removed' }),
        (store) => store.rotateBoxKey(),
        (store) => exportMembers(store, 'correct horse battery', 5),
      ];
      withStore(
        dataDir,
        (store) => {
          for (const attempt of attempts) expect(() => attempt(store)).toThrow('the disk is full');
          expect(store.members.list()).toMatchObject([{ id: 'kept', status: 'active', templates: 1 }]);
          expect(store.receipts.list()).toEqual([]);
        },
        full,
      );
    }));
});
