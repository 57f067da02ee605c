// The updater of a box in a process of its own that may be killed at any moment: real slots, states and bundles on a real disk. In
// the place of network, camera and door stand a shelf of releases and, for models, a trial that passes after a few milliseconds;
// settings have the daemon's own.
//   update-child.ts CHANNEL DATA SHELF RELEASE KILL-AT
// It says what it boots with, and whether that is whole, then every report; and kills itself at the KILL-AT-th write or move.
import { cpSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { parseConfig } from '../../../src/config/load/load';
import { ConfigTarget } from '../../../src/daemon/trials/config-trial';
import { HealthBoard } from '../../../src/daemon/health/health';
import { Exclusive } from '../../../src/fleet/update/exclusive';
import { installedModels } from '../../../src/fleet/update/installed';
import type { ReleaseVerifier, Transfer } from '../../../src/fleet/release';
import { Slots } from '../../../src/fleet/update/slots';
import { CONFIG_CHANNEL, countTrialStart, OPERATORS, startUnder } from '../../../src/fleet/update/effective-config';
import type { UpdateTarget } from '../../../src/fleet/update/trial';
import type { ChannelState, Installed, Pointer } from '../../../src/fleet/update/update-state';
import { Updater } from '../../../src/fleet/update/updater';
import { readBundle } from '../../../src/inference/bundle';
import { everySecondsOf, offerOf, releaseOf } from '../../fleet/samples';

const [, , channel = '', dataDir = '', shelf = '', wanted = '1', killAt = '0'] = process.argv;
const say = (line: string): void => void writeSync(1, `${line}\n`);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

let steps = 0;
/** One moment in which the power may go. */
function moment(): void {
  if (++steps === Number(killAt)) process.kill(process.pid, 'SIGKILL');
}

class MortalSlots extends Slots {
  override saveState(state: ChannelState): void {
    moment();
    super.saveState(state);
    moment();
  }
  override activate(of: string, active: Installed): void {
    moment();
    super.activate(of, active);
    moment();
  }
  override revert(of: string): Pointer {
    moment();
    const pointer = super.revert(of);
    moment();
    return pointer;
  }
  override sweep(of: string, keep: Parameters<Slots['sweep']>[1]): void {
    moment();
    super.sweep(of, keep);
    moment();
  }
}

const verifier: ReleaseVerifier = {
  authenticate: (bytes) =>
    Promise.resolve({
      ...{ v: 1, scope: { kind: 'group', group: 'all' }, seq: 1, issuedAt: 1, notAfter: 8e15, signatures: [] },
      offers: [offerOf(Number(Buffer.from(bytes).toString()), undefined, channel)],
    }),
  verify: (offer) => {
    const change = channel === CONFIG_CHANNEL ? ({ kind: 'config', model: null } as const) : {};
    return Promise.resolve({ offer, release: releaseOf(Number(offer.release.split('-').at(-1)), change, channel) });
  },
};
const transfer: Transfer = {
  fetch: async ({ release }, dir) => {
    const part = join(dataDir, `part-${release.serial}`);
    rmSync(part, { recursive: true, force: true });
    moment();
    cpSync(join(shelf, String(release.serial)), part, { recursive: true });
    moment();
    renameSync(part, dir);
    moment();
    await pause(1);
  },
  forget: () => Promise.resolve(),
};

/** Goes on where the data folder says, hears the offer, and reports. */
async function update(ground: UpdateTarget, slots: Slots, runs: () => string): Promise<Updater> {
  const { release } = offerOf(Number(wanted), undefined, channel);
  const updater = new Updater({
    ...{ slots, verifier, transfer, target: ground, trials: new Exclusive(), channels: [channel] },
    box: { site: 'gym', device: 'box', groups: [], usher: '0.1.0', arch: 'x64' },
    ...{ now: Date.now, random: Math.random, probationMs: 1 },
    log: { info: () => undefined, warn: () => undefined },
    publish: ({ channels: [one] }) => {
      say(`reported ${one?.state} ${one?.active?.version} ${runs()} ${one?.candidate?.version}`);
      if (one?.candidate?.release !== release) return;
      if (one.state === 'committed') say('done');
      // Cut off too often while it was tried: it counts as the cause.
      if (one.state === 'rolled-back' || one.reason === 'quarantined' || one.reason === 'interrupted') say('led-back');
    },
  });
  updater.start();
  await updater.hear(Buffer.from(wanted), { kind: 'group', group: 'all' });
  return updater;
}

async function modelBox(): Promise<void> {
  const passed: string[] = [];
  const { encoder = join(shelf, 'factory') } = await installedModels(dataDir, (_, why) => passed.push(why));
  const { card } = await readBundle(encoder);
  say(`boot ${card.version} ${passed.join(' ')}`.trim());
  let running = card.version;
  const ground: UpdateTarget = {
    running: () => ({ version: running, space: 'tiny-v1', dir: null }),
    obstacle: () => null,
    begin: ({ release }) => ({
      test: async () => {
        await pause(2);
        return { agreement: 1 };
      },
      switch: () => pause(1),
      settle: () => pause(1),
      watch: async () => {
        await pause(2);
        return { agreement: 1 };
      },
      adopt: async () => {
        moment();
        await pause(1);
        running = release.version;
      },
      end: () => pause(1),
    }),
    restore: async (_, dir) => {
      running = (await readBundle(dir ?? join(shelf, 'factory'))).card.version;
    },
  };
  await update(ground, new MortalSlots(dataDir), () => running);
}

/** Starts under what is due, and begins anew in its process where settings ask for it, as `usher run` does. */
async function settingsBox(): Promise<void> {
  const text = JSON.stringify({
    device: { site: 'gym', id: 'box' },
    microphones: [{ id: 'hall', source: { type: 'stdin' }, words: [{ model: 'wake-jarvis' }] }],
    fleet: { root: 'root.json' },
    health: { everySeconds: everySecondsOf(OPERATORS) },
  });
  const operator = { config: parseConfig(text, 'config.yaml'), file: join(dataDir, 'config.yaml'), dataDir };
  for (;;) {
    const passed: string[] = [];
    const under = startUnder({ ...operator, modelsDir: dataDir }, true, (why) => passed.push(why));
    const version = under.release?.version ?? OPERATORS;
    const { everySeconds } = under.loaded.config.health;
    if (everySeconds !== everySecondsOf(version)) passed.push(`every ${everySeconds} s is not of ${version}`);
    say(`boot ${version} ${under.release?.trial === true ? 'trial ' : ''}${passed.join(' ')}`.trim());
    moment();
    countTrialStart(dataDir);
    moment();
    const health = new HealthBoard(() => undefined);
    health.set('hall', { state: 'starting', lastProgressAt: null, detail: null, remedy: null });
    const comesUp = setTimeout(
      () => health.set('hall', { state: 'ok', lastProgressAt: 1, detail: null, remedy: null }),
      20,
    );
    let begin: () => void = () => undefined;
    const again = new Promise<void>((resolve) => (begin = resolve));
    const ground = new ConfigTarget({
      ...{ under, health, isBusy: () => false, restart: () => begin() },
      ...{ probationMs: 1, patienceMs: 60_000 },
    });
    const updater = await update(ground, new MortalSlots(dataDir), () => version);
    await again;
    clearTimeout(comesUp);
    await updater.stop();
  }
}

setInterval(() => undefined, 1000);
void (channel === CONFIG_CHANNEL ? settingsBox() : modelBox()).catch((error: unknown) => {
  say(`failed ${error instanceof Error ? (error.stack ?? '') : String(error)}`);
  process.exit(1);
});
