import path from 'node:path';
import { countersIn, ledgerIn, policyStateIn } from '../../../src/access/door/persisted';
import { CommandLedger } from '../../../src/access/commands/command-ledger';
import { FIRST_STATE } from '../../../src/access/policy/types';
import { Database } from '../../../src/store/database/database';
import { Store } from '../../../src/store/store';
import { failureOf } from '../fixtures';
import { withFolder } from '../harness';

const moment = () => ({ mono: 1000, wall: 1_770_000_000_000, machineBoot: 'b' });

function change(folder: string, sql: string): void {
  const file = Database.open(path.join(folder, 'usher.db'), { readonly: false, busyTimeoutMs: 0, journal: 'wal' });
  file.exec(sql);
  file.close();
}

const withStore = (work: (store: Store, folder: string) => void) => () =>
  withFolder((folder) => {
    const store = Store.open(folder);
    try {
      work(store, folder);
    } finally {
      store.close();
    }
  });

/** A box with a lockdown, a counter and a command that was taken. */
function fill(store: Store): void {
  policyStateIn(store, moment).offer({ ...FIRST_STATE, presence: new Map([['ann', 'hall']]) });
  countersIn(store).save('reader r', 41);
  expect(new CommandLedger(ledgerIn(store)).take('n1', 2000, 1000)).toBe('new');
}

describe('what a door opens by', () => {
  it(
    'comes back as it was saved, over an exchange of the box key too',
    withStore((store) => {
      fill(store);
      for (let round = 0; round < 2; round++) {
        expect(policyStateIn(store, moment).load().presence.get('ann')).toBe('hall');
        expect(countersIn(store).load('reader r')).toBe(41);
        expect(new CommandLedger(ledgerIn(store)).take('n1', 2000, 1000)).toBe('replayed');
        store.rotateBoxKey();
      }
    }),
  );

  it.each([
    ['another text', "UPDATE meta SET value = replace(value, 'hall', 'away') WHERE key LIKE 'policy%'"],
    ['no seal', "UPDATE meta SET value = substr(value, 1, length(value) - 66) WHERE key LIKE 'policy%'"],
    [
      'the seal of another',
      "UPDATE meta SET value = (SELECT value FROM meta WHERE key LIKE 'counter%') WHERE key LIKE 'policy%'",
    ],
    ['no key of the seals', "DELETE FROM meta WHERE key = 'facts.key'"],
    ['a key that is none', "UPDATE meta SET value = '1:AAAA' WHERE key = 'facts.key'"],
    ['a key of no version', "UPDATE meta SET value = 'x' WHERE key = 'facts.key'"],
  ])('%s: nobody passes until an order says what to assume, and the rest goes on', (_what, sql) =>
    withStore((store, folder) => {
      fill(store);
      change(folder, sql);
      expect(policyStateIn(store, moment).load().lost).toBe(true);
      expect(store.members.list()).toEqual([]);
      policyStateIn(store, moment).offer({ ...FIRST_STATE, presence: new Map([['bob', 'hall']]) });
      expect(policyStateIn(store, moment).load().presence.get('bob')).toBe('hall');
    })(),
  );

  it(
    'a counter that was set back, and a ledger that was emptied, make no old message new',
    withStore((store, folder) => {
      fill(store);
      change(folder, "UPDATE meta SET value = '7' || substr(value, 3) WHERE key LIKE 'counter%'");
      change(folder, `UPDATE meta SET value = '{"floor":0,"seen":[]}' WHERE key = 'commands.ledger'`);
      expect(failureOf(() => countersIn(store).load('reader r'))).toMatchObject({ code: 'data-invalid' });
      expect(new CommandLedger(ledgerIn(store)).take('n1', 2000, 1000)).toMatchObject({
        unsaved: expect.stringContaining('is damaged') as string,
      });
      expect(new CommandLedger(ledgerIn(store)).take('n1', 2000, 1000)).toBe('replayed');
    }),
  );

  it(
    'is sealed when a store of before is opened',
    withStore((store, folder) => {
      store.close();
      change(folder, "INSERT INTO meta (key, value) VALUES ('counter.reader r', '9'); PRAGMA user_version = 3");
      const again = Store.open(folder);
      expect(countersIn(again).load('reader r')).toBe(9);
      again.close();
    }),
  );
});
