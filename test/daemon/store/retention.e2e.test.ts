import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openStore } from '../../../src/daemon/store/open-store';
import { Journal } from '../../../src/store/journal/journal';
import { Daemon, Installation, usher, Watcher } from '../../support/daemon';
import { FAKETIME, faketimeFrom } from '../../support/faketime';
import { describeWithMosquitto, Mosquitto } from '../../support/mosquitto';

const describeWithFaketime = FAKETIME === undefined ? describe.skip : describeWithMosquitto;
const DAY_MS = 86_400_000;
const Y2038_S = Math.round((Date.UTC(2038, 0, 19) - Date.now()) / 1000);

describeWithFaketime('a daemon that wakes up in 2038', () => {
  const mosquitto = new Mosquitto();
  let installation: Installation;
  let watcher: Watcher;
  let dataDir: string;

  const setClock = (seconds: number): void => writeFileSync(join(installation.dir, 'clock'), `+${seconds}s\n`);
  const inStore = <T>(work: (store: ReturnType<typeof openStore>, journal: Journal) => T): T => {
    const journal = Journal.open(dataDir);
    const store = openStore({ dataDir, configured: null }, { ledger: journal });
    try {
      return work(store, journal);
    } finally {
      store.close();
    }
  };
  const health = (component: string, state: string, from: number) =>
    watcher.hears(
      `${component} is ${state}`,
      ({ topic, payload }) => topic === `usher/v1/gym/box/health/${component}` && payload['state'] === state,
      60_000,
      from,
    );

  beforeAll(async () => {
    await mosquitto.start();
    installation = await Installation.make({
      mqtt: { broker: { type: 'external', url: mosquitto.url } },
      cameras: [{ id: 'cam', source: { type: 'folder', path: 'nothing-here' } }],
      doors: [{ id: 'main', camera: 'cam', readers: ['reader'] }],
      security: { retention: { inactiveDays: 30, expiredDays: 10 } },
      audit: { keepDays: 30 },
      health: { everySeconds: 1 },
    });
    dataDir = join(installation.dir, 'data');
    watcher = await Watcher.connect(mosquitto.url, '#');
    inStore((store, journal) => {
      for (let n = 0; n < 6; n++) store.members.add({ id: `m${n}`, name: `M ${n}`, validUntil: Date.now() + DAY_MS });
      for (let n = 0; n < 6; n++) journal.append('start', { n });
    });
  }, 60_000);

  afterAll(async () => {
    await watcher.close();
    await mosquitto.dispose();
    await installation.remove();
  });

  test('loses nothing at the first start, the second and the third, and says why', async () => {
    setClock(Y2038_S);
    const before = inStore((_, journal) => journal.head().seq);
    for (let start = 0; start < 3; start++) {
      const from = watcher.heard.length;
      const daemon = Daemon.start(installation, faketimeFrom(join(installation.dir, 'clock')));
      try {
        const { payload } = await health('retention', 'degraded', from);
        expect(payload['detail']).toContain('more than a week ahead');
        expect(payload['remedy']).toContain('usher clock accept');
      } finally {
        await daemon.stop();
      }
    }
    inStore((store, journal) => {
      expect(store.members.count()).toBe(6);
      expect(journal.extent().first).toBe(1);
      expect(journal.head().seq).toBeGreaterThan(before);
      expect(journal.latest('pruned')).toBeNull();
    });
  }, 180_000);

  test('is held to a time that was wrong until an operator accepts the clock, which doctor says and the journal keeps', async () => {
    writeFileSync(join(dataDir, 'clock-floor'), `${Date.UTC(2038, 0, 19)}\n`);
    const doctor = await usher('doctor', '--json', '--config', installation.config);
    const { findings } = JSON.parse(doctor.stdout) as { findings: { check: string; state: string; remedy: string }[] };
    expect(findings.find(({ check }) => check === 'clock:floor')).toMatchObject({
      state: 'fail',
      remedy: expect.stringContaining('usher clock accept') as string,
    });

    const from = watcher.heard.length;
    const daemon = Daemon.start(installation);
    try {
      await health('clock', 'degraded', from);
      const wrong = await usher('clock', 'accept', '2038-01-19', '--config', installation.config);
      expect(wrong.code).not.toBe(0);
      expect(existsSync(join(dataDir, 'clock-floor'))).toBe(true);

      const at = watcher.heard.length;
      const today = new Date().toISOString().slice(0, 10);
      const accepted = await usher('clock', 'accept', today, '--by', 'the test', '--config', installation.config);
      expect(accepted).toMatchObject({ code: 0, stdout: expect.stringContaining('2038-01-19') as string });
      await health('clock', 'ok', at);
    } finally {
      await daemon.stop();
    }
    const record = inStore((_, journal) => journal.latest('clock'));
    expect(JSON.parse(record?.body ?? '{}')).toMatchObject({ change: 'accepted', by: 'the test' });
    expect(
      existsSync(join(dataDir, 'clock-floor')) ? readFileSync(join(dataDir, 'clock-floor'), 'utf8') : '',
    ).not.toContain(String(Date.UTC(2038, 0, 19)));
  }, 180_000);

  test('is told to stop and to go on by the command line', async () => {
    const run = (...args: string[]) => usher('retention', ...args, '--json', '--config', installation.config);
    expect(JSON.parse((await run('stop')).stdout)).toEqual({ stopped: true });
    expect(JSON.parse((await run('show')).stdout)).toMatchObject({ members: [], records: null });
    expect(JSON.parse((await run('confirm')).stdout)).toEqual({ confirmed: { members: 0, records: 0 } });
    expect(JSON.parse((await run('resume')).stdout)).toEqual({ stopped: false });
    const changes = inStore((_, journal) => [...journal.records()].filter(({ kind }) => kind === 'retention'));
    expect(changes.map(({ body }) => (JSON.parse(body) as { change: string }).change)).toEqual([
      'stopped',
      'confirmed',
      'resumed',
    ]);
  }, 60_000);
});
