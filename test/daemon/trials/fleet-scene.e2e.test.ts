import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../../../src/config/load/load';
import { sameModel } from '../../support/candidates';
import { type Heard, usher } from '../../support/daemon';
import { entranceRecording } from '../../support/entrance';
import { FleetPlace } from '../../support/fleet-place';
import { describeWithMosquitto, Mosquitto } from '../../support/mosquitto';

const CHANNEL = 'scene';
const SOON_MS = 120_000;

describeWithMosquitto('a fleet updates what tells day from night', () => {
  const mosquitto = new Mosquitto();
  const box = new FleetPlace(mosquitto, CHANNEL);
  const { publish, reports } = box;
  let base = '';

  beforeAll(async () => {
    const entrance = await entranceRecording();
    await box.begin(
      {
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
          trial: {
            ...{ shadowSeconds: 3, probationSeconds: 8, minAgreement: 0.8 },
            // What this machine is busy with besides is not the release's fault.
            ...{ latencyMs: 10_000, latencyRatio: 100, maxStepIns: 1, memoryMiB: 2000 },
          },
        },
      },
      async (place) => {
        base = join((await loadConfig(place.config)).modelsDir, 'scene');
      },
    );
  }, 300_000);

  afterAll(() => box.end(), 60_000);

  /** The shipped model, with other names for what it tells. */
  const relabelled = (version: string, labels: readonly string[]): string => {
    const dir = join(box.place.dir, version);
    cpSync(base, dir, { recursive: true });
    const file = join(dir, 'card.json');
    const card = JSON.parse(readFileSync(file, 'utf8')) as { output: object };
    writeFileSync(file, JSON.stringify({ ...card, version, output: { ...card.output, labels } }));
    return dir;
  };
  const runs = (version: string, from = 0): Promise<Heard> =>
    box.watcher.hears(
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
    box.watcher.heard
      .slice(from)
      .filter(({ topic }) => topic.endsWith('/state/scene/cam'))
      .map(({ payload }) => payload['scene']);
  const candidates = (before: ReadonlySet<number>): number[] =>
    box.place
      .processes()
      .filter((pid) => !before.has(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('vision/child'));

  it('with a good release: the same scene on the whole way, the new version at the end and after a restart', async () => {
    await box.watcher.hears('a scene', ({ topic }) => topic.endsWith('/state/scene/cam'), SOON_MS, 0);
    sameModel(base, join(box.place.dir, '7.0.1'), '7.0.1');
    await publish(join(box.place.dir, '7.0.1'));
    await reports(({ state }) => state === 'probation');
    await reports(({ state, active }) => state === 'committed' && active?.version === '7.0.1');
    await runs('7.0.1');
    expect(new Set(scenes()).size).toBe(1);
    await box.daemon.stop('SIGKILL');
    const restarted = box.watcher.heard.length;
    box.start();
    await runs('7.0.1', restarted);
    await reports(({ state, active }) => state === 'committed' && active?.version === '7.0.1', restarted);
    await box.daemon.says('usher: ready', SOON_MS);
  }, 400_000);

  it('with one that takes the day for the night: refused beside the running one', async () => {
    const from = box.watcher.heard.length;
    await publish(relabelled('7.0.2', ['night', 'day']));
    await reports(({ state, reason }) => state === 'refused' && reason === 'wrong-answers', from);
    expect(new Set(scenes()).size).toBe(1);
  }, 300_000);

  it('with one that tells other scenes: refused before it is loaded', async () => {
    const from = box.watcher.heard.length;
    await publish(relabelled('7.0.3', ['day', 'dusk']));
    await reports(({ state, reason }) => state === 'refused' && reason === 'invalid', from);
  }, 300_000);

  it('with one whose process dies on probation: back at once, to the same scene', async () => {
    sameModel(base, join(box.place.dir, '7.0.4'), '7.0.4');
    const from = box.watcher.heard.length;
    const before = new Set(box.place.processes());
    await publish(join(box.place.dir, '7.0.4'));
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
    const from = box.watcher.heard.length;
    expect(await usher('models', 'rollback', CHANNEL, '--config', box.place.config)).toMatchObject({ code: 0 });
    const { version } = JSON.parse(readFileSync(join(base, 'card.json'), 'utf8')) as { version: string };
    await runs(version, from);
    await reports(({ state, active }) => state === 'rolled-back' && active?.version === version, from);
  }, 300_000);
});
