import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { BoxPlace } from '../../support/box-place';
import { usher } from '../../support/daemon';
import { describeWithMosquitto } from '../../support/mosquitto';

describeWithMosquitto('a daemon over an older copy of the members’ data', () => {
  const box = new BoxPlace();

  beforeAll(
    () =>
      box.begin({
        cameras: [{ id: 'cam', source: { type: 'folder', path: 'nothing-here' } }],
        doors: [{ id: 'main', camera: 'cam', readers: ['reader'] }],
        health: { everySeconds: 1 },
      }),
    60_000,
  );
  afterAll(() => box.end());

  test('lets nobody in, says why, and takes it over when an operator accepts it: who was withdrawn stays so', async () => {
    const { installation, watcher, dataDir } = box;
    box.inStore((store) => {
      store.members.add({ id: 'ann', name: 'Ann' });
      store.members.add({ id: 'bob', name: 'Bob' });
    });
    const file = join(dataDir, 'usher.db');
    copyFileSync(file, join(installation.dir, 'copy.db'));
    box.inStore((store) => store.members.remove('ann', { by: 'desk', reason: 'withdrawal' }));
    let from = watcher.heard.length;
    let daemon = box.start();
    await box.health('store', 'ok', from);
    await daemon.stop();
    copyFileSync(join(installation.dir, 'copy.db'), file);

    from = watcher.heard.length;
    daemon = box.start();
    try {
      const failed = await box.health('store', 'failed', from);
      expect(failed.payload['detail']).toContain('older than the journal');
      expect(failed.payload['remedy']).toContain('usher members accept');
      expect(await box.decision('main', 'reader', 'ann')).toMatchObject({
        outcome: 'denied',
        reason: 'store-unavailable',
      });
      const doctor = await usher('doctor', '--json', '--config', installation.config);
      const { findings } = JSON.parse(doctor.stdout) as { findings: { check: string; state: string }[] };
      expect(findings.find(({ check }) => check === 'store:journal')).toMatchObject({ state: 'fail' });

      const at = watcher.heard.length;
      const accepted = await usher('members', 'accept', '--by', 'desk', '--json', '--config', installation.config);
      expect(JSON.parse(accepted.stdout)).toEqual({ accepted: 'older-store', deleted: ['ann'], suspended: [] });
      await box.health('store', 'ok', at);
    } finally {
      await daemon.stop();
    }
    expect(box.inStore((store) => store.members.ids())).toEqual(['bob']);
  }, 180_000);
});
