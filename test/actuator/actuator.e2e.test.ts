import { Daemon, type Heard, Installation, usher, Watcher } from '../support/daemon';
import { TestActuator } from '../support/actuator';
import { entranceRecording } from '../support/entrance';
import { describeWithMosquitto, Mosquitto } from '../support/mosquitto';

const ROOT = 'usher/v1/gym/box';
const UNLOCK = `${ROOT}/event/front/unlock`;
const HEALTH = `${ROOT}/health/actuator-front`;
const OPEN_MS = 300;

describeWithMosquitto('from a card to the lock, over mosquitto', () => {
  const mosquitto = new Mosquitto();
  let installation: Installation;
  let daemon: Daemon;
  let actuator: TestActuator;
  let running: Daemon;
  let watcher: Watcher;

  beforeAll(async () => {
    const entrance = await entranceRecording();
    await mosquitto.start();
    installation = await Installation.make({
      mqtt: { broker: { type: 'external', url: mosquitto.url } },
      cameras: [{ id: 'cam', source: { type: 'folder', path: entrance.memberFrames, loop: true }, fps: 8 }],
      doors: [{ id: 'front', camera: 'cam', readers: ['front-reader'], cooldownMs: 0, unlockMs: OPEN_MS }],
    });
    const enrolled = await installation.enroll('4711', '--force', entrance.still);
    if (enrolled.code !== 0) throw new Error(enrolled.stderr);
    watcher = await Watcher.connect(mosquitto.url, '#');
    daemon = Daemon.start(installation);
    await daemon.says('usher: ready');
    actuator = await TestActuator.make(installation, mosquitto.url, { door: 'front' });
    running = await actuator.start();
  }, 180_000);

  afterAll(async () => {
    await running.stop('SIGKILL');
    await daemon.stop('SIGKILL');
    await watcher.close();
    await mosquitto.dispose();
    await installation.remove();
  });

  /** A member swipes and is seen: the unlock as it went over the topic. */
  const swipe = async (): Promise<Heard> => {
    const from = watcher.heard.length;
    await watcher.swipe('front-reader', '4711');
    return watcher.hears('an unlock', ({ topic }) => topic === UNLOCK, 20_000, from);
  };

  const settled = async (openings: number): Promise<void> => {
    const deadline = performance.now() + 5000;
    while (actuator.openings < openings || actuator.told.at(-1) !== 'off') {
      if (performance.now() > deadline) throw new Error(`relay: ${actuator.told.join(' ')}\n${running.log}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(actuator.openings).toBe(openings);
  };

  /** A fence: what was said on the unlock topic before is judged when this is refused. */
  const judged = async (): Promise<void> => {
    const before = running.log.length;
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await watcher.say(UNLOCK, 'fence');
    const deadline = performance.now() + 5000;
    while (!running.log.slice(before).includes('reason=malformed')) {
      if (performance.now() > deadline) throw new Error(running.log);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  test('the relay is secured at the start, then opens once for one member, and closes', async () => {
    expect(actuator.told).toEqual(['off']);
    const unlock = await swipe();
    await settled(1);
    expect(actuator.told).toEqual(['off', 'on', 'off']);
    expect(running.log).toContain(`decision=${String(unlock.payload['decision'])}`);
  });

  test('copies of an unlock open nothing: at once, altered, retained, for another door, after its time', async () => {
    const { payload } = await swipe();
    await settled(2);
    await watcher.say(UNLOCK, payload);
    await watcher.say(UNLOCK, Object.fromEntries(Object.entries(payload).reverse()));
    for (const change of [
      { nonce: '0'.repeat(32) },
      { seq: Number(payload['seq']) + 1 },
      { notAfter: Date.now() + 60_000 },
      { door: 'back' },
      { key: '0'.repeat(16) },
      { durationMs: 60_000 },
    ])
      await watcher.say(UNLOCK, { ...payload, ...change });
    await watcher.say(UNLOCK, payload, { retain: true });
    await watcher.say(UNLOCK, '', { retain: true });
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await watcher.say(UNLOCK, payload);
    await judged();
    expect(actuator.openings).toBe(2);
    const health = await watcher.hears(
      'refusals in the health',
      ({ topic, payload: said }) => topic === HEALTH && String(said['detail']).includes('bad-signature'),
    );
    expect(health.payload).toMatchObject({ state: 'ok', component: 'actuator-front' });
  });

  test('an unlock that a broker kept opens nothing when the actuator comes back, nor does one that it missed', async () => {
    expect(await running.stop()).toBe(0);
    await watcher.hears(
      'that it was stopped',
      ({ topic, payload }) => topic === HEALTH && String(payload['detail']).includes('stopped'),
    );
    const { payload } = await swipe();
    await watcher.say(UNLOCK, payload, { retain: true });
    running = await actuator.start();
    await running.says('reason=retained');
    await watcher.say(UNLOCK, '', { retain: true });
    await judged();
    await settled(2);
    await swipe();
    await settled(3);
  });

  test('kill -9 at any moment: no unlock opens twice, the relay is secured at the next start, its end is told', async () => {
    for (let round = 0; round < 4; round++) {
      const before = actuator.openings;
      const { payload } = await swipe();
      const deadline = performance.now() + 5000;
      // Round 0 kills as soon as the relay was told, which may be before it is closed.
      while (actuator.openings === before && performance.now() < deadline)
        await new Promise((resolve) => setTimeout(resolve, 1 + round * 5));
      await running.stop('SIGKILL');
      await watcher.hears(
        'its last will',
        ({ topic, payload: said }) => topic === HEALTH && String(said['detail']).includes('not connected'),
        10_000,
      );
      running = await actuator.start();
      await watcher.say(UNLOCK, payload);
      await judged();
      expect(actuator.openings).toBe(before + 1);
      expect(actuator.told.at(-1)).toBe('off');
    }
  }, 60_000);

  test('a killed box starts anew and is obeyed; what was recorded before is not', async () => {
    const opened = actuator.openings;
    const recorded = (await swipe()).payload;
    await settled(opened + 1);
    const before = actuator.openings;
    await daemon.stop('SIGKILL');
    daemon = Daemon.start(installation);
    await daemon.says('usher: ready');
    await swipe();
    await settled(before + 1);
    await watcher.say(UNLOCK, recorded);
    await judged();
    expect(actuator.openings).toBe(before + 1);
  }, 60_000);

  test('the broker dies and comes back: the next member gets in', async () => {
    const before = actuator.openings;
    await mosquitto.stop('SIGKILL');
    await running.says(/actuator: .*(closed|nothing listens)/, 10_000);
    const heard = running.log.length;
    const from = watcher.heard.length;
    await mosquitto.start();
    const deadline = performance.now() + 30_000;
    while (!running.log.slice(heard).includes('listening')) {
      if (performance.now() > deadline) throw new Error(running.log);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await watcher.hears(
      'the box',
      ({ topic, payload }) => topic === `${ROOT}/status` && payload['state'] === 'online',
      30_000,
      from,
    );
    await swipe();
    await settled(before + 1);
  }, 90_000);

  test('a second actuator on the same memory is sent away', async () => {
    const second = Daemon.spawn(installation, 'actuator', 'run', '--config', actuator.config);
    expect(await second.exit).toBe(1);
    expect(second.log).toContain(String(running.process.pid));
  });

  test('SIGTERM while the door is open: closed, said, gone', async () => {
    const before = actuator.openings;
    await swipe();
    while (actuator.openings === before) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await running.stop()).toBe(0);
    expect(actuator.told.at(-1)).toBe('off');
    running = await actuator.start();
  });

  test('trust: a key is written into the configuration once; a configuration that trusts no key or a wrong one is refused', async () => {
    const { stdout } = await usher('actuator', 'key', '--json', '--from-box', `${installation.dir}/another-box`);
    const { publicKey, keyId } = JSON.parse(stdout) as { publicKey: string; keyId: string };
    for (let i = 0; i < 2; i++) {
      const trusted = await usher('actuator', 'trust', '--config', actuator.config, '--key', publicKey);
      expect(trusted).toMatchObject({ code: 0, stdout: expect.stringContaining(keyId) as string });
    }
    expect((await usher('actuator', 'run', '--check', '--config', actuator.config)).code).toBe(0);
    expect((await usher('actuator', 'trust', '--config', actuator.config, '--key', 'nonsense')).code).toBe(1);
    expect((await usher('actuator', 'reset', '--config', actuator.config)).stderr).toContain('already runs');
  });
});
