import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../../src/config/load';
import { sameModel } from '../support/candidates';
import { Daemon, type Heard, Installation, usher, Watcher } from '../support/daemon';
import { entranceRecording } from '../support/entrance';
import { describeWithMosquitto, Mosquitto } from '../support/mosquitto';

const CHANNEL = 'scene';
const SOON_MS = 120_000;

interface Channel {
  readonly channel: string;
  readonly state: string;
  readonly reason: string | null;
  readonly active: { readonly version: string } | null;
}

describeWithMosquitto('a fleet updates what tells day from night', () => {
  const mosquitto = new Mosquitto();
  let place: Installation;
  let daemon: Daemon;
  let watcher: Watcher;
  let base = '';

  beforeAll(async () => {
    const entrance = await entranceRecording();
    await mosquitto.start();
    place = await Installation.make({
      mqtt: { broker: { type: 'external', url: mosquitto.url } },
      cameras: [
        {
          ...{ id: 'cam', source: { type: 'folder', path: entrance.memberFrames, loop: true }, fps: 5 },
          scene: { everyMs: 1000, settle: 1 },
        },
        // A camera that is not watched is left alone.
        {
          ...{ id: 'back', source: { type: 'folder', path: entrance.memberFrames, loop: true }, fps: 1 },
          scene: { mode: 'off' },
        },
      ],
      doors: [
        { id: 'front', camera: 'cam', readers: ['card'] },
        { id: 'rear', camera: 'back', readers: ['rear-card'] },
      ],
      fleet: {
        root: 'fleet/root.json',
        trial: {
          ...{ shadowSeconds: 3, probationSeconds: 8, minAgreement: 0.8 },
          // What this machine is busy with besides is not the release's fault.
          ...{ latencyMs: 10_000, latencyRatio: 100, maxStepIns: 1, memoryMiB: 2000 },
        },
      },
    });
    const made = await usher('fleet', 'init', join(place.dir, 'fleet'));
    if (made.code !== 0) throw new Error(made.stderr);
    base = join((await loadConfig(place.config)).modelsDir, 'scene');
    watcher = await Watcher.connect(mosquitto.url);
    daemon = Daemon.start(place);
    await daemon.says('usher: ready', SOON_MS);
  }, 300_000);

  afterAll(async () => {
    await mosquitto.dispose();
    await watcher.close();
    await daemon.stop();
    expect(place.processes()).toEqual([]);
    await place.remove();
  }, 60_000);

  const publish = async (bundle: string): Promise<void> => {
    const options = ['--fleet', join(place.dir, 'fleet'), '--broker', mosquitto.url, '--channel', CHANNEL];
    const said = await usher('fleet', 'publish', bundle, ...options, '--rollout', '100%');
    if (said.code !== 0) throw new Error(said.stderr);
  };
  /** The shipped model, with other names for what it tells. */
  const relabelled = (version: string, labels: readonly string[]): string => {
    const dir = join(place.dir, version);
    cpSync(base, dir, { recursive: true });
    const file = join(dir, 'card.json');
    const card = JSON.parse(readFileSync(file, 'utf8')) as { output: object };
    writeFileSync(file, JSON.stringify({ ...card, version, output: { ...card.output, labels } }));
    return dir;
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
  const runs = (version: string, from = 0): Promise<Heard> =>
    watcher.hears(
      `version ${version}`,
      ({ topic, payload }) =>
        topic.endsWith('/state/model/cam') &&
        (payload['models'] as { task: string; version: string }[]).some(
          (model) => model.task === 'scene' && model.version === version,
        ),
      SOON_MS,
      from,
    );
  const scenes = (from = 0): unknown[] =>
    watcher.heard
      .slice(from)
      .filter(({ topic }) => topic.endsWith('/state/scene/cam'))
      .map(({ payload }) => payload['scene']);
  const candidates = (before: ReadonlySet<number>): number[] =>
    place
      .processes()
      .filter((pid) => !before.has(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('vision/child'));

  it('with a good release: the same scene on the whole way, the new version at the end and after a restart', async () => {
    await watcher.hears('a scene', ({ topic }) => topic.endsWith('/state/scene/cam'), SOON_MS, 0);
    sameModel(base, join(place.dir, '7.0.1'), '7.0.1');
    await publish(join(place.dir, '7.0.1'));
    await reports(({ state }) => state === 'probation');
    await reports(({ state, active }) => state === 'committed' && active?.version === '7.0.1');
    await runs('7.0.1');
    expect(new Set(scenes()).size).toBe(1);
    await daemon.stop('SIGKILL');
    const restarted = watcher.heard.length;
    daemon = Daemon.start(place);
    await runs('7.0.1', restarted);
    await reports(({ state, active }) => state === 'committed' && active?.version === '7.0.1', restarted);
    await daemon.says('usher: ready', SOON_MS);
  }, 400_000);

  it('with one that takes the day for the night: refused beside the running one', async () => {
    const from = watcher.heard.length;
    await publish(relabelled('7.0.2', ['night', 'day']));
    await reports(({ state, reason }) => state === 'refused' && reason === 'wrong-answers', from);
    expect(new Set(scenes()).size).toBe(1);
  }, 300_000);

  it('with one that tells other scenes: refused before it is loaded', async () => {
    const from = watcher.heard.length;
    await publish(relabelled('7.0.3', ['day', 'dusk']));
    await reports(({ state, reason }) => state === 'refused' && reason === 'invalid', from);
  }, 300_000);

  it('with one whose process dies on probation: back at once, to the same scene', async () => {
    sameModel(base, join(place.dir, '7.0.4'), '7.0.4');
    const from = watcher.heard.length;
    const before = new Set(place.processes());
    await publish(join(place.dir, '7.0.4'));
    await reports(({ state }) => state === 'probation', from);
    const [pid, ...others] = candidates(before);
    expect(others).toEqual([]);
    process.kill(pid ?? 0, 'SIGKILL');
    await reports(({ state, reason, active }) => {
      return state === 'rolled-back' && reason === 'crashed' && active?.version === '7.0.1';
    }, from);
    expect(new Set(scenes()).size).toBe(1);
  }, 300_000);

  it('and goes back when somebody at the box wants the previous version', async () => {
    const from = watcher.heard.length;
    expect(await usher('models', 'rollback', CHANNEL, '--config', place.config)).toMatchObject({ code: 0 });
    const { version } = JSON.parse(readFileSync(join(base, 'card.json'), 'utf8')) as { version: string };
    await runs(version, from);
    await reports(({ state, active }) => state === 'rolled-back' && active?.version === version, from);
  }, 300_000);
});
