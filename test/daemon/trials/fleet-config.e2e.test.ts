import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UPDATE_LIMITS } from '../../../src/fleet/update/update-limits';
import { usher } from '../../support/daemon';
import { entranceRecording } from '../../support/entrance';
import { FleetPlace } from '../../support/fleet-place';
import { describeWithMosquitto, Mosquitto } from '../../support/mosquitto';

const CHANNEL = 'config';
const SOON_MS = 120_000;

describeWithMosquitto('a fleet changes settings of a box', () => {
  const mosquitto = new Mosquitto();
  const box = new FleetPlace(mosquitto, CHANNEL);
  const { reports } = box;
  let written = '';

  beforeAll(async () => {
    const entrance = await entranceRecording();
    await box.begin(
      {
        cameras: [{ id: 'cam', source: { type: 'folder', path: entrance.memberFrames, loop: true }, fps: 5 }],
        doors: [
          { id: 'front', camera: 'cam', readers: ['card'], cooldownMs: 0, deadlineMs: 20_000, voteWindowMs: 10_000 },
        ],
        fleet: { trial: { shadowSeconds: 1, probationSeconds: 8 } },
        health: { everySeconds: 1 },
      },
      async (place) => {
        const enrolled = await place.enroll('4711', entrance.still);
        if (enrolled.code !== 0) throw new Error(enrolled.stderr);
        written = readFileSync(place.config, 'utf8');
      },
    );
  }, 300_000);

  afterAll(async () => {
    const left = readFileSync(box.place.config, 'utf8');
    await box.end();
    expect(left).toBe(written);
  }, 60_000);

  const publish = async (version: string, settings: string): Promise<void> => {
    const file = join(box.place.dir, `${version}.yaml`);
    writeFileSync(file, settings);
    await box.publish(file, '--as', version);
  };
  const letsIn = (): Promise<void> => box.letsIn('4711');

  it('that it may change: in force after a new start of the daemon in its process, and after any other', async () => {
    await reports(({ state, active }) => state === 'idle' && active?.version === '0.0.0');
    await publish('1.0.0', 'log: { level: debug }\ndoors: { "*": { votes: 4 } }\n');
    await box.daemon.says('settings=1.0.0', SOON_MS);
    await reports(({ state, active }) => state === 'probation' && active?.version === '0.0.0');
    await letsIn();
    await reports(({ state, active }) => state === 'committed' && active?.version === '1.0.0');
    await box.daemon.stop('SIGKILL');
    box.start();
    await box.daemon.says('settings=1.0.0', SOON_MS);
    await box.daemon.says('usher: ready', SOON_MS);
    await letsIn();
  }, 400_000);

  it('of something that this box has not: refused, with nothing disturbed', async () => {
    const from = box.watcher.heard.length;
    await publish('1.0.1', 'cameras: { back: { fps: 10 } }\n');
    await reports(({ state, reason }) => state === 'refused' && reason === 'invalid', from);
    await letsIn();
  }, 300_000);

  it('under which it dies again and again: back to those before', async () => {
    const from = box.watcher.heard.length;
    await publish('1.0.2', 'log: { level: error }\n');
    await reports(({ state }) => state === 'probation', from);
    // In the place of settings that kill it.
    for (let start = 0; start < UPDATE_LIMITS.trialBoots; start++) {
      const begun = box.watcher.heard.length;
      await box.daemon.stop('SIGKILL');
      box.start();
      await reports(({ state }) => state === 'probation', begun);
    }
    await box.daemon.stop('SIGKILL');
    box.start();
    await box.daemon.says('settings=1.0.0', SOON_MS);
    await reports(({ state, reason, active }) => {
      return state === 'rolled-back' && reason === 'interrupted' && active?.version === '1.0.0';
    }, from);
    await box.daemon.says('usher: ready', SOON_MS);
    await letsIn();
  }, 400_000);

  it('and takes them back when somebody at the box wants that', async () => {
    const from = box.watcher.heard.length;
    expect(await usher('models', 'rollback', CHANNEL, '--config', box.place.config)).toMatchObject({ code: 0 });
    await reports(({ state, reason, active }) => {
      return state === 'rolled-back' && reason === 'ordered' && active?.version === '0.0.0';
    }, from);
    await letsIn();
  }, 300_000);

  it('and keeps them when the broker is away on their probation, which they cannot be the cause of', async () => {
    const from = box.watcher.heard.length;
    await publish('1.0.3', 'log: { level: info }\n');
    await reports(({ state }) => state === 'probation', from);
    await mosquitto.stop();
    await box.daemon.says(/state=committed version=1\.0\.3/, SOON_MS);
    await mosquitto.start();
    await reports(({ state, active }) => state === 'committed' && active?.version === '1.0.3', from);
    await letsIn();
  }, 300_000);
});
