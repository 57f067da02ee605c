import { DAY_MS, forgetWhatIsOld } from '../../src/daemon/forgetting';
import { openStore } from '../../src/daemon/open-store';
import { ConfigSchema } from '../../src/config/schema';
import { Journal } from '../../src/store/journal';
import { createLog } from '../../src/system/log';
import { withFolder } from '../store/harness';

const configOf = (keepDays: number | null) =>
  ConfigSchema.parse({
    device: { site: 'gym', id: 'box' },
    cameras: [{ id: 'cam', source: { type: 'folder', path: 'pictures' } }],
    doors: [{ id: 'main', camera: 'cam' }],
    audit: { keepDays },
  });

test.each([
  [null, ['genesis', 'start', 'start']],
  [30, ['start', 'pruned']],
])('of the journal what is older than %p days goes, and it says so', (keepDays, kinds) =>
  withFolder((dataDir) => {
    let now = Date.now() - 40 * DAY_MS;
    const journal = Journal.open(dataDir, { now: () => now });
    const store = openStore({ dataDir, configured: null }, { ledger: journal });
    try {
      journal.append('start', { version: 'long ago' });
      now = Date.now();
      journal.append('start', { version: 'today' });
      const log = createLog({ level: 'error', format: 'text', write: () => undefined });
      const doors = { reload: () => undefined };
      forgetWhatIsOld({ config: configOf(keepDays), store, journal, doors, log });
      expect([...journal.records()].map(({ kind }) => kind).filter((kind) => kind !== 'key')).toEqual(kinds);
    } finally {
      store.close();
    }
  }),
);
