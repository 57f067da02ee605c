import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TONE_HZ, writeToneBundle } from '../support/beep-bundle';
import { sameModel } from '../support/candidates';
import { Daemon, type Heard, Installation, usher, Watcher } from '../support/daemon';
import { describeWithMosquitto, Mosquitto } from '../support/mosquitto';
import { mixed, noise, shorts, tone, wav } from '../support/sound';

const CHANNEL = 'wake/beep';
const SOON_MS = 120_000;

interface Channel {
  readonly channel: string;
  readonly state: string;
  readonly reason: string | null;
  readonly active: { readonly version: string } | null;
}

describeWithMosquitto('a fleet updates the trigger word of a room', () => {
  const mosquitto = new Mosquitto();
  const scratch = mkdtempSync(join(tmpdir(), 'usher-voice-'));
  let place: Installation;
  let daemon: Daemon;
  let watcher: Watcher;
  let base = '';

  beforeAll(async () => {
    await mosquitto.start();
    place = await Installation.make({
      models: { dir: 'models' },
      mqtt: { broker: { type: 'external', url: mosquitto.url } },
      microphones: [
        {
          id: 'hall',
          source: { type: 'file', path: join(scratch, 'beep.wav'), loop: true },
          words: [{ model: 'wake-beep' }],
        },
        // A microphone that is not there keeps nobody from updates.
        { id: 'gone', source: { type: 'arecord', device: 'plughw:7,0' }, words: [{ model: 'wake-beep' }] },
      ],
      fleet: {
        root: 'fleet/root.json',
        trial: { shadowSeconds: 15, probationSeconds: 6, minAgreement: 0.6, memoryMiB: 2000 },
      },
    });
    base = await writeToneBundle(join(place.dir, 'models'), 'beep');
    writeFileSync(join(scratch, 'beep.wav'), wav(shorts(mixed(noise(2.4, 0.01), tone(0.4, TONE_HZ.beep, 0.3), 1))));
    const made = await usher('fleet', 'init', join(place.dir, 'fleet'));
    if (made.code !== 0) throw new Error(made.stderr);
    watcher = await Watcher.connect(mosquitto.url);
    daemon = Daemon.start(place);
    await daemon.says('usher: ready', SOON_MS);
  }, 200_000);

  afterAll(async () => {
    await mosquitto.dispose();
    await watcher.close();
    await daemon.stop();
    expect(place.processes()).toEqual([]);
    await place.remove();
    rmSync(scratch, { recursive: true });
  }, 60_000);

  const publish = async (bundle: string): Promise<void> => {
    const options = ['--fleet', join(place.dir, 'fleet'), '--broker', mosquitto.url, '--channel', CHANNEL];
    const said = await usher('fleet', 'publish', bundle, ...options, '--rollout', '100%');
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
  const hears = (from = watcher.heard.length): Promise<Heard> =>
    watcher.hears('the word', ({ topic }) => topic.endsWith('/event/hall/activation'), SOON_MS, from);
  const runs = (version: string, from = 0): Promise<Heard> =>
    watcher.hears(
      `version ${version}`,
      ({ topic, payload }) => topic.endsWith('/state/words/hall') && JSON.stringify(payload).includes(version),
      SOON_MS,
      from,
    );

  it('with a good release: heard on the whole way, the new version at the end and after a restart', async () => {
    await hears(0);
    sameModel(base, join(place.dir, 'good'), '1.0.1');
    await publish(join(place.dir, 'good'));
    await reports(({ state }) => state === 'probation');
    // The candidate's ear, and not both.
    const from = watcher.heard.length;
    await hears(from);
    await reports(({ state, active }) => state === 'committed' && active?.version === '1.0.1');
    await runs('1.0.1');
    await hears();
    const times = watcher.of('event/hall/activation').map(({ payload }) => payload['at'] as number);
    const gaps = times.slice(1).map((at, index) => at - (times[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThan(1000);
    await daemon.stop('SIGKILL');
    const restarted = watcher.heard.length;
    daemon = Daemon.start(place);
    await runs('1.0.1', restarted);
    await reports(({ state, active }) => state === 'committed' && active?.version === '1.0.1', restarted);
    await hears();
  }, 400_000);

  it('with one that hears nothing: refused beside the running one', async () => {
    const deaf = await writeToneBundle(join(place.dir, 'deaf'), 'beep', { bias: -40 });
    sameModel(deaf, join(place.dir, 'deaf-2'), '1.0.2');
    const from = watcher.heard.length;
    await publish(join(place.dir, 'deaf-2'));
    await reports(({ state, reason }) => state === 'refused' && reason === 'wrong-answers', from);
    await hears();
  }, 300_000);

  it('with one for another word: refused before it is loaded', async () => {
    const other = await writeToneBundle(join(place.dir, 'other'), 'boop', { name: 'wake-beep' });
    sameModel(other, join(place.dir, 'other-2'), '1.0.3');
    const from = watcher.heard.length;
    await publish(join(place.dir, 'other-2'));
    await reports(({ state, reason }) => state === 'refused' && reason === 'invalid', from);
  }, 300_000);

  it('with one whose process dies on probation: back at once, heard all the same', async () => {
    sameModel(base, join(place.dir, 'dying'), '1.0.4');
    const from = watcher.heard.length;
    const before = new Set(place.processes());
    await publish(join(place.dir, 'dying'));
    await reports(({ state }) => state === 'probation', from);
    const candidates = place
      .processes()
      .filter((pid) => !before.has(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('voice/child'));
    expect(candidates).toHaveLength(1);
    process.kill(candidates[0] ?? 0, 'SIGKILL');
    await reports(({ state, reason, active }) => {
      return state === 'rolled-back' && reason === 'crashed' && active?.version === '1.0.1';
    }, from);
    await hears();
  }, 300_000);

  it('with the running process started anew beside it: tried again, and taken', async () => {
    sameModel(base, join(place.dir, 'unlucky'), '1.0.5');
    const from = watcher.heard.length;
    const running = place
      .processes()
      .filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('voice/child'));
    await publish(join(place.dir, 'unlucky'));
    await reports(({ state }) => state === 'probation', from);
    for (const pid of running) process.kill(pid, 'SIGKILL');
    await reports(({ state, reason }) => state === 'staged' && reason === 'not-running', from);
    await reports(({ state, active }) => state === 'committed' && active?.version === '1.0.5', from);
    await hears();
  }, 300_000);

  it('and goes back when somebody at the box wants the previous version', async () => {
    const from = watcher.heard.length;
    expect(await usher('models', 'rollback', CHANNEL, '--config', place.config)).toMatchObject({ code: 0 });
    await runs('1.0.1', from);
    await reports(({ state, active }) => state === 'rolled-back' && active?.version === '1.0.1', from);
    await hears();
  }, 300_000);
});
