// The updater of a box in a process of its own that may be killed at any moment: real slots, states and bundles on a real disk. In
// the place of network, camera and door stand a shelf of releases and a trial that passes after a few milliseconds.
//   update-child.ts DATA SHELF RELEASE KILL-AT
// It says what it boots with, and whether that is whole, then every report; and kills itself at the KILL-AT-th write or move.
import { cpSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Exclusive } from '../../src/fleet/exclusive';
import { FACE_CHANNELS, installedModels } from '../../src/fleet/installed';
import type { ReleaseVerifier, Transfer } from '../../src/fleet/release';
import { Slots } from '../../src/fleet/slots';
import type { TrialGround } from '../../src/fleet/trial';
import type { ChannelState, Installed, Pointer } from '../../src/fleet/update-state';
import { Updater } from '../../src/fleet/updater';
import { readBundle } from '../../src/inference/bundle';
import { offerOf, releaseOf } from './samples';

const [, , dataDir = '', shelf = '', wanted = '1', killAt = '0'] = process.argv;
const CHANNEL = FACE_CHANNELS.encoder;
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
  override activate(channel: string, active: Installed): void {
    moment();
    super.activate(channel, active);
    moment();
  }
  override revert(channel: string): Pointer {
    moment();
    const pointer = super.revert(channel);
    moment();
    return pointer;
  }
  override sweep(channel: string, keep: Parameters<Slots['sweep']>[1]): void {
    moment();
    super.sweep(channel, keep);
    moment();
  }
}

const verifier: ReleaseVerifier = {
  authenticate: (bytes) =>
    Promise.resolve({
      ...{ v: 1, scope: { kind: 'group', group: 'all' }, seq: 1, issuedAt: 1, notAfter: 8e15, signatures: [] },
      offers: [offerOf(Number(Buffer.from(bytes).toString()))],
    }),
  verify: (offer) => Promise.resolve({ offer, release: releaseOf(Number(offer.release.split('-').at(-1))) }),
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

async function main(): Promise<void> {
  const passed: string[] = [];
  const { encoder = join(shelf, 'factory') } = await installedModels(dataDir, (_, why) => passed.push(why));
  const { card } = await readBundle(encoder);
  say(`boot ${card.version} ${passed.join(' ')}`.trim());
  let running = card.version;
  const ground: TrialGround = {
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
  const slots = new MortalSlots(dataDir);
  const updater = new Updater({
    ...{ slots, verifier, transfer, ground, trials: new Exclusive(), channels: [CHANNEL] },
    box: { site: 'gym', device: 'box', groups: [], usher: '0.1.0', arch: 'x64' },
    ...{ now: Date.now, random: Math.random, probationMs: 1 },
    log: { info: () => undefined, warn: () => undefined },
    publish: ({ channels: [channel] }) => {
      say(`reported ${channel?.state} ${channel?.active?.version} ${running} ${channel?.candidate?.version}`);
      if (channel?.state === 'committed' && channel.candidate?.release === offerOf(Number(wanted)).release) say('done');
    },
  });
  updater.start();
  await updater.hear(Buffer.from(wanted), { kind: 'group', group: 'all' });
}

setInterval(() => undefined, 1000);
void main().catch((error: unknown) => {
  say(`failed ${error instanceof Error ? (error.stack ?? '') : String(error)}`);
  process.exit(1);
});
