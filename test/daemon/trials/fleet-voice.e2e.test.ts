import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TONE_HZ, writeToneBundle } from '../../support/beep-bundle';
import { sameModel } from '../../support/candidates';
import { type Heard, usher } from '../../support/daemon';
import { FleetPlace } from '../../support/fleet-place';
import { describeWithMosquitto, Mosquitto } from '../../support/mosquitto';
import { mixed, noise, shorts, tone, wav } from '../../support/sound';

const CHANNEL = 'wake/beep';
const SOON_MS = 120_000;

describeWithMosquitto('a fleet updates the trigger word of a room', () => {
  const mosquitto = new Mosquitto();
  const scratch = mkdtempSync(join(tmpdir(), 'usher-voice-'));
  const box = new FleetPlace(mosquitto, CHANNEL);
  const { publish, reports } = box;
  let base = '';

  beforeAll(
    () =>
      box.begin(
        {
          models: { dir: 'models' },
          microphones: [
            {
              id: 'hall',
              source: { type: 'file', path: join(scratch, 'beep.wav'), loop: true },
              words: [{ model: 'wake-beep' }],
            },
            // A microphone that is not there keeps nobody from updates.
            { id: 'gone', source: { type: 'arecord', device: 'plughw:7,0' }, words: [{ model: 'wake-beep' }] },
          ],
          fleet: { trial: { shadowSeconds: 15, probationSeconds: 6, minAgreement: 0.6, memoryMiB: 2000 } },
        },
        async (place) => {
          base = await writeToneBundle(join(place.dir, 'models'), 'beep');
          const sound = mixed(noise(2.4, 0.01), tone(0.4, TONE_HZ.beep, 0.3), 1);
          writeFileSync(join(scratch, 'beep.wav'), wav(shorts(sound)));
        },
      ),
    200_000,
  );

  afterAll(async () => {
    await box.end();
    rmSync(scratch, { recursive: true });
  }, 60_000);

  const hears = (from = box.watcher.heard.length): Promise<Heard> =>
    box.watcher.hears('the word', ({ topic }) => topic.endsWith('/event/hall/activation'), SOON_MS, from);
  const runs = (version: string, from = 0): Promise<Heard> =>
    box.watcher.hears(
      `version ${version}`,
      ({ topic, payload }) => topic.endsWith('/state/words/hall') && JSON.stringify(payload).includes(version),
      SOON_MS,
      from,
    );

  it('with a good release: heard on the whole way, the new version at the end and after a restart', async () => {
    await hears(0);
    sameModel(base, join(box.place.dir, 'good'), '1.0.1');
    await publish(join(box.place.dir, 'good'));
    await reports(({ state }) => state === 'probation');
    // The candidate's ear, and not both.
    const from = box.watcher.heard.length;
    await hears(from);
    await reports(({ state, active }) => state === 'committed' && active?.version === '1.0.1');
    await runs('1.0.1');
    await hears();
    const times = box.watcher.of('event/hall/activation').map(({ payload }) => payload['at'] as number);
    const gaps = times.slice(1).map((at, index) => at - (times[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThan(1000);
    await box.daemon.stop('SIGKILL');
    const restarted = box.watcher.heard.length;
    box.start();
    await runs('1.0.1', restarted);
    await reports(({ state, active }) => state === 'committed' && active?.version === '1.0.1', restarted);
    await hears();
  }, 400_000);

  it('with one that hears nothing: refused beside the running one', async () => {
    const deaf = await writeToneBundle(join(box.place.dir, 'deaf'), 'beep', { bias: -40 });
    sameModel(deaf, join(box.place.dir, 'deaf-2'), '1.0.2');
    const from = box.watcher.heard.length;
    await publish(join(box.place.dir, 'deaf-2'));
    await reports(({ state, reason }) => state === 'refused' && reason === 'wrong-answers', from);
    await hears();
  }, 300_000);

  it('with one for another word: refused before it is loaded', async () => {
    const other = await writeToneBundle(join(box.place.dir, 'other'), 'boop', { name: 'wake-beep' });
    sameModel(other, join(box.place.dir, 'other-2'), '1.0.3');
    const from = box.watcher.heard.length;
    await publish(join(box.place.dir, 'other-2'));
    await reports(({ state, reason }) => state === 'refused' && reason === 'invalid', from);
  }, 300_000);

  it('with one whose process dies on probation: back at once, heard all the same', async () => {
    sameModel(base, join(box.place.dir, 'dying'), '1.0.4');
    const from = box.watcher.heard.length;
    const before = new Set(box.place.processes());
    await publish(join(box.place.dir, 'dying'));
    await reports(({ state }) => state === 'probation', from);
    const candidates = box.place
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
    sameModel(base, join(box.place.dir, 'unlucky'), '1.0.5');
    const from = box.watcher.heard.length;
    const running = box.place
      .processes()
      .filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('voice/child'));
    await publish(join(box.place.dir, 'unlucky'));
    await reports(({ state }) => state === 'probation', from);
    for (const pid of running) process.kill(pid, 'SIGKILL');
    await reports(({ state, reason }) => state === 'staged' && reason === 'not-running', from);
    await reports(({ state, active }) => state === 'committed' && active?.version === '1.0.5', from);
    await hears();
  }, 300_000);

  it('and goes back when somebody at the box wants the previous version', async () => {
    const from = box.watcher.heard.length;
    expect(await usher('models', 'rollback', CHANNEL, '--config', box.place.config)).toMatchObject({ code: 0 });
    await runs('1.0.1', from);
    await reports(({ state, active }) => state === 'rolled-back' && active?.version === '1.0.1', from);
    await hears();
  }, 300_000);
});
