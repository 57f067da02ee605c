import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UPDATE_LIMITS } from '../../src/fleet/update-limits';
import { Daemon, type Heard, Installation, usher, Watcher } from '../support/daemon';
import { entranceRecording } from '../support/entrance';
import { describeWithMosquitto, Mosquitto } from '../support/mosquitto';

const CHANNEL = 'config';
const SOON_MS = 120_000;

interface Channel {
  readonly channel: string;
  readonly state: string;
  readonly reason: string | null;
  readonly active: { readonly version: string } | null;
}

describeWithMosquitto('a fleet changes settings of a box', () => {
  const mosquitto = new Mosquitto();
  let place: Installation;
  let daemon: Daemon;
  let watcher: Watcher;
  let written = '';

  const begin = async (): Promise<void> => {
    const entrance = await entranceRecording();
    place = await Installation.make({
      mqtt: { broker: { type: 'external', url: mosquitto.url } },
      cameras: [{ id: 'cam', source: { type: 'folder', path: entrance.memberFrames, loop: true }, fps: 5 }],
      doors: [
        { id: 'front', camera: 'cam', readers: ['card'], cooldownMs: 0, deadlineMs: 20_000, voteWindowMs: 10_000 },
      ],
      fleet: { root: 'fleet/root.json', trial: { shadowSeconds: 1, probationSeconds: 8 } },
      health: { everySeconds: 1 },
    });
    const made = await usher('fleet', 'init', join(place.dir, 'fleet'));
    if (made.code !== 0) throw new Error(made.stderr);
    const enrolled = await place.enroll('4711', entrance.still);
    if (enrolled.code !== 0) throw new Error(enrolled.stderr);
    written = readFileSync(place.config, 'utf8');
  };
  beforeAll(async () => {
    await mosquitto.start();
    await begin();
    watcher = await Watcher.connect(mosquitto.url);
    daemon = Daemon.start(place);
    await daemon.says('usher: ready', SOON_MS);
  }, 300_000);

  afterAll(async () => {
    await mosquitto.dispose();
    await watcher.close();
    await daemon.stop();
    expect(place.processes()).toEqual([]);
    expect(readFileSync(place.config, 'utf8')).toBe(written);
    await place.remove();
  }, 60_000);

  const publish = async (version: string, settings: string): Promise<void> => {
    const file = join(place.dir, `${version}.yaml`);
    writeFileSync(file, settings);
    const options = ['--fleet', join(place.dir, 'fleet'), '--broker', mosquitto.url, '--channel', CHANNEL];
    const said = await usher('fleet', 'publish', file, ...options, '--as', version, '--rollout', '100%');
    if (said.code !== 0) throw new Error(said.stderr);
  };
  const reports = (holds: (channel: Channel) => boolean, from = 0): Promise<Heard> =>
    watcher.hears(
      'a report',
      ({ topic, payload }) =>
        topic.endsWith('/update/reported') &&
        (payload['channels'] as Channel[]).some((one) => one.channel === CHANNEL && holds(one)),
      SOON_MS,
      from,
    );
  const letsIn = async (): Promise<void> => {
    const from = watcher.heard.length;
    await watcher.swipe('card', '4711');
    const said = await watcher.hears('a word', ({ topic }) => topic.endsWith('/event/front/decision'), SOON_MS, from);
    expect(said.payload).toMatchObject({ outcome: 'granted', reason: 'match' });
  };

  it('that it may change: in force after a new start of the daemon in its process, and after any other', async () => {
    await reports(({ state, active }) => state === 'idle' && active?.version === '0.0.0');
    await publish('1.0.0', 'log: { level: debug }\ndoors: { "*": { votes: 4 } }\n');
    await daemon.says('settings=1.0.0', SOON_MS);
    await reports(({ state, active }) => state === 'probation' && active?.version === '0.0.0');
    await letsIn();
    await reports(({ state, active }) => state === 'committed' && active?.version === '1.0.0');
    await daemon.stop('SIGKILL');
    daemon = Daemon.start(place);
    await daemon.says('settings=1.0.0', SOON_MS);
    await daemon.says('usher: ready', SOON_MS);
    await letsIn();
  }, 400_000);

  it('of something that this box has not: refused, with nothing disturbed', async () => {
    const from = watcher.heard.length;
    await publish('1.0.1', 'cameras: { back: { fps: 10 } }\n');
    await reports(({ state, reason }) => state === 'refused' && reason === 'invalid', from);
    await letsIn();
  }, 300_000);

  it('under which it dies again and again: back to those before', async () => {
    const from = watcher.heard.length;
    await publish('1.0.2', 'log: { level: error }\n');
    await reports(({ state }) => state === 'probation', from);
    // In the place of settings that kill it.
    for (let start = 0; start < UPDATE_LIMITS.trialBoots; start++) {
      const begun = watcher.heard.length;
      await daemon.stop('SIGKILL');
      daemon = Daemon.start(place);
      await reports(({ state }) => state === 'probation', begun);
    }
    await daemon.stop('SIGKILL');
    daemon = Daemon.start(place);
    await daemon.says('settings=1.0.0', SOON_MS);
    await reports(({ state, reason, active }) => {
      return state === 'rolled-back' && reason === 'interrupted' && active?.version === '1.0.0';
    }, from);
    await daemon.says('usher: ready', SOON_MS);
    await letsIn();
  }, 400_000);

  it('and takes them back when somebody at the box wants that', async () => {
    const from = watcher.heard.length;
    expect(await usher('models', 'rollback', CHANNEL, '--config', place.config)).toMatchObject({ code: 0 });
    await reports(({ state, reason, active }) => {
      return state === 'rolled-back' && reason === 'ordered' && active?.version === '0.0.0';
    }, from);
    await letsIn();
  }, 300_000);
});
