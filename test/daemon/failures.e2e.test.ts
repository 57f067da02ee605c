import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/system/paths';
import { LinkedBundles } from '../support/bundles';
import { Daemon, Installation, usher, Watcher } from '../support/daemon';
import { until } from '../support/until';
import { entranceRecording } from '../support/entrance';
import { describeWithMosquitto, Mosquitto } from '../support/mosquitto';
import { SpoiltStore } from '../support/spoilt-store';

const ROOT = 'usher/v1/gym/box';
/** For what takes the daemon a second or so, on a machine that is busy with something else. */
const SOON_MS = 30_000;

describeWithMosquitto('a daemon in trouble', () => {
  const mosquitto = new Mosquitto();
  let bundles: LinkedBundles;
  let place: Installation;
  let daemon: Daemon;
  let watcher: Watcher;
  let still: string;

  beforeAll(async () => {
    const entrance = await entranceRecording();
    still = entrance.still;
    await mosquitto.start();
    place = await Installation.make({
      models: { dir: 'models', set: 'recommended' },
      mqtt: { broker: { type: 'external', url: mosquitto.url } },
      cameras: [{ id: 'cam', source: { type: 'folder', path: entrance.memberFrames, loop: true }, fps: 8 }],
      doors: [{ id: 'front', camera: 'cam', readers: ['front-reader'], cooldownMs: 0, deadlineMs: 2000 }],
      health: { everySeconds: 1 },
      // Each restart of a child is said there; the log for people says a fault once.
      log: { level: 'debug' },
    });
    bundles = new LinkedBundles(join(place.dir, 'models'));
    bundles.link();
    const enrolled = await place.enroll('4711', still);
    if (enrolled.code !== 0) throw new Error(enrolled.stderr);
    bundles.flipBit('mbf');
    watcher = await Watcher.connect(mosquitto.url, '#');
    daemon = Daemon.start(place);
    await daemon.says('usher: started');
  }, 180_000);

  afterAll(async () => {
    // First, for it is there even when the rest did not come up; what it leaves behind would keep the test run from ending.
    await mosquitto.dispose();
    await daemon.stop('SIGKILL');
    await watcher.close();
    await place.remove();
  });

  const swipe = async (id = '4711') => {
    const from = watcher.heard.length;
    await watcher.swipe('front-reader', id);
    const isDecision = ({ topic }: { topic: string }) => topic === `${ROOT}/event/front/decision`;
    const { payload } = await watcher.hears('a decision', isDecision, SOON_MS, from);
    // The unlock goes over a connection of its own and may come later than the decision.
    if (payload['outcome'] === 'granted')
      await watcher.hears(
        'its unlock',
        (m) => m.topic === `${ROOT}/event/front/unlock` && m.payload['decision'] === payload['decision'],
        SOON_MS,
        from,
      );
    return payload;
  };

  const health = async (component: string, state: string, from = 0) =>
    (
      await watcher.hears(
        `health of ${component}: ${state}`,
        ({ topic, payload }) => topic === `${ROOT}/health/${component}` && payload['state'] === state,
        SOON_MS,
        from,
      )
    ).payload;

  let commands = 0;
  const command = async (verb: string, args: object = {}) => {
    const id = `c${++commands}`;
    await watcher.say(`${ROOT}/command/${verb}`, { v: 1, id, ...args });
    const isAnswer = (m: { topic: string; payload: Record<string, unknown> }) =>
      m.topic === `${ROOT}/command/result` && m.payload['id'] === id;
    return (await watcher.hears(`the answer to ${verb}`, isAnswer, SOON_MS)).payload;
  };

  const unlocks = () => watcher.of('event/front/unlock').length;

  describe('its encoder has one bit turned over', () => {
    test('health tells the file and the remedy; the vision process comes back ever more slowly', async () => {
      const failed = await health('cam', 'failed');
      expect(failed['detail']).toMatch(/mbf\/model\.onnx has sha256 [0-9a-f]{64}, the card says [0-9a-f]{64}$/);
      expect(failed['remedy']).toMatch(/usher models/);
      await daemon.says(/restarts=4/, SOON_MS);
      const times = [...daemon.log.matchAll(/^(\S+Z) debug cam: .*restarts=([1-4])\b/gm)].map(([, at]) =>
        Date.parse(at!),
      );
      expect(times).toHaveLength(4);
      expect(daemon.log.match(/ error usher: camera cam: .*sha256 .* remedy=.*usher models/g)).toHaveLength(1);
      // Full jitter: each pause lasts at least half the first. A crash loop would not pause.
      for (let i = 1; i < times.length; i++) expect(times[i]! - times[i - 1]!).toBeGreaterThanOrEqual(250);
    });

    test('a member is refused for want of a camera, and the daemon lives', async () => {
      expect(await swipe()).toMatchObject({ outcome: 'denied', reason: 'camera-unavailable' });
      expect(await command('ping')).toMatchObject({ ok: true });
      expect(unlocks()).toBe(0);
    });

    test('put right, it serves by itself; the command spares the wait', async () => {
      bundles.mend('mbf');
      expect(await command('restart-camera', { camera: 'cam' })).toMatchObject({ ok: true });
      await daemon.says('usher: ready', SOON_MS);
      await health('cam', 'ok', watcher.heard.length);
      expect(await swipe()).toMatchObject({ outcome: 'granted', member: '4711' });
    });
  });

  test('its detector is gone when the vision process starts again: the same, and back', async () => {
    const before = unlocks();
    const from = watcher.heard.length;
    bundles.remove('yunet-n');
    expect(await command('restart-camera', { camera: 'cam' })).toMatchObject({ ok: true, result: { camera: 'cam' } });
    const failed = await watcher.hears(
      'what is missing',
      ({ topic, payload }) => topic === `${ROOT}/health/cam` && String(payload['detail']).includes('/yunet-n'),
      SOON_MS,
      from,
    );
    expect(failed.payload['state']).toBe('failed');
    expect(failed.payload['remedy']).toMatch(/usher models/);
    expect(await swipe()).toMatchObject({ outcome: 'denied', reason: 'camera-unavailable' });
    expect(unlocks()).toBe(before);
    bundles.mend('yunet-n');
    await health('cam', 'ok', watcher.heard.length);
    expect(await swipe()).toMatchObject({ outcome: 'granted' });
  });

  test('commands: status, an unknown camera, an unknown verb, restart', async () => {
    expect(await command('status')).toMatchObject({
      ok: true,
      result: {
        doors: [{ id: 'front', phase: 'closed' }],
        cameras: [{ id: 'cam', restarts: 0 }],
        health: { broker: { state: 'ok' }, store: { state: 'ok' }, cam: { state: 'ok', detail: null } },
      },
    });
    expect(await command('restart-camera', { camera: 'nowhere' })).toMatchObject({
      ok: false,
      error: { code: 'usage', message: 'there is no camera "nowhere"; there is: cam' },
    });
    const unknown = await command('open');
    expect(unknown).toMatchObject({ ok: false, error: { code: 'unknown-command' } });
    // The example rules name every verb, for with command/+ the fleet manager could write the answers too.
    const acl = readFileSync(join(packageRoot(), 'device-config', 'mosquitto', 'acl'), 'utf8');
    const [, verbs = ''] = /there is: (.*)/.exec((unknown['error'] as { message: string }).message) ?? [];
    expect(verbs.split(', ')).toContain('ping');
    for (const verb of verbs.split(', ')) expect(acl).toContain(`topic write usher/v1/gym/+/command/${verb}\n`);
    const [before] = daemon.descendants();
    expect(await command('restart-camera', { camera: 'cam' })).toMatchObject({ ok: true });
    // Health is also said at intervals: only what is said after the end of the old process is of the new one.
    await until('another process', () => {
      const [now] = daemon.descendants();
      return now !== undefined && now !== before;
    });
    await health('cam', 'ok', watcher.heard.length);
    expect(await swipe()).toMatchObject({ outcome: 'granted' });
  });

  test('a member enrolled while it runs is recognised; reload-members answers how the store is', async () => {
    expect(await swipe('4712')).toMatchObject({ outcome: 'denied', reason: 'unknown-member' });
    expect((await place.enroll('4712', '--force', still)).code).toBe(0);
    expect(await command('reload-members')).toMatchObject({ ok: true, result: { store: 'ok' } });
    expect(await swipe('4712')).toMatchObject({ outcome: 'granted', member: '4712' });
    await usher('members', 'remove', '4712', '--config', place.config);
    expect(await command('reload-members')).toMatchObject({ ok: true });
    expect(await swipe('4712')).toMatchObject({ outcome: 'denied', reason: 'unknown-member' });
  });

  test.each(['damaged', 'without its table'] as const)(
    'its store is %s: nobody is let in until it is whole',
    async (how) => {
      const before = unlocks();
      const spoilt = new SpoiltStore(join(place.dir, 'data', 'usher.db'));
      try {
        const from = watcher.heard.length;
        if (how === 'damaged') spoilt.damage();
        else spoilt.takeTableAway();
        const failed = await health('store', 'failed', from);
        expect(String(failed['detail'])).toContain('usher.db');
        expect(failed['remedy']).not.toBeNull();
        expect(await swipe()).toMatchObject({ outcome: 'denied', reason: 'store-unavailable' });
        expect(await command('reload-members')).toMatchObject({ ok: true, result: { store: 'failed' } });
        expect(unlocks()).toBe(before);
      } finally {
        spoilt.mend();
      }
      await health('store', 'ok', watcher.heard.length);
      expect(await swipe()).toMatchObject({ outcome: 'granted', member: '4711' });
    },
  );

  test('and it ends in order', async () => {
    expect(await daemon.stop()).toBe(0);
    expect(place.processes()).toEqual([]);
  });
});
