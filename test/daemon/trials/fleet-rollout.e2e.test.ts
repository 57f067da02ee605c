import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeToneBundle } from '../../support/beep-bundle';
import { Daemon, usher } from '../../support/daemon';
import { FleetPlace } from '../../support/fleet-place';
import { describeWithMosquitto, Mosquitto } from '../../support/mosquitto';
import { noise, shorts, wav } from '../../support/sound';

const CHANNEL = 'config';
const SOON_MS = 120_000;
const GONE = 'gym/gone';
/** Both boxes are in the first stage; what follows reaches nobody more. */
const STAGES = '99.98%,99.99%,100%';

interface Look {
  readonly decision: string;
  readonly stage: number;
  readonly committed: number;
  readonly absent: readonly string[];
}

describeWithMosquitto('a rollout to boxes of which one is away for good', () => {
  const mosquitto = new Mosquitto();
  const box = new FleetPlace(mosquitto, CHANNEL);
  const scratch = mkdtempSync(join(tmpdir(), 'usher-rollout-'));
  let on: readonly string[] = [];

  beforeAll(async () => {
    const sound = join(scratch, 'quiet.wav');
    writeFileSync(sound, wav(shorts(noise(2, 0.01))));
    await box.begin(
      {
        models: { dir: 'models' },
        // The least that a box can have.
        microphones: [
          { id: 'hall', source: { type: 'file', path: sound, loop: true }, words: [{ model: 'wake-beep' }] },
        ],
        fleet: { trial: { shadowSeconds: 1, probationSeconds: 1 } },
      },
      async (place) => {
        await writeToneBundle(join(place.dir, 'models'), 'beep');
      },
    );
    on = ['--fleet', box.fleet, '--broker', mosquitto.url];
    // What the broker keeps of a box that was there once: its last will, and its last report.
    const bootId = '00000000-0000-4000-8000-000000000000';
    await box.watcher.say(
      `usher/v1/${GONE}/status`,
      { v: 1, state: 'offline', bootId, birth: 1, at: 1 },
      { retain: true },
    );
    const channel = {
      ...{ channel: CHANNEL, active: { release: null, version: '0.0.0' }, previous: null, state: 'idle' },
      ...{ candidate: null, bytes: null, attempt: 0, since: 1, reason: null, detail: null, agreement: null },
    };
    await box.watcher.say(
      `usher/v1/${GONE}/update/reported`,
      { v: 1, at: 1, usher: '0.1.0', arch: 'arm64', groups: [], channels: [channel] },
      { retain: true },
    );
  }, 300_000);

  afterAll(async () => {
    await box.end();
    rmSync(scratch, { recursive: true });
  }, 60_000);

  const publish = async (version: string): Promise<void> => {
    const file = join(box.place.dir, `${version}.yaml`);
    writeFileSync(file, 'log: { level: debug }\n');
    await box.publish(file, '--as', version, '--rollout', STAGES);
  };
  const follow = (...options: readonly string[]): Daemon =>
    Daemon.spawn(box.place, 'fleet', 'rollout', 'follow', CHANNEL, ...on, ...options);
  const rollout = (verb: string): ReturnType<typeof usher> => usher('fleet', 'rollout', verb, CHANNEL, ...on);

  it('goes on without it when patience is over, and names it', async () => {
    await publish('1.0.0');
    const following = follow('--json', '--patience', '3s');
    expect(await following.exit).toBe(0);
    const looks = following.log
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Look);
    // Never before the one that is there has it.
    expect(looks.filter(({ stage, committed }) => stage > 0 && committed === 0)).toEqual([]);
    expect(looks.filter(({ decision }) => decision === 'advance').map(({ stage }) => stage)).toEqual([0, 1]);
    expect(looks.at(-1)).toMatchObject({ decision: 'finished', stage: 2, committed: 1, absent: [GONE] });
    await box.reports(({ state, active }) => state === 'committed' && active?.version === '1.0.0');
  }, 300_000);

  it('waits where more are asked for, until somebody opens the next stage by hand', async () => {
    await publish('1.0.1');
    const following = follow('--patience', '1s', '--min-committed', '90%');
    await following.says(
      /1 of 2 have it, 0 under way, 0 failed, 1 absent \(gym\/gone\); 1 of 2 boxes have it/,
      SOON_MS,
    );
    expect(await rollout('pause')).toMatchObject({ code: 0 });
    const stopped = await rollout('advance');
    expect(stopped.code).not.toBe(0);
    expect(stopped.stderr).toMatch(/rollout of config to all is paused: by hand[^]*usher fleet rollout resume/);
    expect(await rollout('resume')).toMatchObject({ code: 0 });
    expect(await rollout('advance')).toMatchObject({ code: 0, stdout: 'config: stage 2 of 3 (99.99 %)\n' });
    await following.says('stage 2 of 3 (99.99 %), rolling: 1 of 2 have it', SOON_MS);
    expect(await rollout('advance')).toMatchObject({ code: 0, stdout: 'config: stage 3 of 3 (100 %)\n' });
    const last = await rollout('advance');
    expect(last.code).not.toBe(0);
    expect(last.stderr).toMatch(/the last stage of the rollout of config to all is open already/);
    await following.stop();
    const { stdout } = await usher('fleet', 'status', '--broker', mosquitto.url);
    expect(stdout).toMatch(/2 boxes: .*; 1 of the boxes offline/);
  }, 300_000);
});
