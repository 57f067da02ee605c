import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Daemon, Installation, Watcher } from '../support/daemon';
import { entranceRecording } from '../support/entrance';
import { FAKETIME, faketimeFrom } from '../support/faketime';
import { describeWithMosquitto, Mosquitto } from '../support/mosquitto';

const ROOT = 'usher/v1/gym/box';
const HOUR_MS = 3_600_000;

const describeWithFaketime = FAKETIME === undefined ? describe.skip : describeWithMosquitto;

describeWithFaketime('a daemon whose clock is moved while it runs', () => {
  const mosquitto = new Mosquitto();
  let installation: Installation;
  let daemon: Daemon;
  let watcher: Watcher;
  let aheadMs = 0;

  const setClock = (ms: number): void => {
    aheadMs = ms;
    writeFileSync(join(installation.dir, 'clock'), `${ms < 0 ? '' : '+'}${ms / 1000}s\n`);
  };
  /** By a reader whose clock goes with the box's. */
  const present = () => watcher.say(`${ROOT}/in/reader/swipe`, { v: 1, id: '4711', at: Date.now() + aheadMs });
  const refusedForItsTime = async () => {
    daemon.log = '';
    await present();
    await daemon.says('reason=clock-doubtful');
  };
  const swipe = async () => {
    const from = watcher.heard.length;
    await present();
    return (await watcher.hears('a decision', ({ topic }) => topic === `${ROOT}/event/main/decision`, 20_000, from))
      .payload;
  };
  /** Returns the place after that message: the next state is awaited from there, for the one before the jump is "ok" too. */
  const clockIs = async (state: string, from: number) => {
    const message = await watcher.hears(
      `a clock that is ${state}`,
      ({ topic, payload }) => topic === `${ROOT}/health/clock` && payload['state'] === state,
      60_000,
      from,
    );
    return watcher.heard.indexOf(message) + 1;
  };

  beforeAll(async () => {
    const entrance = await entranceRecording();
    await mosquitto.start();
    installation = await Installation.make({
      mqtt: { broker: { type: 'external', url: mosquitto.url } },
      cameras: [{ id: 'cam', source: { type: 'folder', path: entrance.memberFrames, loop: true }, fps: 8 }],
      doors: [{ id: 'main', camera: 'cam', readers: ['reader'], cooldownMs: 0 }],
      health: { everySeconds: 1 },
    });
    const enrolled = await installation.enroll('4711', '--force', entrance.still);
    if (enrolled.code !== 0) throw new Error(enrolled.stderr);
    watcher = await Watcher.connect(mosquitto.url, '#');
    setClock(0);
    daemon = Daemon.start(installation, faketimeFrom(join(installation.dir, 'clock')));
    await daemon.says('usher: ready');
  }, 180_000);

  afterAll(async () => {
    await daemon.stop('SIGKILL');
    await watcher.close();
    await mosquitto.dispose();
    await installation.remove();
  });

  test('grants nothing after a jump until the clock has kept pace, and nothing at all in the past', async () => {
    expect(await swipe()).toMatchObject({ outcome: 'granted' });
    await watcher.hears('the unlock', ({ topic }) => topic === `${ROOT}/event/main/unlock`);

    let from = watcher.heard.length;
    setClock(HOUR_MS);
    const noticed = await clockIs('degraded', from);
    await refusedForItsTime();
    await clockIs('ok', noticed);
    expect(watcher.heard.slice(from).filter(({ topic }) => topic.endsWith('/unlock'))).toEqual([]);

    from = watcher.heard.length;
    expect(await swipe()).toMatchObject({ outcome: 'granted' });
    const unlock = await watcher.hears('an unlock', ({ topic }) => topic === `${ROOT}/event/main/unlock`, 20_000, from);
    expect(Number(unlock.payload['issuedAt']) - Date.now()).toBeGreaterThan(HOUR_MS - 60_000);

    from = watcher.heard.length;
    setClock(0);
    await clockIs('degraded', from);
    await refusedForItsTime();
    expect(watcher.heard.slice(from).filter(({ topic }) => topic.endsWith('/unlock'))).toEqual([]);
  }, 180_000);
});
