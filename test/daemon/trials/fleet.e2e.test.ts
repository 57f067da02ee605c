import { join, resolve } from 'node:path';
import { readFileSync, writeFileSync } from 'node:fs';
import { loadConfig } from '../../../src/config/load/load';
import { FACE_CHANNELS } from '../../../src/fleet/update/installed';
import { Slots } from '../../../src/fleet/update/slots';
import { readCard } from '../../../src/inference/bundle';
import { chooseModels } from '../../../src/vision/faces/load';
import { violation } from '../../support/asyncapi';
import { badEncoder, sameModel } from '../../support/candidates';
import { usher } from '../../support/daemon';
import { entranceRecording } from '../../support/entrance';
import { FleetPlace } from '../../support/fleet-place';
import { describeWithMosquitto, Mosquitto } from '../../support/mosquitto';

const CHANNEL = FACE_CHANNELS.encoder;
const SOON_MS = 120_000;

describeWithMosquitto('a fleet updates a box', () => {
  const mosquitto = new Mosquitto();
  const box = new FleetPlace(mosquitto, CHANNEL);
  const { channelIn, reports } = box;
  let base = '';

  beforeAll(async () => {
    const entrance = await entranceRecording();
    await box.begin(
      {
        cameras: [{ id: 'cam', source: { type: 'folder', path: entrance.memberFrames, loop: true }, fps: 5 }],
        doors: [
          { id: 'front', camera: 'cam', readers: ['card'], cooldownMs: 0, deadlineMs: 20_000, voteWindowMs: 10_000 },
        ],
        fleet: {
          trial: {
            ...{ shadowSeconds: 4, probationSeconds: 2, minAgreement: 0.8 },
            // What this machine is busy with besides is not the release's fault.
            ...{ latencyMs: 10_000, latencyRatio: 100, maxStepIns: 1, memoryMiB: 2000 },
          },
        },
      },
      async (place) => {
        const enrolled = await place.enroll('4711', entrance.still);
        if (enrolled.code !== 0) throw new Error(enrolled.stderr);
        const { modelsDir, config } = await loadConfig(place.config);
        base = resolve(modelsDir, (await chooseModels(modelsDir, config.models)).encoder);
      },
    );
  }, 300_000);

  afterAll(() => box.end(), 60_000);

  const publish = (file: string, ...more: string[]): Promise<void> =>
    box.publish(file, '--embedding-rule', 'same', ...more);
  const letsIn = (): Promise<void> => box.letsIn('4711');

  it('with a good release: every state on the way, the door in service, the new version at the end and after a restart', async () => {
    sameModel(base, join(box.place.dir, 'good'), '7.0.1');
    await publish(join(box.place.dir, 'good'));
    await reports(({ state }) => state === 'staged');
    await letsIn();
    await reports(({ state, active }) => state === 'committed' && active?.version === '7.0.1');
    const states = box.watcher.heard.map(channelIn).flatMap((channel) => channel?.state ?? []);
    const order = states.filter((state, at) => state !== states[at - 1]);
    expect(order.join(' ')).toContain('verified transferred staged tested switched probation committed');
    await letsIn();
    await box.daemon.stop('SIGKILL');
    const from = box.watcher.heard.length;
    box.start();
    await box.watcher.hears(
      'the new model',
      ({ topic, payload }) => topic.endsWith('/state/model/cam') && JSON.stringify(payload).includes('7.0.1'),
      SOON_MS,
      from,
    );
    await reports(({ state, active }) => state === 'committed' && active?.version === '7.0.1', from);
    await letsIn();
  }, 400_000);

  it('with one that answers wrongly: refused, quarantined, the door in service', async () => {
    await badEncoder(base, join(box.place.dir, 'bad'), '7.0.2');
    const from = box.watcher.heard.length;
    await publish(join(box.place.dir, 'bad'));
    await reports(({ state, reason }) => state === 'refused' && reason === 'wrong-answers', from);
    await letsIn();
    expect(new Slots(join(box.place.dir, 'data')).pointer(CHANNEL).active?.version).toBe('7.0.1');
  }, 300_000);

  it('and goes back within a moment when somebody at the box wants the previous version', async () => {
    const said = await usher('models', 'rollback', CHANNEL, '--config', box.place.config);
    expect(said).toMatchObject({ code: 0 });
    const slots = new Slots(join(box.place.dir, 'data'));
    expect(slots.pointer(CHANNEL).active).toBeNull();
    const version = (JSON.parse(readFileSync(join(base, 'card.json'), 'utf8')) as { version: string }).version;
    await reports(({ state, active }) => state === 'rolled-back' && active?.version === version);
    await letsIn();
  }, 300_000);

  it('with a table of thresholds alone: refused where it lets nobody in, else in force for the model that stays', async () => {
    const card = await readCard(base);
    const { output } = card;
    if (output.decoding !== 'embedding') throw new Error('no encoder');
    const tableOf = (factor: number): string => {
      const file = join(box.place.dir, 'thresholds.json');
      const thresholds = output.thresholds.map((row) => ({ ...row, distance: row.distance * factor }));
      const model = { name: card.name, version: card.version, sha256: card.files[card.model] };
      writeFileSync(file, JSON.stringify({ v: 1, model, output: { thresholds } }));
      return file;
    };
    let from = box.watcher.heard.length;
    await publish(tableOf(0.05), '--as', '8.0.0');
    await reports(({ state, reason }) => state === 'refused' && reason === 'wrong-answers', from);
    await letsIn();
    from = box.watcher.heard.length;
    await publish(tableOf(0.98), '--as', '8.0.1');
    await reports(({ state, active }) => state === 'committed' && active?.version === '8.0.1', from);
    const slots = new Slots(join(box.place.dir, 'data'));
    const { active } = slots.pointer(CHANNEL);
    expect(active).toMatchObject({ version: '8.0.1', kind: 'thresholds' });
    const now = (await readCard(slots.dirOf(CHANNEL, active!))).output;
    expect(now).toMatchObject({
      thresholds: output.thresholds.map(({ distance }) => ({ distance: distance * 0.98 })),
    });
    await letsIn();
  }, 400_000);

  it('and all that it said is as the published description has it', () => {
    const wrong = box.watcher.heard
      .filter(({ topic, payload }) => topic.startsWith('usher/v1/gym/') && Object.keys(payload).length > 0)
      .flatMap(({ topic, payload }) => violation(topic, payload) ?? []);
    expect(wrong).toEqual([]);
  });
});
