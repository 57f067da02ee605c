import { Daemon, Installation, usher, Watcher } from '../../support/daemon';
import { entranceRecording } from '../../support/entrance';
import { describeWithMosquitto, Mosquitto } from '../../support/mosquitto';

const ROOT = 'usher/v1/gym/box';
const decisionAt = (door: string) => (message: { topic: string }) => message.topic === `${ROOT}/event/${door}/decision`;

describeWithMosquitto('a door, from the camera to mosquitto', () => {
  const mosquitto = new Mosquitto();
  let installation: Installation;
  let daemon: Daemon;
  let watcher: Watcher;

  beforeAll(async () => {
    const entrance = await entranceRecording();
    await mosquitto.start();
    const camera = (id: string, path: string) => ({ id, source: { type: 'folder', path, loop: true }, fps: 8 });
    installation = await Installation.make({
      mqtt: { broker: { type: 'external', url: mosquitto.url } },
      cameras: [camera('front-cam', entrance.memberFrames), camera('back-cam', entrance.strangerFrames)],
      doors: [
        { id: 'front', camera: 'front-cam', readers: ['front-reader'], cooldownMs: 300 },
        { id: 'back', camera: 'back-cam', readers: ['back-reader'], cooldownMs: 300, deadlineMs: 2000 },
      ],
      health: { everySeconds: 1 },
    });
    for (const id of ['4711', '4712']) {
      const enrolled = await installation.enroll(id, '--force', entrance.still);
      if (enrolled.code !== 0) throw new Error(enrolled.stderr);
    }
    await usher('members', 'suspend', '4712', '--config', installation.config);
    watcher = await Watcher.connect(mosquitto.url, '#');
    daemon = Daemon.start(installation);
    await daemon.says('usher: ready');
  }, 180_000);

  afterAll(async () => {
    await daemon.stop('SIGKILL');
    await watcher.close();
    await mosquitto.dispose();
    await installation.remove();
  });

  /** Waits out the cooldown of the decision before: it is the door's own word that it is closed that counts. */
  const closed = async (door: string): Promise<void> => {
    const latest = () => watcher.of(`state/door/${door}`).at(-1)?.payload['state'];
    for (let left = 1000; latest() !== 'closed' && left > 0; left--) await new Promise((go) => setTimeout(go, 10));
    expect(latest()).toBe('closed');
  };
  const swipeAt = async (door: string, id: string) => {
    await closed(door);
    const from = watcher.heard.length;
    await watcher.swipe(`${door}-reader`, id);
    return (await watcher.hears(`a decision at ${door}`, decisionAt(door), 20_000, from)).payload;
  };

  test('the member’s card and face open it: a decision, and an unlock that lives two seconds', async () => {
    const from = watcher.heard.length;
    const decision = await swipeAt('front', '4711');
    expect(decision).toMatchObject({ outcome: 'granted', reason: 'match', member: '4711', mode: 'verify' });
    expect(decision['votes']).toBeGreaterThanOrEqual(3);
    const unlock = await watcher.hears('the unlock', ({ topic }) => topic === `${ROOT}/event/front/unlock`, 5000, from);
    expect(unlock.retain).toBe(false);
    expect(unlock.payload).toMatchObject({ v: 1, door: 'front', decision: decision['decision'], durationMs: 3000 });
    expect(Number(unlock.payload['notAfter']) - Number(unlock.payload['issuedAt'])).toBe(2000);
  });

  test('a stolen card does not: the face at the door is another’s', async () => {
    const decision = await swipeAt('back', '4711');
    expect(decision).toMatchObject({ outcome: 'denied', reason: 'mismatch', member: '4711' });
    expect(Number(decision['distance'])).toBeGreaterThan(Number(decision['threshold']));
    expect(watcher.of('event/back/unlock')).toEqual([]);
  });

  test('an unknown card, a suspended member', async () => {
    expect(await swipeAt('front', '9999')).toMatchObject({ outcome: 'denied', reason: 'unknown-member', member: null });
    expect(await swipeAt('front', '4712')).toMatchObject({ outcome: 'denied', reason: 'member-suspended' });
  });

  test('a member removed while the daemon runs is unknown within seconds', async () => {
    await usher('members', 'remove', '4712', '--config', installation.config);
    await daemon.says('members loaded again');
    expect(await swipeAt('front', '4712')).toMatchObject({ reason: 'unknown-member' });
  });

  test('who comes late hears the state, and no unlock', async () => {
    const late = await Watcher.connect(mosquitto.url, '#');
    await late.hears('the status', ({ topic }) => topic === `${ROOT}/status`);
    await late.hears(
      'health',
      ({ topic, payload }) => topic === `${ROOT}/health/front-cam` && payload['state'] === 'ok',
    );
    const models = await late.hears('models', ({ topic }) => topic === `${ROOT}/state/model/front-cam`);
    expect(models.payload['models']).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ task: 'face-encoding', provider: 'cpu', providersAsked: ['cpu'] }),
      ]),
    );
    await late.hears('discovery', ({ topic }) => topic.startsWith('homeassistant/device/'));
    // State that happens to change just now comes live; nothing else does.
    const live = late.heard.filter(({ retain, topic }) => !retain && !/\/(state|health|audit)\//.test(topic));
    expect(live).toEqual([]);
    expect(late.of('event/front/unlock')).toEqual([]);
    await late.close();
  });

  test('malformed, oversized, wrong-typed, retained and stale messages on every subscribed topic change nothing', async () => {
    const unlocksBefore = watcher.of('event/front/unlock').length;
    const bad: (string | Buffer)[] = [
      '',
      '{',
      'null',
      '[]',
      '"4711"',
      '{"v":1}',
      '{"v":2,"id":"4711","at":1}',
      `{"v":1,"id":"4711","at":"${Date.now()}"}`,
      `{"v":1,"id":"47 11","at":${Date.now()}}`,
      `{"v":1,"id":"4711","at":${Date.now() - 60_000}}`,
      `{"v":1,"id":"4711","at":${Date.now() + 60_000}}`,
      Buffer.from([0xff, 0xfe, 0x00]),
      `${'['.repeat(5000)}${']'.repeat(5000)}`,
      JSON.stringify({ v: 1, id: 'x'.repeat(20_000), at: Date.now() }),
      Buffer.alloc(100_000, 'a'),
    ];
    for (const payload of bad)
      for (const topic of [
        'in/front-reader/swipe',
        'in/nobody/swipe',
        'command/ping',
        'command/unlock',
        'command/restart-camera',
      ])
        await watcher.say(`${ROOT}/${topic}`, payload);
    await watcher.say(`${ROOT}/in/front-reader/swipe`, { v: 1, id: '4711', at: Date.now() }, { retain: true });
    await watcher.say(`${ROOT}/in/front-reader/swipe`, '', { retain: true });
    await watcher.say(`${ROOT}/command/ping`, { v: 1, id: 'alive' });
    const answer = await watcher.hears(
      'an answer',
      ({ topic, payload }) => topic === `${ROOT}/command/result` && payload['id'] === 'alive',
    );
    expect(answer.payload).toMatchObject({ ok: true, verb: 'ping' });
    // A retained publish reaches a subscriber that is already there as a live message; in MQTT 3.1.1 nothing tells them apart.
    expect(watcher.of('event/front/unlock').length).toBeLessThanOrEqual(unlocksBefore + 1);
    expect(daemon.process.exitCode).toBeNull();
  });

  test('kill -9 on the vision process: the door is out of service, then serves again', async () => {
    const [child] = daemon.descendants();
    const from = watcher.heard.length;
    process.kill(child!, 'SIGKILL');
    await watcher.hears(
      'out of service',
      ({ topic, payload }) => topic.includes('/state/door/') && payload['state'] === 'out-of-service',
      10_000,
      from,
    );
    await watcher.hears(
      'in service',
      ({ topic, payload }) => topic.includes('/state/door/') && payload['state'] === 'closed',
      20_000,
      from,
    );
    expect(await swipeAt('front', '4711')).toMatchObject({ outcome: 'granted' });
  });

  test('the broker dies and comes back: presence and state return, no old unlock does', async () => {
    await mosquitto.stop('SIGKILL');
    await daemon.says(/mqtt: .*(refused|closed|ended|unreachable|lost)/i, 10_000);
    const from = watcher.heard.length;
    await mosquitto.start();
    await watcher.hears(
      'online',
      ({ topic, payload }) => topic === `${ROOT}/status` && payload['state'] === 'online',
      30_000,
      from,
    );
    await watcher.hears('door state', ({ topic }) => topic === `${ROOT}/state/door/front`, 10_000, from);
    expect(watcher.heard.slice(from).filter(({ topic }) => topic.endsWith('/unlock'))).toEqual([]);
    expect(await swipeAt('front', '4711')).toMatchObject({ outcome: 'granted' });
  });

  test('a second daemon on the same store says who holds it, and leaves the first alone', async () => {
    const second = Daemon.start(installation);
    expect(await second.exit).toBe(1);
    expect(second.log).toContain(String(daemon.process.pid));
    expect(await swipeAt('front', '4711')).toMatchObject({ outcome: 'granted' });
  });

  test('SIGTERM: open swipes are answered, offline is said, nothing is left running', async () => {
    const children = daemon.descendants();
    expect(children.length).toBeGreaterThanOrEqual(2);
    const from = watcher.heard.length;
    await watcher.swipe('back-reader', '4711');
    await watcher.hears(
      'the swipe is taken',
      ({ topic, payload }) => topic.endsWith('state/door/back') && payload['state'] === 'awaiting-face',
      5000,
      from,
    );
    expect(await daemon.stop()).toBe(0);
    await watcher.hears(
      'the answer',
      ({ topic, payload }) => topic.endsWith('back/decision') && payload['reason'] === 'shutdown',
      5000,
      from,
    );
    await watcher.hears(
      'offline',
      ({ topic, payload }) => topic === `${ROOT}/status` && payload['state'] === 'offline',
      5000,
      from,
    );
    for (const pid of children) expect(() => process.kill(pid, 0)).toThrow();
  });
});
