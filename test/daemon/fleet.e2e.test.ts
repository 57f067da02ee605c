import { join, resolve } from 'node:path';
import { readFileSync, writeFileSync } from 'node:fs';
import { loadConfig } from '../../src/config/load';
import { FACE_CHANNELS } from '../../src/fleet/installed';
import { Slots } from '../../src/fleet/slots';
import { readCard } from '../../src/inference/bundle';
import { chooseModels } from '../../src/vision/load';
import { violation } from '../support/asyncapi';
import { badEncoder, sameModel } from '../support/candidates';
import { Daemon, type Heard, Installation, usher, Watcher } from '../support/daemon';
import { entranceRecording } from '../support/entrance';
import { describeWithMosquitto, Mosquitto } from '../support/mosquitto';

const CHANNEL = FACE_CHANNELS.encoder;
const SOON_MS = 120_000;

interface Channel {
  readonly channel: string;
  readonly state: string;
  readonly reason: string | null;
  readonly active: { readonly version: string } | null;
}

describeWithMosquitto('a fleet updates a box', () => {
  const mosquitto = new Mosquitto();
  let place: Installation;
  let daemon: Daemon;
  let watcher: Watcher;
  let base = '';
  let fleet = '';

  beforeAll(async () => {
    const entrance = await entranceRecording();
    await mosquitto.start();
    place = await Installation.make({
      mqtt: { broker: { type: 'external', url: mosquitto.url } },
      cameras: [{ id: 'cam', source: { type: 'folder', path: entrance.memberFrames, loop: true }, fps: 5 }],
      doors: [
        { id: 'front', camera: 'cam', readers: ['card'], cooldownMs: 0, deadlineMs: 20_000, voteWindowMs: 10_000 },
      ],
      fleet: {
        root: 'fleet/root.json',
        trial: {
          ...{ shadowSeconds: 4, probationSeconds: 2, minAgreement: 0.8 },
          // What this machine is busy with besides is not the release's fault.
          ...{ latencyMs: 10_000, latencyRatio: 100, maxStepIns: 1, memoryMiB: 2000 },
        },
      },
    });
    fleet = join(place.dir, 'fleet');
    const made = await usher('fleet', 'init', fleet);
    if (made.code !== 0) throw new Error(made.stderr);
    const enrolled = await place.enroll('4711', entrance.still);
    if (enrolled.code !== 0) throw new Error(enrolled.stderr);
    const { modelsDir, config } = await loadConfig(place.config);
    base = resolve(modelsDir, (await chooseModels(modelsDir, config.models)).encoder);
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
  });

  const publish = async (bundle: string, ...more: string[]): Promise<void> => {
    const options = ['--fleet', fleet, '--broker', mosquitto.url, '--channel', CHANNEL, '--rollout', '100%'];
    const said = await usher('fleet', 'publish', bundle, ...options, '--embedding-rule', 'same', ...more);
    if (said.code !== 0) throw new Error(said.stderr);
  };
  const channelIn = ({ topic, payload }: Heard): Channel | undefined =>
    topic.endsWith('/update/reported')
      ? (payload['channels'] as Channel[]).find(({ channel }) => channel === CHANNEL)
      : undefined;
  const reports = (holds: (channel: Channel) => boolean, from = 0): Promise<Heard> =>
    watcher.hears(
      'a report',
      (heard) => {
        const channel = channelIn(heard);
        return channel !== undefined && holds(channel);
      },
      SOON_MS,
      from,
    );
  const letsIn = async (): Promise<void> => {
    const from = watcher.heard.length;
    await watcher.swipe('card', '4711');
    const said = await watcher.hears(
      'a decision',
      ({ topic }) => topic.endsWith('/event/front/decision'),
      SOON_MS,
      from,
    );
    expect(said.payload).toMatchObject({ outcome: 'granted', reason: 'match' });
  };

  it('with a good release: every state on the way, the door in service, the new version at the end and after a restart', async () => {
    sameModel(base, join(place.dir, 'good'), '7.0.1');
    await publish(join(place.dir, 'good'));
    await reports(({ state }) => state === 'staged');
    await letsIn();
    await reports(({ state, active }) => state === 'committed' && active?.version === '7.0.1');
    const states = watcher.heard.map(channelIn).flatMap((channel) => channel?.state ?? []);
    const order = states.filter((state, at) => state !== states[at - 1]);
    expect(order.join(' ')).toContain('verified transferred staged tested switched probation committed');
    await letsIn();
    await daemon.stop('SIGKILL');
    const from = watcher.heard.length;
    daemon = Daemon.start(place);
    await watcher.hears(
      'the new model',
      ({ topic, payload }) => topic.endsWith('/state/model/cam') && JSON.stringify(payload).includes('7.0.1'),
      SOON_MS,
      from,
    );
    await reports(({ state, active }) => state === 'committed' && active?.version === '7.0.1', from);
    await letsIn();
  }, 400_000);

  it('with one that answers wrongly: refused, quarantined, the door in service', async () => {
    await badEncoder(base, join(place.dir, 'bad'), '7.0.2');
    const from = watcher.heard.length;
    await publish(join(place.dir, 'bad'));
    await reports(({ state, reason }) => state === 'refused' && reason === 'wrong-answers', from);
    await letsIn();
    expect(new Slots(join(place.dir, 'data')).pointer(CHANNEL).active?.version).toBe('7.0.1');
  }, 300_000);

  it('and goes back within a moment when somebody at the box wants the previous version', async () => {
    const said = await usher('models', 'rollback', CHANNEL, '--config', place.config);
    expect(said).toMatchObject({ code: 0 });
    const slots = new Slots(join(place.dir, 'data'));
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
      const file = join(place.dir, 'thresholds.json');
      const thresholds = output.thresholds.map((row) => ({ ...row, distance: row.distance * factor }));
      const model = { name: card.name, version: card.version, sha256: card.files[card.model] };
      writeFileSync(file, JSON.stringify({ v: 1, model, output: { thresholds } }));
      return file;
    };
    let from = watcher.heard.length;
    await publish(tableOf(0.05), '--as', '8.0.0');
    await reports(({ state, reason }) => state === 'refused' && reason === 'wrong-answers', from);
    await letsIn();
    from = watcher.heard.length;
    await publish(tableOf(0.98), '--as', '8.0.1');
    await reports(({ state, active }) => state === 'committed' && active?.version === '8.0.1', from);
    const slots = new Slots(join(place.dir, 'data'));
    const { active } = slots.pointer(CHANNEL);
    expect(active).toMatchObject({ version: '8.0.1', kind: 'thresholds' });
    const now = (await readCard(slots.dirOf(CHANNEL, active!))).output;
    expect(now).toMatchObject({
      thresholds: output.thresholds.map(({ distance }) => ({ distance: distance * 0.98 })),
    });
    await letsIn();
  }, 400_000);

  it('and all that it said is as the published description has it', () => {
    const wrong = watcher.heard
      .filter(({ topic, payload }) => topic.startsWith('usher/v1/gym/') && Object.keys(payload).length > 0)
      .flatMap(({ topic, payload }) => violation(topic, payload) ?? []);
    expect(wrong).toEqual([]);
  });
});
