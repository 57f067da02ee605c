import { join } from 'node:path';
import { Daemon, Installation, Watcher } from '../../support/daemon';
import { entranceRecording } from '../../support/entrance';
import { describeWithMosquitto, Mosquitto } from '../../support/mosquitto';
import { filesBelow, tracesOf } from '../../store/fixtures';

const VISITOR = 'usher/v1/gym/box/event/cam/visitor';

describeWithMosquitto('unknown visitors, where the configuration asks for them', () => {
  const mosquitto = new Mosquitto();
  let installation: Installation;
  let daemon: Daemon;
  let watcher: Watcher;

  beforeAll(async () => {
    const entrance = await entranceRecording();
    await mosquitto.start();
    installation = await Installation.make({
      mqtt: { broker: { type: 'external', url: mosquitto.url } },
      // Shown once: then the camera has ended, and the visit is over.
      cameras: [{ id: 'cam', source: { type: 'folder', path: entrance.strangerFrames }, fps: 8 }],
      // What stands there is a recording, and may be found out as one: then it is no visitor.
      doors: [{ id: 'front', camera: 'cam', readers: ['reader'], liveness: { mode: 'off' } }],
      visitors: { enabled: true },
    });
    const enrolled = await installation.enroll('4711', '--force', entrance.still);
    if (enrolled.code !== 0) throw new Error(enrolled.stderr);
    watcher = await Watcher.connect(mosquitto.url, '#');
    daemon = Daemon.start(installation);
    await daemon.says('usher: ready', 120_000);
  }, 240_000);

  afterAll(async () => {
    await daemon.stop('SIGKILL');
    await watcher.close();
    await mosquitto.dispose();
    await installation.remove();
  });

  test('a stranger is a visitor, again the same one when he comes back, and nowhere but on MQTT', async () => {
    const first = await watcher.hears('a visitor', ({ topic }) => topic === VISITOR, 60_000);
    expect(first.retain).toBe(false);
    expect(first.payload).toMatchObject({ v: 1, visits: 1 });
    const visitor = String(first.payload['visitor']);

    const from = watcher.heard.length;
    await watcher.say('usher/v1/gym/box/command/restart-camera', { v: 1, id: 'again', camera: 'cam' });
    const second = await watcher.hears('the visitor again', ({ topic }) => topic === VISITOR, 120_000, from);
    expect(second.payload).toMatchObject({ visitor, visits: 2 });

    expect(daemon.log).not.toContain(visitor);
    expect(tracesOf(Buffer.from(visitor), filesBelow(join(installation.dir, 'data')))).toEqual([]);
  }, 300_000);
});
