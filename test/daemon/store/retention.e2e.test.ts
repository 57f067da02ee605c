import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BoxPlace } from '../../support/box-place';
import { usher } from '../../support/daemon';
import { FAKETIME, faketimeFrom } from '../../support/faketime';
import { describeWithMosquitto } from '../../support/mosquitto';

const describeWithFaketime = FAKETIME === undefined ? describe.skip : describeWithMosquitto;
const DAY_MS = 86_400_000;
const Y2038_S = Math.round((Date.UTC(2038, 0, 19) - Date.now()) / 1000);

describeWithFaketime('a daemon that wakes up in 2038', () => {
  const box = new BoxPlace();
  const clockFile = (): string => join(box.installation.dir, 'clock');
  const floorFile = (): string => join(box.dataDir, 'clock-floor');

  beforeAll(async () => {
    await box.begin({
      cameras: [{ id: 'cam', source: { type: 'folder', path: 'nothing-here' } }],
      doors: [{ id: 'main', camera: 'cam', readers: ['reader'] }],
      security: { retention: { inactiveDays: 30, expiredDays: 10 } },
      audit: { keepDays: 30 },
      health: { everySeconds: 1 },
    });
    box.inStore((store, journal) => {
      for (let n = 0; n < 6; n++) store.members.add({ id: `m${n}`, name: `M ${n}`, validUntil: Date.now() + DAY_MS });
      for (let n = 0; n < 6; n++) journal.append('start', { n });
    });
  }, 60_000);
  afterAll(() => box.end());

  test('loses nothing at the first start, the second and the third, and says why', async () => {
    writeFileSync(clockFile(), `+${Y2038_S}s\n`);
    const before = box.inStore((_, journal) => journal.head().seq);
    for (let start = 0; start < 3; start++) {
      const from = box.watcher.heard.length;
      const daemon = box.start(faketimeFrom(clockFile()));
      try {
        const { payload } = await box.health('retention', 'degraded', from);
        expect(payload['detail']).toContain('more than a week ahead');
        expect(payload['remedy']).toContain('usher clock accept');
      } finally {
        await daemon.stop();
      }
    }
    box.inStore((store, journal) => {
      expect(store.members.count()).toBe(6);
      expect(journal.extent().first).toBe(1);
      expect(journal.head().seq).toBeGreaterThan(before);
      expect(journal.latest('pruned')).toBeNull();
    });
  }, 180_000);

  test('is held to a time that was wrong until an operator accepts the clock, which doctor says and the journal keeps', async () => {
    writeFileSync(floorFile(), `${Date.UTC(2038, 0, 19)}\n`);
    const doctor = await usher('doctor', '--json', '--config', box.installation.config);
    const { findings } = JSON.parse(doctor.stdout) as { findings: { check: string; state: string; remedy: string }[] };
    expect(findings.find(({ check }) => check === 'clock:floor')).toMatchObject({
      state: 'fail',
      remedy: expect.stringContaining('usher clock accept') as string,
    });

    const from = box.watcher.heard.length;
    const daemon = box.start();
    try {
      await box.health('clock', 'degraded', from);
      const wrong = await usher('clock', 'accept', '2038-01-19', '--config', box.installation.config);
      expect(wrong.code).not.toBe(0);
      expect(existsSync(floorFile())).toBe(true);

      const at = box.watcher.heard.length;
      const today = new Date().toISOString().slice(0, 10);
      const accepted = await usher('clock', 'accept', today, '--by', 'the test', '--config', box.installation.config);
      expect(accepted).toMatchObject({ code: 0, stdout: expect.stringContaining('2038-01-19') as string });
      await box.health('clock', 'ok', at);
    } finally {
      await daemon.stop();
    }
    const record = box.inStore((_, journal) => journal.latest('clock'));
    expect(JSON.parse(record?.body ?? '{}')).toMatchObject({ change: 'accepted', by: 'the test' });
    expect(existsSync(floorFile()) ? readFileSync(floorFile(), 'utf8') : '').not.toContain(
      String(Date.UTC(2038, 0, 19)),
    );
  }, 180_000);

  test('is told to stop and to go on by the command line', async () => {
    const run = (...args: string[]) => usher('retention', ...args, '--json', '--config', box.installation.config);
    expect(JSON.parse((await run('stop')).stdout)).toEqual({ stopped: true });
    expect(JSON.parse((await run('show')).stdout)).toMatchObject({ members: [], records: null });
    expect(JSON.parse((await run('confirm')).stdout)).toEqual({ confirmed: { members: 0, records: 0 } });
    expect(JSON.parse((await run('resume')).stdout)).toEqual({ stopped: false });
    const changes = box.inStore((_, journal) => [...journal.records()].filter(({ kind }) => kind === 'retention'));
    expect(changes.map(({ body }) => (JSON.parse(body) as { change: string }).change)).toEqual([
      'stopped',
      'confirmed',
      'resumed',
    ]);
  }, 60_000);
});
