import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { openStore } from '../../../src/daemon/store/open-store';
import { Daemon, Installation, usher, Watcher } from '../../support/daemon';
import { describeWithMosquitto, Mosquitto } from '../../support/mosquitto';

describeWithMosquitto('a daemon over an older copy of the members’ data', () => {
  const mosquitto = new Mosquitto();
  let installation: Installation;
  let watcher: Watcher;
  let dataDir: string;

  const inStore = <T>(work: (store: ReturnType<typeof openStore>) => T): T => {
    const store = openStore({ dataDir, configured: null });
    try {
      return work(store);
    } finally {
      store.close();
    }
  };
  const storeIs = (state: string, from: number) =>
    watcher.hears(
      `the store is ${state}`,
      ({ topic, payload }) => topic === 'usher/v1/gym/box/health/store' && payload['state'] === state,
      60_000,
      from,
    );

  beforeAll(async () => {
    await mosquitto.start();
    installation = await Installation.make({
      mqtt: { broker: { type: 'external', url: mosquitto.url } },
      cameras: [{ id: 'cam', source: { type: 'folder', path: 'nothing-here' } }],
      doors: [{ id: 'main', camera: 'cam', readers: ['reader'] }],
      health: { everySeconds: 1 },
    });
    dataDir = join(installation.dir, 'data');
    watcher = await Watcher.connect(mosquitto.url, '#');
  }, 60_000);

  afterAll(async () => {
    await watcher.close();
    await mosquitto.dispose();
    await installation.remove();
  });

  test('lets nobody in, says why, and takes it over when an operator accepts it: who was withdrawn stays so', async () => {
    inStore((store) => {
      store.members.add({ id: 'ann', name: 'Ann' });
      store.members.add({ id: 'bob', name: 'Bob' });
    });
    const file = join(dataDir, 'usher.db');
    copyFileSync(file, join(installation.dir, 'copy.db'));
    inStore((store) => store.members.remove('ann', { by: 'desk', reason: 'withdrawal' }));
    let from = watcher.heard.length;
    let daemon = Daemon.start(installation);
    await storeIs('ok', from);
    await daemon.stop();
    copyFileSync(join(installation.dir, 'copy.db'), file);

    from = watcher.heard.length;
    daemon = Daemon.start(installation);
    try {
      const failed = await storeIs('failed', from);
      expect(failed.payload['detail']).toContain('older than the journal');
      expect(failed.payload['remedy']).toContain('usher members accept');
      await watcher.say('usher/v1/gym/box/in/reader/swipe', { v: 1, id: 'ann', at: Date.now() });
      const { payload } = await watcher.hears(
        'a decision',
        ({ topic }) => topic === 'usher/v1/gym/box/event/main/decision',
        60_000,
        from,
      );
      expect(payload).toMatchObject({ outcome: 'denied', reason: 'store-unavailable' });
      const doctor = await usher('doctor', '--json', '--config', installation.config);
      const { findings } = JSON.parse(doctor.stdout) as { findings: { check: string; state: string }[] };
      expect(findings.find(({ check }) => check === 'store:journal')).toMatchObject({ state: 'fail' });

      const at = watcher.heard.length;
      const accepted = await usher('members', 'accept', '--by', 'desk', '--json', '--config', installation.config);
      expect(JSON.parse(accepted.stdout)).toEqual({ accepted: 'older-store', deleted: ['ann'], suspended: [] });
      await storeIs('ok', at);
    } finally {
      await daemon.stop();
    }
    expect(inStore((store) => store.members.ids())).toEqual(['bob']);
  }, 180_000);
});
