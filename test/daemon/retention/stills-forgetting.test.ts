import { mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StillsRetention } from '../../../src/daemon/retention/retention';
import { Journal } from '../../../src/store/journal/journal';
import { Store } from '../../../src/store/store';
import { createLog } from '../../../src/system/log';
import { addStill, stillFolder, stillName } from '../../../src/vision/stills/still-folder';

const DECISION = '6f9619ff-8b86-4d01-b42d-00c04fc964ff';

describe('stills of members', () => {
  let dataDir: string;
  beforeEach(() => (dataDir = mkdtempSync(join(tmpdir(), 'usher-stills-'))));
  afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

  const within = async (work: (store: Store) => void | Promise<void>): Promise<void> => {
    const store = Store.open(dataDir, { ledger: Journal.open(dataDir) });
    try {
      await work(store);
    } finally {
      store.close();
    }
  };
  const look = (store: Store): Promise<void> =>
    new StillsRetention({
      config: { stills: null, audit: { keepDays: null } as never },
      ...{ dataDir, store, log: createLog({ level: 'error', format: 'text', write: () => undefined }) },
      ...{ trail: { fact: () => undefined }, retention: { mayDestroy: false } },
      ...{ monotonicMs: () => 0, wall: () => 0 },
    }).tick();
  const stills = (): number => readdirSync(stillFolder(dataDir)).length;

  test('outlast members’ data that were taken away by mistake, and go with a member who is deleted', async () => {
    await within((store) => void store.members.add({ id: 'ann', name: 'Ann' }));
    const name = stillName({ decision: DECISION, door: 'front', outcome: 'granted', member: 'ann', at: 1 });
    await addStill(stillFolder(dataDir), name, Buffer.from('jpeg'), { maxFiles: 9, maxBytes: 1000 });
    const copy = mkdtempSync(join(tmpdir(), 'usher-stills-'));
    renameSync(join(dataDir, 'usher.db'), join(copy, 'usher.db'));
    await within(async (store) => {
      expect(store.contradiction).toBe('empty');
      await look(store);
    });
    expect(stills()).toBe(1);
    renameSync(join(copy, 'usher.db'), join(dataDir, 'usher.db'));
    rmSync(copy, { recursive: true });
    await within(async (store) => {
      store.members.remove('ann', { by: 'desk', reason: 'withdrawal' });
      await look(store);
    });
    expect(stills()).toBe(0);
  });
});
